import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, chat, type Sent } from '../support/http.ts';
import { setStage } from '../support/stage.ts';

const CHAT = '/v1/chat/completions';

/** One request of each cacheable endpoint, and the first segments of its shown key. */
const REQUESTS: readonly (readonly [name: string, path: string, sent: Sent, shown: RegExp])[] = [
  ['chat', CHAT, { body: chat('hi') }, /^llm_responses\/default\/gpt-5-mini\/[\w-]{43}$/],
  [
    'streamed chat',
    CHAT,
    { body: chat('hi', { stream: true }) },
    /^llm_responses\/default\/gpt-5-mini\/[\w-]{43}$/,
  ],
  ['completions', '/v1/completions', { body: { model: 'c', prompt: 'x' } }, /^llm_responses\/default\/c\//],
  ['responses', '/v1/responses', { body: { model: 'r', input: 'x' } }, /^llm_responses\/default\/r\//],
  ['embeddings', '/v1/embeddings', { body: { model: 'e', input: 'x' } }, /^embeddings\/default\/e\//],
  [
    'vector store search',
    '/v1/vector_stores/vs_1/search',
    { body: { query: 'x' } },
    /^search_results\/default\/vs_1\//,
  ],
  ['models', '/v1/models', {}, /^models\/default\/models\//],
  ['one model', '/v1/models/gpt-6-sol', {}, /^models\/default\/gpt-6-sol\//],
];

describe('basic operations', () => {
  for (const [name, path, sent, shown] of REQUESTS) {
    it(`${name}: a miss is fetched and stored, a repeat is a hit with the same bytes`, async () => {
      await using stage = await setStage();
      const miss = await stage.ask(path, sent);
      assert.equal(miss.status, 200);
      assert.equal(miss.headers.get('x-cache'), 'MISS');
      assert.equal(miss.headers.get('x-cache-reason'), 'absent');
      assert.match(miss.headers.get('x-cache-key') ?? '', shown);
      assert.match(miss.headers.get('x-request-id') ?? '', /^req_upstream_/);
      const hit = await stage.ask(path, sent);
      assert.equal(stage.upstream.calls.length, 1);
      assert.equal(hit.headers.get('x-cache'), 'HIT');
      assert.equal(hit.headers.get('x-cache-level'), 'l1');
      assert.equal(hit.headers.get('x-cache-key'), miss.headers.get('x-cache-key'));
      assert.equal(hit.headers.get('x-cache-parts'), '1/1');
      assert.equal(hit.headers.get('age'), '0');
      assert.match(hit.headers.get('cache-status') ?? '', /^reprise; hit; ttl=\d+; detail=l1$/);
      assert.equal(withoutPadding(hit), withoutPadding(miss));
    });
  }

  it('what means the same has one key: order of names, spaces, escapes, numbers, bookkeeping, stream', async () => {
    await using stage = await setStage();
    const bodies = [
      '{"model":"m","messages":[{"role":"user","content":"é"}],"seed":7}',
      '{ "seed": 7.0, "messages": [ {"content": "\\u00e9", "role": "user"} ], "model": "m", "user": "u-1", "metadata": {"a":"b"} }',
      '{"model":"m","messages":[{"role":"user","content":"é"}],"seed":7,"stream":true,"n":1}',
    ];
    const answers = [];
    for (const body of bodies) answers.push(await stage.ask(CHAT, { body }));
    assert.deepEqual(
      answers.map(({ headers }) => headers.get('x-cache')),
      ['MISS', 'HIT', 'HIT'],
    );
  });

  it('what means something else does not: model, words, sampling, unknown fields', async () => {
    await using stage = await setStage();
    const bodies = [
      chat('a'),
      chat('A'),
      chat('a '),
      chat('a', { temperature: 0.5 }),
      chat('a', { top_k: 3 }),
      { ...chat('a'), model: 'x' },
    ];
    for (const body of bodies) assert.equal((await stage.ask(CHAT, { body })).headers.get('x-cache'), 'MISS');
    assert.equal(stage.upstream.calls.length, bodies.length);
  });

  it('a batch of embeddings: only the missing items go upstream, in one smaller call', async () => {
    await using stage = await setStage();
    const ask = (input: unknown, more = {}) =>
      stage.ask('/v1/embeddings', { body: { model: 'e', input, ...more } });
    await ask(['a', 'b']);
    const partial = await ask(['c', 'a', 'd', 'c']);
    assert.deepEqual(stage.upstream.calls[1]?.json().input, ['c', 'd']);
    assert.equal(partial.headers.get('x-cache'), 'PARTIAL');
    assert.equal(partial.headers.get('x-cache-parts'), '1/4');
    assert.match(
      partial.headers.get('cache-status') ?? '',
      /^reprise; fwd=partial; fwd-status=200; stored; detail="1\/4"$/,
    );
    const hit = await ask(['d', 'b', 'a', 'c'], { encoding_format: 'base64' });
    assert.equal(hit.headers.get('x-cache'), 'HIT');
    assert.equal(hit.headers.get('x-cache-key'), undefined);
    assert.equal(stage.upstream.calls.length, 2);
  });

  it('namespaces and variants are key spaces of their own', async () => {
    await using stage = await setStage();
    const ask = (headers: Record<string, string>) => stage.ask(CHAT, { body: chat('x'), headers });
    for (const headers of [{}, { 'x-cache-namespace': 'shop a/1' }, { 'x-cache-variant': '2' }]) {
      assert.equal((await ask(headers)).headers.get('x-cache'), 'MISS');
      assert.equal((await ask(headers)).headers.get('x-cache'), 'HIT');
    }
    const shown = (await ask({ 'x-cache-namespace': 'shop a/1' })).headers.get('x-cache-key');
    assert.match(shown ?? '', /^llm_responses\/shop%20a%2F1\/gpt-5-mini\//);
    assert.equal(stage.upstream.calls.length, 3);
  });

  it('x-cache-identity: fresh gives a replay an id and a time of its own', async () => {
    await using stage = await setStage();
    const first = (await stage.ask(CHAT, { body: chat('x') })).json();
    const kept = (await stage.ask(CHAT, { body: chat('x') })).json();
    const fresh = (
      await stage.ask(CHAT, { body: chat('x'), headers: { 'x-cache-identity': 'fresh' } })
    ).json();
    assert.equal(kept.id, first.id);
    assert.match(String(fresh.id), /^chatcmpl-\w{24}$/);
    assert.notEqual(fresh.id, first.id);
    assert.deepEqual({ ...fresh, id: 0, created: 0 }, { ...first, id: 0, created: 0 });
  });

  it('usage and [DONE] follow what each caller asked for', async () => {
    await using stage = await setStage();
    const without = await stage.ask(CHAT, { body: chat('u', { stream: true }) });
    const withUsage = await stage.ask(CHAT, {
      body: chat('u', { stream: true, stream_options: { include_usage: true } }),
    });
    assert.deepEqual(
      stage.upstream.calls.map((call) => call.json().stream_options),
      [{ include_usage: true }],
    );
    assert.doesNotMatch(without.body.toString(), /"usage"/);
    assert.match(withUsage.body.toString(), /"choices":\[\],"usage":\{"prompt_tokens"/);
    for (const { body } of [without, withUsage]) assert.match(body.toString(), /data: \[DONE\]\n\n$/);
  });

  it("the caller's own bytes go upstream, but for our headers", async () => {
    await using stage = await setStage();
    const body = '{ "model" : "m",\n "messages":[{"role":"user","content":"\\u00e9"}], "x": 1.0 }';
    await stage.ask(CHAT, {
      body,
      headers: { 'x-cache-ttl': '5s', 'x-custom': 'kept', traceparent: '00-1-2-01' },
    });
    const [call] = stage.upstream.calls;
    assert.equal(call?.body.toString(), body);
    assert.equal(call?.headers['x-custom'], 'kept');
    assert.equal(call?.headers.traceparent, '00-1-2-01');
    assert.equal(call?.headers['x-cache-ttl'], undefined);
    assert.equal(call?.headers['accept-encoding'], 'identity');
    assert.equal(call?.headers.authorization, 'Bearer sk-test');
  });

  for (const [reason, body] of [
    ['body-not-json', '{"model":'],
    ['body-empty', ''],
    ['body-not-utf8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['duplicate-key', '{"model":"m","model":"n","messages":[]}'],
    ['too-deep', `{"messages":${'['.repeat(200)}${']'.repeat(200)}}`],
    ['body-not-object', '[1]'],
    ['store', chat('x', { store: true })],
    ['audio-output', chat('x', { modalities: ['text', 'audio'], audio: { voice: 'a', format: 'wav' } })],
    ['web-search', chat('x', { web_search_options: {} })],
  ] as const) {
    it(`bypasses with the reason ${reason}, and forwards the bytes as they are`, async () => {
      await using stage = await setStage();
      for (let run = 1; run <= 2; run += 1) {
        const answer = await stage.ask(CHAT, { body });
        assert.equal(answer.headers.get('x-cache'), 'BYPASS');
        assert.equal(answer.headers.get('x-cache-reason'), reason);
        assert.match(
          answer.headers.get('cache-status') ?? '',
          /^reprise; fwd=bypass; fwd-status=\d+; detail="/,
        );
        assert.equal(stage.upstream.calls.length, run);
        assert.deepEqual(
          stage.upstream.calls[run - 1]?.body,
          Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
        );
      }
    });
  }

  for (const [field, message] of [
    ['x-cache-ttl', 'soon'],
    ['x-cache-identity', 'new'],
    ['x-cache-namespace', 'n'.repeat(300)],
  ] as const) {
    it(`refuses a ${field} that cannot be read, and says what it expects`, async () => {
      await using stage = await setStage();
      const answer = await stage.ask(CHAT, { body: chat('x'), headers: { [field]: message } });
      assert.equal(answer.status, 400);
      const { error } = answer.json() as { error: { code: string; param: string; message: string } };
      assert.equal(error.code, 'invalid_request');
      assert.equal(error.param, field);
      assert.match(error.message, /expected/);
      assert.equal(answer.headers.get('cache-status'), undefined);
      assert.equal(stage.upstream.calls.length, 0);
    });
  }
});

/** The answer's text without the random padding of OpenAI's events, which is not replayed. */
function withoutPadding({ body }: Answer): string {
  return body.toString().replaceAll(/,"obfuscation":"[^"]*"/g, '');
}
