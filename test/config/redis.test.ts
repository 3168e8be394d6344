import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { config } from '../../src/cli/config.ts';
import { folderWith, linesOf, load, settingsOf } from './support.ts';

const URL_OF = 'redis://app:s3cret-word@cache.example:6380/2';

test('REDIS_URL turns sharing on, over what the profile says', () => {
  const cwd = folderWith({ 'p.yaml': 'redis: { url: "unix:///run/redis.sock", prefix: "shop:a" }' });
  const { redis } = settingsOf(load(cwd, { profile: './p.yaml' }, { REDIS_URL: URL_OF }));
  assert.deepEqual([redis.url, redis.prefix, redis.timeout, redis.required], [URL_OF, 'shop:a', 50, false]);
  assert.equal(settingsOf(load(cwd, {}, { REDIS_URL: '' })).redis.url, undefined);
});

test('what is no address of a Redis is a mistake, and its password is not shown', () => {
  const cwd = folderWith({});
  const [line = '', ...more] = linesOf(
    load(cwd, {}, { REDIS_URL: 'redis://app:s3cret-word@cache.example:0' }),
  );
  assert.deepEqual(more, []);
  assert.match(line, /^REDIS_URL: redis\.url/);
  assert.doesNotMatch(line, /s3cret/);
});

test('the effective settings hide its password', () => {
  let out = '';
  const io = { out: (text: string) => (out += text), err: assert.fail, cwd: folderWith({}), version: '0' };
  assert.equal(config([], { REDIS_URL: URL_OF }, io), 0);
  assert.doesNotMatch(out, /s3cret/);
  assert.equal(parse(out).redis.url, 'redis://***@cache.example:6380/2');
});
