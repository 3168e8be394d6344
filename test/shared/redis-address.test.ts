import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRedisUrl } from '../../src/shared/redis-address.ts';

const ONE = {
  kind: 'single',
  nodes: [{ host: 'h', port: 6379 }],
  path: undefined,
  tls: false,
  username: undefined,
  password: undefined,
  database: 0,
  master: undefined,
} as const;

describe('the URL of a Redis', () => {
  for (const [url, read] of [
    ['redis://h', ONE],
    ['redis://h/', ONE],
    ['redis://h:7000/3', { ...ONE, nodes: [{ host: 'h', port: 7_000 }], database: 3 }],
    ['rediss://:p%40ss@h', { ...ONE, tls: true, password: 'p@ss' }],
    [
      'redis://app:secret@[::1]:1',
      { ...ONE, nodes: [{ host: '::1', port: 1 }], username: 'app', password: 'secret' },
    ],
    ['unix:///run/redis.sock?db=2', { ...ONE, nodes: [], path: '/run/redis.sock', database: 2 }],
    ['unix://u:p@/s', { ...ONE, nodes: [], path: '/s', username: 'u', password: 'p' }],
    [
      'redis+cluster://a:1,b',
      {
        ...ONE,
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 6_379 },
        ],
      },
    ],
    [
      'rediss+sentinel://u:p@a,b:2/main/1',
      {
        ...ONE,
        kind: 'sentinel',
        nodes: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 2 },
        ],
        tls: true,
        username: 'u',
        password: 'p',
        master: 'main',
        database: 1,
      },
    ],
  ] as const) {
    test(`${url} is read`, () => assert.deepEqual(parseRedisUrl(url), read));
  }

  for (const url of [
    '',
    'h:6379',
    'http://h',
    'redis://',
    'redis://h:0',
    'redis://h:99999',
    'redis://h/x',
    'redis://h/1/2',
    'redis://a,b',
    'redis://h?x=1',
    'redis://h h',
    'redis+sentinel://h',
    'redis+sentinel://h/',
    'redis+cluster://a/1',
    'redis+cluster://a,,b',
    'unix://run',
    'redis://:%zz@h',
  ]) {
    test(`${JSON.stringify(url)} is none`, () => assert.equal(parseRedisUrl(url), undefined));
  }
});
