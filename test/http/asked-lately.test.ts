import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { embeddingsEndpoint } from '../../src/endpoints/embeddings.ts';
import type { TaggedPlan } from '../../src/endpoints/tagged.ts';
import { AskedLately } from '../../src/http/asked.ts';
import { type Head, OF_ONE_REQUEST } from '../../src/http/heads.ts';
import { shapingHeaders } from '../../src/policy/shaping.ts';
import { ManualClock } from '../support/clock.ts';
import { tempFolder } from '../support/folder.ts';
import { type Answer, chat, type Sent, send } from '../support/http.ts';
import { planned } from '../support/plans.ts';
import { startReprise } from '../support/reprise.ts';
import { oneRoute, setStage } from '../support/stage.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';
const trace = (id: string) => ({ traceparent: `00-${id.repeat(32)}-b7ad6b7169203331-01` });

/** Requests each of which is sent four times, one after the other. */
const CASES: readonly (readonly [path: string, sent: Sent])[] = [
  [CHAT, { body: chat('a') }],
  [CHAT, { body: chat('a', { stream: true }) }],
  [CHAT, { body: chat('b', { stream: true }) }],
  [CHAT, { body: chat('b', { stream: true, stream_options: { include_usage: true } }) }],
  [CHAT, { body: chat('b') }],
  [CHAT, { body: JSON.stringify(chat('a'), null, 2) }],
  [CHAT, { body: chat('a'), headers: { authorization: 'Bearer sk-other' } }],
  [CHAT, { body: chat('a'), headers: { authorization: undefined } }],
  [CHAT, { body: chat('a'), headers: { 'x-cache-identity': 'fresh' } }],
  [CHAT, { body: chat('a'), headers: { 'x-cache-namespace': 'n' } }],
  [CHAT, { body: chat('a'), headers: { 'x-cache-variant': '2' } }],
  [CHAT, { body: chat('a'), headers: { 'x-cache-tags': 'lamp, sofa' } }],
  [CHAT, { body: chat('a'), headers: { 'x-cache-ttl': 'never' } }],
  [CHAT, { body: chat('a'), headers: { 'x-cache-trace': 't'.repeat(300) } }],
  [CHAT, { body: chat('a'), headers: { 'cache-control': 'no-cache' } }],
  [CHAT, { body: chat('a'), headers: { 'cache-control': 'max-age=5' } }],
  [CHAT, { body: chat('c'), headers: { 'cache-control': 'only-if-cached' } }],
  [CHAT, { body: chat('d'), headers: { 'cache-control': 'no-store' } }],
  [CHAT, { body: chat('a'), headers: trace('1') }],
  [CHAT, { body: chat('a'), headers: trace('2') }],
  [CHAT, { body: chat('a'), headers: { 'x-request-id': 'mine' } }],
  [CHAT, { body: chat('a', { metadata: { cache_tags: 'lamp' } }) }],
  [
    CHAT,
    {
      body: gzipSync(JSON.stringify(chat('a'))),
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
    },
  ],
  [CHAT, { body: '{"model":"m","model":"n"}' }],
  [`${CHAT}?a=1`, { body: chat('a') }],
  ['/v1/responses', { body: { model: 'm', input: 'x', store: false, metadata: { of: 'one' } } }],
  ['/v1/responses', { body: { model: 'm', input: 'x', store: false, metadata: { of: 'two' } } }],
  ['/v1/responses', { body: { model: 'm', input: 'x', store: false, stream: true } }],
  ['/v1/completions', { body: { model: 'm', prompt: 'x' } }],
  ['/v1/embeddings', { body: { model: 'e', input: 'x' } }],
  ['/v1/embeddings', { body: { model: 'e', input: ['x', 'y', 'x'], encoding_format: 'base64' } }],
  ['/v1/embeddings', { body: { model: 'e', input: ['y', 'z'] } }],
  ['/v1/moderations', { body: { model: 'o', input: ['x', 'y'] } }],
  ['/v1/rerank', { body: { model: 'r', query: 'q', documents: ['x', 'y', 'z'], top_n: 2 } }],
  ['/v1/rerank', { body: { model: 'r', query: 'q', documents: ['x', 'y', 'z'] } }],
  ['/v1/models', {}],
  ['/v1/vector_stores/vs_1/search', { body: { query: 'lamps' } }],
  ['/openai/deployments/m/chat/completions?api-version=1', { body: chat('a') }],
  ['/v1/files', {}],
  ['/nowhere', {}],
];

/** Requests of which several are answered from one entry, each in a form of its own. */
const FORMS: readonly (readonly [path: string, body: object, headers?: Record<string, string>])[] = [
  [CHAT, chat('a')],
  [CHAT, chat('a', { stream: true })],
  [CHAT, chat('a', { stream: true, stream_options: { include_usage: true } })],
  [CHAT, chat('a'), { 'x-cache-identity': 'fresh' }],
  [CHAT, chat('a'), { 'x-cache-namespace': 'n' }],
  [CHAT, chat('a'), { authorization: 'Bearer sk-other' }],
  [CHAT, chat('a', { user: 'one' })],
  ['/v1/responses', { model: 'm', input: 'x', store: false, metadata: { of: 'one' } }],
  ['/v1/responses', { model: 'm', input: 'x', store: false, metadata: { of: 'two' } }],
  ['/v1/responses', { model: 'm', input: 'x', store: false, stream: true }],
  ['/v1/completions', { model: 'm', prompt: 'x' }],
  ['/v1/completions', { model: 'm', prompt: 'x', stream: true }],
];

describe('what came lately', () => {
  it('is answered the same, byte for byte, whether or not it is known again', async () => {
    await using pair = await onAndOff();
    for (const [path, sent] of CASES) {
      for (let time = 1; time <= 4; time += 1) await pair.agreeOn(path, sent, `time ${time}`);
    }
  });

  it('is answered the same when it is spelled otherwise each time, whichever form of an answer is asked for', async () => {
    await using pair = await onAndOff();
    for (let time = 1; time <= 5; time += 1) {
      for (const [path, body, headers = {}] of FORMS) {
        const spelled = JSON.stringify(Object.fromEntries(Object.entries(body).reverse()), null, time);
        const sent = { body: spelled, headers: { 'content-type': 'application/json', ...headers } };
        await pair.agreeOn(path, sent, `time ${time}`);
      }
    }
  });

  it('is known again by a client that sends it with other traces, and goes upstream with its own', async () => {
    await using stage = await setStage();
    const ask = (id: string, cache = '') =>
      stage.ask(CHAT, {
        body: chat('x'),
        headers: { ...trace(id), ...(cache && { 'cache-control': cache }) },
      });
    await ask('1');
    assert.equal((await ask('2')).headers.get('x-cache'), 'HIT');
    await ask('3', 'no-cache');
    await ask('4', 'no-cache');
    const sent = stage.upstream.calls.map(({ headers }) => headers.traceparent);
    assert.deepEqual(
      sent,
      [trace('1'), trace('3'), trace('4')].map(({ traceparent }) => traceparent),
    );
  });

  it('a route whose key has a header of one request looks at it each time', async () => {
    await using stage = await setStage(oneRoute({ key: { query: '*', headers: ['x-request-id'] } }));
    stage.upstream.answer((_request, response) => void response.end('a lamp'));
    const ask = async (id: string) =>
      (
        await stage.ask('/catalog/7', { headers: { authorization: undefined, 'x-request-id': id } })
      ).headers.get('x-cache');
    assert.deepEqual(
      [await ask('1'), await ask('1'), await ask('2'), await ask('2')],
      ['MISS', 'HIT', 'MISS', 'HIT'],
    );
  });

  it('what is passed over as of one request shapes no answer', () => {
    for (const name of OF_ONE_REQUEST) {
      assert.deepEqual(shapingHeaders('generic', [[name, 'x']]), [], name);
    }
  });
});

describe('the table of what came lately', () => {
  const head: Head = {
    method: 'POST',
    path: '/v1/embeddings',
    query: '',
    place: { surface: undefined, found: undefined, isData: true },
    header: () => undefined,
    seed: 7,
  };
  const ASKED = asked();
  const note = (table: AskedLately, body: Buffer, of = head) => {
    table.note(of, body, ASKED);
    table.note(of, body, ASKED);
  };

  it('takes two bodies of one checksum for two', () => {
    // CRC-32 is linear: of bodies of one length, these differ by a multiple of its polynomial.
    const one = Buffer.from('{"model":"e","input":"aaaaaaaaaaaa"}');
    const other = collisionOf(one);
    assert.notDeepEqual(one, other);
    const table = new AskedLately(1_000_000);
    note(table, one);
    assert.equal(table.find(head, other), undefined);
    note(table, other);
    assert.notEqual(table.find(head, other), undefined);
    assert.equal(table.find(head, one), undefined);
  });

  it('tells long bodies with the same ends apart, however many there are', () => {
    const table = new AskedLately(10_000_000);
    const bodies = Array.from({ length: 50 }, (_, at) =>
      bodyOf(`${'a'.repeat(2_000)} ${String(at).padStart(3, '0')} ${'z'.repeat(2_000)}`),
    );
    for (let time = 1; time <= 3; time += 1) for (const body of bodies) note(table, body);
    for (const body of bodies) assert.notEqual(table.find(head, body), undefined);
    assert.equal(table.find(head, bodyOf(`${'a'.repeat(2_000)} 050 ${'z'.repeat(2_000)}`)), undefined);
  });

  it('keeps within its bytes, whatever comes', () => {
    const table = new AskedLately(1_000_000);
    const bodies = Array.from({ length: 2_000 }, (_, at) => bodyOf(`${at} ${'x'.repeat(at)}`));
    for (const body of bodies) note(table, body);
    const kept = bodies.filter((body) => table.find(head, body) !== undefined);
    assert.ok(kept.length > 10, `${kept.length}`);
    assert.ok(kept.reduce((sum, body) => sum + 3 * body.length + 4_000, 0) < 1_000_000, `${kept.length}`);
  });

  it('keeps what comes a second time', () => {
    const table = new AskedLately(1_000_000);
    table.note(head, bodyOf('x'), ASKED);
    assert.equal(table.find(head, bodyOf('x')), undefined);
    table.note(head, bodyOf('x'), ASKED);
    assert.notEqual(table.find(head, bodyOf('x')), undefined);
  });

  it('knows a body with another head for another request', () => {
    const table = new AskedLately(1_000_000);
    const body = bodyOf('x');
    note(table, body);
    assert.equal(table.find({ ...head }, body), undefined);
    assert.notEqual(table.find(head, body), undefined);
  });

  it('keeps nothing with a head that is not kept, and nothing at all with no bytes', () => {
    const table = new AskedLately(1_000_000);
    const passing = { ...head, seed: undefined };
    note(table, bodyOf('x'), passing);
    assert.equal(table.find(passing, bodyOf('x')), undefined);
    const none = new AskedLately(0);
    note(none, bodyOf('x'));
    assert.equal(none.find(head, bodyOf('x')), undefined);
  });
});

/** Two proxies with one secret, of which one remembers what came lately and the other does not. */
async function onAndOff() {
  const folder = tempFolder();
  const upstream = await startUpstream();
  const withPlans = (plans: string, data: string) =>
    startReprise({
      upstream: upstream.url,
      profile: { memory: { plans } },
      clock: new ManualClock(),
      folder: data,
    });
  // One secret, for the same keys.
  await (await withPlans('0', folder)).stop();
  await cp(folder, join(folder, '../copy'), { recursive: true });
  const off = await withPlans('0', folder);
  const on = await withPlans('32MB', join(folder, '../copy'));
  return {
    async agreeOn(path: string, sent: Sent, when: string): Promise<void> {
      const [with_, without] = [await send(on.url + path, sent), await send(off.url + path, sent)];
      assert.deepEqual(comparable(with_), comparable(without), `${path} ${JSON.stringify(sent)}, ${when}`);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await on.stop();
      await off.stop();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** What of an answer must be the same: all but its moment, and what names one call. */
function comparable({ status, headers, body }: Answer) {
  const OF_ONE_CALL = /^(?:date|x-request-id|set-cookie|x-ratelimit-.*)$/;
  const text = body
    .toString('latin1')
    .replace(/[0-9a-f]{24}|req_\w+|modr-\d+|(?<="obfuscation":")\w+/g, 'ID');
  return { status, headers: [...headers].filter(([name]) => !OF_ONE_CALL.test(name)), text };
}

function bodyOf(input: string): Buffer {
  return Buffer.from(JSON.stringify({ model: 'e', input }));
}

function asked(): Parameters<AskedLately['note']>[2] {
  const plan: TaggedPlan = {
    ...planned(embeddingsEndpoint, { model: 'e', input: 'x' }),
    tags: [],
    tagsInBody: false,
    tagsInAnswer: false,
    tagsOfHead: () => ({ ok: true, tags: [] }),
    lineage: undefined,
  };
  const upstream = undefined as never;
  return {
    plan,
    upstream,
    upstreamPath: '',
    directives: undefined as never,
    tags: [],
    unread: [],
    realm: '',
    keysFor: () => [],
  };
}

/** Other bytes of the same length and CRC-32: the polynomial, 33 bits of it, laid over them reflected as CRC-32 reads bits. */
function collisionOf(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  const at = bytes.indexOf('aaaa');
  // x^32 + … + 1 with the first bit of the first byte as its highest: bit n of the mask is the coefficient of x^(32 - n).
  const taps = [32, 26, 23, 22, 16, 12, 11, 10, 8, 7, 5, 4, 2, 1, 0];
  for (const power of taps) {
    const bit = 32 - power;
    const byte = at + (bit >> 3);
    other[byte] = (other[byte] ?? 0) ^ (1 << (bit & 7));
  }
  return other;
}
