import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { chat } from '../support/http.ts';
import { chatPiece, dataEvent, sendEvents, sendJson } from '../support/openai-server.ts';
import { oneRoute, type Stage, setStage } from '../support/stage.ts';
import type { Handler } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';
const DONE = dataEvent('[DONE]');

const events =
  (...list: readonly string[]): Handler =>
  (_request, response, turn) =>
    sendEvents(response, list, turn);

const codeOf = (body: Buffer) => (JSON.parse(body.toString()) as { error: { code: string } }).error.code;

describe('who is served', () => {
  for (const [dialect, name] of [
    ['azure', 'ocp-apim-subscription-key'],
    ['openai', 'x-goog-api-key'],
    ['generic', 'x-forwarded-access-token'],
    ['generic', 'x-forwarded-user'],
    ['generic', 'x-forwarded-email'],
    ['generic', 'cf-access-jwt-assertion'],
  ] as const) {
    it(`${name} tells callers apart under ${dialect}`, async () => {
      await using stage = await setStage({ upstreamSettings: { dialect } });
      for (const who of ['alice', 'bob']) {
        const answer = await stage.ask(CHAT, {
          body: chat('x'),
          headers: { authorization: undefined, [name]: who },
        });
        assert.equal(answer.headers.get('x-cache'), 'MISS', who);
      }
    });
  }

  it('where a request passed through, x-forwarded-for and its like make no difference', async () => {
    await using stage = await setStage();
    await stage.ask(CHAT, {
      body: chat('x'),
      headers: { 'x-forwarded-for': '10.0.0.1', 'x-forwarded-proto': 'https' },
    });
    const other = await stage.ask(CHAT, { body: chat('x'), headers: { 'x-forwarded-for': '10.0.0.2' } });
    assert.equal(other.headers.get('x-cache'), 'HIT');
  });
});

describe('a replay is what was answered', () => {
  it('tool calls that share an index but are named anew stay two calls', async () => {
    await using stage = await setStage();
    const call = (id: string, name: string, text: string) => ({
      tool_calls: [{ index: 0, id, type: 'function', function: { name, arguments: text } }],
    });
    stage.upstream.answer(
      events(
        chatPiece(call('a', 'f', '{"x":1}')),
        chatPiece(call('b', 'g', '{')),
        chatPiece({ tool_calls: [{ index: 0, function: { arguments: '}' } }] }),
        chatPiece({}, 'tool_calls'),
        DONE,
      ),
    );
    await stage.ask(CHAT, { body: chat('x', { stream: true }) });
    const { choices } = (await stage.ask(CHAT, { body: chat('x') })).json() as {
      choices: { message: { tool_calls: unknown } }[];
    };
    assert.deepEqual(choices[0]?.message.tool_calls, [
      { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
      { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } },
    ]);
  });

  it('a tool call whose every piece brings another id stays one call', async () => {
    await using stage = await setStage();
    const part = (id: string, fn: object) => ({
      tool_calls: [{ index: 0, id, type: 'function', function: fn }],
    });
    stage.upstream.answer(
      events(
        chatPiece(part('a', { name: 'f', arguments: '{"x"' })),
        chatPiece(part('b', { arguments: ':1}' })),
        chatPiece({}, 'tool_calls'),
        DONE,
      ),
    );
    await stage.ask(CHAT, { body: chat('x', { stream: true }) });
    const { choices } = (await stage.ask(CHAT, { body: chat('x') })).json() as {
      choices: { message: { tool_calls: { function: object }[] } }[];
    };
    assert.deepEqual(
      choices[0]?.message.tool_calls.map((call) => call.function),
      [{ name: 'f', arguments: '{"x":1}' }],
    );
  });

  it('a response that the upstream did not keep never answers a caller that wants it kept', async () => {
    await using stage = await setStage();
    const ask = (more: object) => stage.ask('/v1/responses', { body: { model: 'm', input: 'x', ...more } });
    assert.equal((await ask({ store: false })).headers.get('x-cache'), 'MISS');
    assert.equal((await ask({ store: false })).headers.get('x-cache'), 'HIT');
    assert.equal((await ask({})).headers.get('x-cache'), 'MISS');
    assert.equal((await ask({ store: null })).headers.get('x-cache'), 'HIT');
  });

  for (const [api, path, body] of [
    ['chat', CHAT, chat('x', { stream: true })],
    ['completions', '/v1/completions', { model: 'm', prompt: 'x', stream: true }],
    ['responses', '/v1/responses', { model: 'm', input: 'x', stream: true }],
  ] as const) {
    for (const said of [{ error: { message: 'no' } }, { detail: 'no' }, { object: 'error', message: 'no' }]) {
      it(`${api}: ${Object.keys(said)[0]} with status 200 for a stream is passed on as it came`, async () => {
        await using stage = await setStage();
        stage.upstream.answer((_request, response) => sendJson(response, 200, said));
        const answer = await stage.ask(path, { body });
        assert.equal(answer.headers.get('content-type'), 'application/json');
        assert.deepEqual(answer.json(), said);
        assert.equal((await stage.ask(path, { body })).headers.get('x-cache'), 'MISS');
      });
    }
  }

  it('an event stream that cannot be read, for a JSON call, is one call and passed on as it came', async () => {
    await using stage = await setStage();
    const broken = 'data: {"id":"c","choices":[{"index":0\n\ndata: [DONE]\n\n';
    stage.upstream.answer(events(broken));
    const answer = await stage.ask(CHAT, { body: chat('x') });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.toString(), broken);
    assert.equal(stage.upstream.calls.length, 1);
  });

  it("the upstream's own x-cache headers are not mistaken for ours", async () => {
    await using stage = await setStage();
    const theirs = {
      'x-cache': 'Miss from cloudfront',
      'x-cache-key': 'theirs',
      'x-cache-level': 'l1',
      'x-cache-parts': '1/1',
      'x-cache-lookup': 'x',
    };
    stage.upstream.answer((_request, response) =>
      sendJson(
        response,
        200,
        { choices: [{ index: 0, message: { content: 'x' }, finish_reason: 'stop' }] },
        theirs,
      ),
    );
    const told = async (body: object) =>
      [...(await stage.ask(CHAT, { body })).headers].filter(
        ([name]) => name.startsWith('x-cache') && name !== 'x-cache-key',
      );
    assert.deepEqual(await told(chat('x', { store: true })), [
      ['x-cache', 'BYPASS'],
      ['x-cache-reason', 'store'],
    ]);
    assert.deepEqual(await told(chat('x')), [
      ['x-cache', 'MISS'],
      ['x-cache-reason', 'absent'],
      ['x-cache-parts', '0/1'],
    ]);
    assert.equal((await stage.ask('/v1/files')).headers.get('x-cache'), 'Miss from cloudfront');
  });
});

describe('usage', () => {
  const mute: Handler = (request, response, turn) => {
    const asked = request.json();
    if (asked.stream === true)
      return events(chatPiece({ role: 'assistant', content: 'a' }), chatPiece({}, 'stop'), DONE)(
        request,
        response,
        turn,
      );
    return sendJson(response, 200, {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [
        { index: 0, message: { role: 'assistant', content: 'a', refusal: null }, finish_reason: 'stop' },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    });
  };
  const outcome = async (stage: Stage, more: object) =>
    (await stage.ask(CHAT, { body: chat('x', more) })).headers.get('x-cache');
  const asking = { stream: true, stream_options: { include_usage: true } };

  for (const inject_usage of [true, false]) {
    it(`a JSON caller is not given a stream's answer that says none (inject_usage: ${inject_usage})`, async () => {
      await using stage = await setStage({ upstreamSettings: { inject_usage } });
      stage.upstream.answer(mute);
      assert.equal(await outcome(stage, { stream: true }), 'MISS');
      const json = await stage.ask(CHAT, { body: chat('x') });
      assert.equal(json.headers.get('x-cache-reason'), 'usage-unknown');
      assert.deepEqual(json.json().usage, { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 });
      for (const more of [{}, { stream: true }, asking]) assert.equal(await outcome(stage, more), 'HIT');
      assert.equal(stage.upstream.calls.length, 2);
    });
  }

  it('many that wanted JSON and joined such a stream make one call together, and not one each', async () => {
    await using stage = await setStage();
    const streamed = Promise.withResolvers<void>();
    const whole = Promise.withResolvers<void>();
    stage.upstream.answer(async (request, response, turn) => {
      await (request.json().stream === true ? streamed : whole).promise;
      await mute(request, response, turn);
    });
    const stream = outcome(stage, { stream: true });
    await until(() => stage.upstream.calls.length === 1, 'the stream');
    const many = Array.from({ length: 20 }, () => outcome(stage, {}));
    await stage.running(21);
    streamed.resolve();
    await until(() => stage.upstream.calls.length > 1, 'a call for JSON');
    await stage.running(20);
    whole.resolve();
    assert.deepEqual((await Promise.all(many)).sort(), [...new Array(19).fill('COALESCED'), 'MISS']);
    assert.equal(await stream, 'MISS');
    assert.equal(stage.upstream.calls.length, 2);
  });

  it('an upstream that was asked and says none is not asked again for it', async () => {
    await using stage = await setStage();
    stage.upstream.answer(mute);
    assert.equal(await outcome(stage, asking), 'MISS');
    assert.equal(await outcome(stage, asking), 'HIT');
  });

  for (const options of ['"x"', '[]', '{"include_usage":1}']) {
    it(`stream_options ${options} go upstream as they are, for the upstream to refuse`, async () => {
      await using stage = await setStage();
      const body = `{"model":"m","messages":[],"stream":true,"stream_options":${options}}`;
      await stage.ask(CHAT, { body });
      assert.equal(stage.upstream.calls[0]?.body.toString(), body);
    });
  }
});

describe('routes and upstreams', () => {
  it("age counts from the upstream's own where it is respected", async () => {
    const clock = new ManualClock();
    await using stage = await setStage({
      clock,
      ...oneRoute({ respect_upstream: true }),
    });
    stage.upstream.answer((_request, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60', age: '50' }).end('x');
    });
    const ask = (headers: Record<string, string> = {}) =>
      stage.ask('/catalog/7', { headers: { authorization: undefined, ...headers } });
    await ask();
    clock.advance(1_000);
    const hit = await ask();
    assert.equal(hit.headers.get('age'), '51');
    assert.match(hit.headers.get('cache-status') ?? '', /hit; ttl=9;/);
    assert.equal((await ask({ 'cache-control': 'max-age=10' })).headers.get('x-cache'), 'MISS');
  });

  it('a model that is asked for by its path goes where its calls go', async () => {
    await using second = await setStage();
    await using stage = await setStage({
      profile: { upstreams: { local: { base_url: second.upstream.url, models: ['qwen*'] } } },
    });
    await stage.ask('/v1/models/qwen3');
    assert.deepEqual(
      second.upstream.calls.map(({ url }) => url),
      ['/v1/models/qwen3'],
    );
    assert.equal(stage.upstream.calls.length, 0);
  });

  for (const field of ['nvext', 'extra_body']) {
    it(`the order of names in ${field}.guided_json is content`, async () => {
      await using stage = await setStage();
      const ask = (schema: string) =>
        stage.ask(CHAT, { body: `{"model":"m","messages":[],"${field}":{"guided_json":${schema}}}` });
      await ask('{"properties":{"a":{},"b":{}}}');
      assert.equal((await ask('{"properties":{"b":{},"a":{}}}')).headers.get('x-cache'), 'MISS');
    });
  }

  it('a caller alone is told when what it asked for cannot be read', async () => {
    await using stage = await setStage();
    stage.upstream.answer((_request, response) => sendJson(response, 200, { object: 'list', data: [] }));
    await stage.ask('/v1/embeddings', { body: { model: 'e', input: ['a', 'a'] } }).then((answer) => {
      assert.equal(answer.status, 502);
      assert.equal(codeOf(answer.body), 'upstream_invalid');
    });
  });
});
