import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { reportHeaders } from '../../src/http/report.ts';
import { readTarget } from '../../src/http/target.ts';
import { within } from '../support/deadline.ts';
import { setStage } from '../support/stage.ts';

const REFUSED = [
  'http://elsewhere/v1/models',
  '*',
  'v1/models',
  '//elsewhere/v1/models',
  '/v1//models',
  '/v1/../admin',
  '/v1/./models',
  '/v1/%2e%2E/admin',
  '/v1/.%2e/admin',
  '/v1/..',
  '/v1/a%2f..%2fb/../c',
  '/v1\\models',
  '/v1/%5cmodels',
  '/v1/a%00b',
  '/v1/a%0d%0ab',
  '/v1/a%7fb',
  '/v1/%zz',
  '/v1/a#b',
];

describe('request targets', () => {
  for (const target of REFUSED) {
    it(`${target} is refused`, () => {
      assert.throws(() => readTarget(target), { code: 'invalid_request', param: 'path' });
    });
  }

  it('others are taken as they are, cut at the first question mark', () => {
    assert.deepEqual(readTarget('/v1/a%20b/...?x=/../y?z'), { path: '/v1/a%20b/...', query: 'x=/../y?z' });
    assert.deepEqual(readTarget('/v1/models'), { path: '/v1/models', query: '' });
  });

  it('what is refused reaches no upstream, whatever its form on the wire', async () => {
    await using stage = await setStage();
    const { port } = new URL(stage.reprise.url);
    for (const target of REFUSED.filter((target) => !/[#*]/.test(target))) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.end(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      let answer = '';
      for await (const chunk of socket) answer += chunk;
      assert.match(answer, /^HTTP\/1\.1 400 /, target);
    }
    await within(stage.ask('/health/live'), 'still alive');
    assert.equal(stage.upstream.calls.length, 0);
  });
});

describe('cache-status (RFC 9211)', () => {
  for (const [report, says] of [
    [{ outcome: 'HIT', level: 'l1', ttlMs: 1_712_900 }, 'reprise; hit; ttl=1712; detail=l1'],
    [{ outcome: 'STALE', level: 'l2', ttlMs: -4_200 }, 'reprise; hit; ttl=-5; detail=l2'],
    [
      { outcome: 'MISS', reason: 'absent', fwdStatus: 200, stored: true },
      'reprise; fwd=miss; fwd-status=200; stored',
    ],
    [
      { outcome: 'MISS', reason: 'expired', fwdStatus: 200, stored: false },
      'reprise; fwd=stale; fwd-status=200',
    ],
    [{ outcome: 'COALESCED' }, 'reprise; fwd=miss; collapsed'],
    [{ outcome: 'REFRESH', fwdStatus: 200, stored: true }, 'reprise; fwd=request; fwd-status=200; stored'],
    [
      { outcome: 'PARTIAL', fwdStatus: 200, parts: { hits: 3, total: 5 } },
      'reprise; fwd=partial; fwd-status=200; detail="3/5"',
    ],
    [
      { outcome: 'BYPASS', reason: 'tool:web_search', fwdStatus: 200 },
      'reprise; fwd=bypass; fwd-status=200; detail="tool:web_search"',
    ],
  ] as const) {
    it(says, () => assert.equal(new Map(reportHeaders(report)).get('cache-status'), says));
  }
});
