import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { Log } from '../../src/observe/log.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { type Collector, startCollector, type ToldSpan } from '../support/collector.ts';
import { until, within } from '../support/deadline.ts';
import { chat, send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';
import { oneRoute, type Stage, type StageOptions, setStage } from '../support/stage.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const PARENT = `00-${TRACE}-${CALLER}-01`;

interface Traced extends Stage {
  readonly collector: Collector;
  /** Stops the proxy, which sends what waits, and gives all spans: those of requests, and those of upstream calls. */
  spans(): Promise<{ readonly servers: readonly ToldSpan[]; readonly clients: readonly ToldSpan[] }>;
}

/** A proxy that exports spans. */
async function tracedStage(options: StageOptions = {}): Promise<Traced> {
  const collector = await startCollector();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...options.env };
  const stage = await setStage({ ...options, env });
  return {
    ...stage,
    collector,
    async spans() {
      await within(stage.reprise.stop(), 'a stop');
      const of = (kind: ToldSpan['kind']) => collector.spans.filter((span) => span.kind === kind);
      return { servers: of('server'), clients: of('client') };
    },
    async [Symbol.asyncDispose]() {
      await stage[Symbol.asyncDispose]();
      collector[Symbol.dispose]();
    },
  };
}

const CHAT = '/v1/chat/completions';

describe('spans', () => {
  it('are the same where threads answer requests, and as exact', async () => {
    const began = Date.now();
    await using stage = await tracedStage({ workers: 2 });
    await stage.ask(CHAT, { body: chat('hello'), headers: { traceparent: PARENT } });
    const { servers, clients } = await stage.spans();
    const [first] = servers;
    const [call] = clients;
    assert.ok(first && call && servers.length === 1 && clients.length === 1);
    assert.deepEqual([first.traceId, first.parent], [TRACE, CALLER]);
    assert.deepEqual([call.traceId, call.parent], [TRACE, first.id]);
    assert.ok(first.start >= BigInt(began) * 1_000_000n);
    assert.ok(call.start >= first.start && call.end <= first.end + 1_000_000n);
  });

  it('a miss is a span with its upstream call in it, which the upstream can go on with; a hit is a span alone', async () => {
    await using stage = await tracedStage();
    const miss = await stage.ask(CHAT, { body: chat('hello') });
    await stage.ask(CHAT, { body: chat('hello') });
    const { servers, clients } = await stage.spans();
    const [first, second] = servers;
    const [call] = clients;
    assert.ok(first && second && call);
    assert.equal(servers.length + clients.length, 3);
    assert.equal(stage.collector.requests[0]?.path, '/v1/traces');

    assert.deepEqual([first.name, first.parent, first.status], ['POST /v1/chat/completions', '', 'unset']);
    const { 'reprise.request_id': id, 'server.port': port, ...said } = first.attributes;
    assert.match(String(id), /^req_/);
    assert.equal(`http://127.0.0.1:${port}`, stage.reprise.url);
    assert.deepEqual(said, {
      'http.request.method': 'POST',
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'url.path': '/v1/chat/completions',
      'server.address': '127.0.0.1',
      'reprise.outcome': 'miss',
      'reprise.reason': 'absent',
      'reprise.endpoint': 'chat',
      'reprise.type': 'llm_responses',
      'reprise.model': 'gpt-5-mini',
      'reprise.upstream': 'default',
      'reprise.key': miss.headers.get('x-cache-key'),
      'reprise.parts.hits': 0,
      'reprise.parts.total': 1,
    });

    assert.deepEqual([call.name, call.traceId, call.parent], ['chat gpt-5-mini', first.traceId, first.id]);
    assert.ok(call.start >= first.start && call.end <= first.end + 1_000_000n);
    const {
      'gen_ai.usage.input_tokens': input,
      'gen_ai.usage.output_tokens': output,
      ...told
    } = call.attributes;
    const { usage, model } = miss.json() as { usage: Record<string, number>; model: string };
    assert.deepEqual([input, output], [usage.prompt_tokens, usage.completion_tokens]);
    assert.deepEqual(told, {
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'url.full': `${stage.upstream.url}/chat/completions`,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(stage.upstream.origin).port),
      'reprise.upstream': 'default',
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-5-mini',
      'gen_ai.response.model': model,
      'gen_ai.response.finish_reasons': ['stop'],
    });
    assert.equal(stage.upstream.calls[0]?.headers.traceparent, `00-${call.traceId}-${call.id}-03`);

    assert.notEqual(second.traceId, first.traceId);
    assert.equal(second.attributes['reprise.outcome'], 'hit');
    assert.equal(second.attributes['reprise.level'], 'l1');
    assert.equal(second.attributes['reprise.saved.input_tokens'], input);
    assert.equal(first.resource['service.name'], 'reprise');
    assert.equal(first.resource['telemetry.sdk.name'], 'opentelemetry');
  });

  it("goes on with the caller's trace, and keeps its tracestate", async () => {
    await using stage = await tracedStage();
    const headers = { traceparent: PARENT, tracestate: 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7' };
    await stage.ask(CHAT, { body: chat('one'), headers });
    await stage.ask('/v1/files', { headers });
    const { servers, clients } = await stage.spans();
    assert.deepEqual(
      servers.map(({ traceId, parent }) => [traceId, parent]),
      [
        [TRACE, CALLER],
        [TRACE, CALLER],
      ],
    );
    for (const [at, { headers: got }] of stage.upstream.calls.entries()) {
      assert.equal(got.traceparent, `00-${TRACE}-${clients[at]?.id}-01`);
      assert.equal(got.tracestate, headers.tracestate);
      assert.equal(clients[at]?.parent, servers[at]?.id);
      assert.equal(clients[at]?.state, headers.tracestate);
    }
  });

  it('lines of the log name their trace', async () => {
    await using stage = await tracedStage();
    await stage.ask(CHAT, { body: chat('one'), headers: { traceparent: PARENT } });
    await until(() => stage.reprise.events.some(({ kind }) => kind === 'answered'), 'an answer');
    const lines: string[] = [];
    const write = (text: string) => void lines.push(...text.trimEnd().split('\n'));
    const log = new Log({ level: 'info', format: 'json', requests: true, clock: systemClock, write });
    for (const event of stage.reprise.events) log.take(event);
    log.flush();
    assert.equal(JSON.parse(lines[0] ?? '').trace_id, TRACE);
    assert.equal(lines.length, 1);
  });

  it('a traceparent that cannot be read begins a trace of its own, without the tracestate', async () => {
    await using stage = await tracedStage();
    await stage.ask(CHAT, { body: chat('one'), headers: { traceparent: '00-1-2-01', tracestate: 'a=b' } });
    const { servers, clients } = await stage.spans();
    assert.equal(servers[0]?.parent, '');
    const { traceparent, tracestate } = stage.upstream.calls[0]?.headers ?? {};
    assert.deepEqual(
      [traceparent, tracestate],
      [`00-${servers[0]?.traceId}-${clients[0]?.id}-03`, undefined],
    );
  });

  it('a trace that its caller does not record is not recorded here, and is told on so', async () => {
    await using stage = await tracedStage();
    await stage.ask(CHAT, { body: chat('one'), headers: { traceparent: `00-${TRACE}-${CALLER}-00` } });
    const { servers, clients } = await stage.spans();
    assert.deepEqual([servers, clients], [[], []]);
    const sent = String(stage.upstream.calls[0]?.headers.traceparent);
    assert.match(sent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    assert.ok(!sent.includes(CALLER));
  });

  it('of traces that begin here a share is recorded, as the variables say', async () => {
    const env = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
    await using stage = await tracedStage({ env });
    await stage.ask(CHAT, { body: chat('one') });
    await stage.ask(CHAT, { body: chat('two'), headers: { traceparent: PARENT } });
    const { servers } = await stage.spans();
    assert.deepEqual(
      servers.map(({ traceId }) => traceId),
      [TRACE],
    );
  });

  it('a request that joins the call of another says which', async () => {
    await using stage = await tracedStage();
    const gate = stage.upstream.hold();
    const founder = stage.ask(CHAT, { body: chat('same') });
    await until(() => stage.upstream.calls.length === 1, 'a call upstream');
    const joiner = stage.ask(CHAT, { body: chat('same'), headers: { traceparent: PARENT } });
    await stage.running(2);
    gate.release();
    await Promise.all([founder, joiner]);
    const { servers, clients } = await stage.spans();
    const joined = servers.find(({ traceId }) => traceId === TRACE);
    assert.equal(joined?.attributes['reprise.outcome'], 'coalesced');
    assert.equal(clients.length, 1);
    assert.deepEqual(joined?.links, [{ traceId: clients[0]?.traceId, id: clients[0]?.id }]);
    assert.deepEqual(servers.find(({ id }) => id === clients[0]?.parent)?.links, []);
  });

  it('a batch in part and a stream are what they are', async () => {
    await using stage = await tracedStage();
    const embed = (...input: string[]) =>
      stage.ask('/v1/embeddings', { body: { model: 'text-embedding-3-small', input } });
    await embed('a', 'b');
    await embed('a', 'c');
    await stage.ask('/v1/completions', {
      body: { model: 'gpt-3.5-turbo-instruct', prompt: 'x', stream: true },
    });
    const { servers, clients } = await stage.spans();
    const of = (span: ToldSpan | undefined, ...names: string[]) =>
      names.map((name) => span?.attributes[name]);
    assert.deepEqual(of(servers[1], 'reprise.outcome', 'reprise.parts.hits', 'reprise.parts.total'), [
      'partial',
      1,
      2,
    ]);
    assert.deepEqual(
      clients.map(({ name }) => name),
      [
        'embeddings text-embedding-3-small',
        'embeddings text-embedding-3-small',
        'text_completion gpt-3.5-turbo-instruct',
      ],
    );
    assert.deepEqual(of(clients[0], 'gen_ai.usage.output_tokens', 'gen_ai.response.finish_reasons'), [
      undefined,
      undefined,
    ]);
    assert.ok(Number(clients[0]?.attributes['gen_ai.usage.input_tokens']) > 0);
    assert.deepEqual(of(clients[2], 'gen_ai.response.finish_reasons'), [['stop']]);
  });

  it('failures are errors: the status that the upstream gives, or why there is none', async () => {
    await using stage = await tracedStage();
    stage.upstream.answer((_request, response) => void response.writeHead(500).end('{}'));
    await stage.ask(CHAT, { body: chat('one') });
    stage.upstream.answer((_request, response) => void response.destroy());
    await stage.ask(CHAT, { body: chat('two') });
    await stage.ask('/v1/files');
    stage.upstream.answer((_request, response) => void response.writeHead(404).end('{}'));
    await stage.ask('/v1/files');
    const { servers, clients } = await stage.spans();
    const told = (span: ToldSpan) => [
      span.status,
      span.attributes['error.type'],
      span.attributes['http.response.status_code'],
    ];
    assert.deepEqual(clients.map(told), [
      ['error', '500', 500],
      ['error', 'upstream_unreachable', undefined],
      ['error', 'upstream_unreachable', undefined],
      ['error', '404', 404],
    ]);
    assert.deepEqual(servers.map(told), [
      ['error', '500', 500],
      ['error', '502', 502],
      ['error', '502', 502],
      ['unset', undefined, 404],
    ]);
    assert.equal(servers[1]?.attributes['reprise.outcome'], 'error');
  });

  it("the user's routes go by their pattern, and are no calls to a model", async () => {
    await using stage = await tracedStage(oneRoute());
    stage.upstream.answer((_request, response) => void response.end('{"id":7}'));
    await stage.ask('/catalog/7?token=hidden', { headers: { authorization: undefined } });
    await stage.ask('/shop/v1/models/a');
    const { servers, clients } = await stage.spans();
    assert.deepEqual([servers[0]?.name, clients[0]?.name], ['GET /catalog/{id}', 'GET']);
    assert.equal(servers[1]?.name, 'GET /shop/v1/models/{model}');
    assert.equal(servers[0]?.attributes['url.path'], '/catalog/7');
    assert.equal(clients[0]?.attributes['url.full'], `${stage.upstream.origin}/catalog/7`);
    assert.equal(clients[0]?.attributes['gen_ai.operation.name'], undefined);
  });

  it('a WebSocket is a span for as long as it stands', async () => {
    await using stage = await tracedStage();
    const client = connect(Number(new URL(stage.reprise.url).port), '127.0.0.1');
    client.write(
      `GET /v1/realtime?model=m HTTP/1.1\r\nhost: shop.example\r\nconnection: upgrade\r\nupgrade: websocket\r\ntraceparent: ${PARENT}\r\n\r\n`,
    );
    // The upstream knows no WebSocket: it answers as to any other request.
    await within(new Promise((resolve) => client.on('close', resolve).resume()), 'the answer');
    const { servers, clients } = await stage.spans();
    assert.deepEqual([servers[0]?.parent, servers[0]?.attributes['reprise.endpoint']], [CALLER, 'tunnel']);
    assert.equal(servers[0]?.attributes['server.address'], 'shop.example');
    assert.equal(clients[0]?.parent, servers[0]?.id);
    assert.equal(stage.upstream.calls[0]?.headers.traceparent, `00-${TRACE}-${clients[0]?.id}-01`);
  });

  it('say nothing of what was asked and answered, and nothing of who asks', async () => {
    await using stage = await tracedStage();
    const secret = {
      body: chat('the-prompt', { user: 'the-user' }),
      headers: { authorization: 'Bearer sk-the-key-0123456789' },
    };
    const { body } = await stage.ask(`${CHAT}?api-key=the-query`, secret);
    const answer = JSON.parse(body.toString()).choices[0].message.content;
    await stage.ask(`${CHAT}?api-key=the-query`, secret);
    await stage.ask('/v1/files?after=the-query', secret);
    await stage.spans();
    const told = JSON.stringify(stage.collector.spans, (_name, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    );
    for (const hidden of ['the-prompt', 'the-user', 'the-key', 'the-query', answer]) {
      assert.ok(!told.includes(hidden), hidden);
    }
    assert.ok(stage.collector.spans.length > 4);
  });

  it("leave lineage as it is: the caller's trace id is what belongs together", async () => {
    await using stage = await tracedStage(oneRoute({ tags: ['product:{id}'] }));
    stage.upstream.answer((_request, response) => void response.end('{"id":7}'), '/catalog/7');
    const traced = { headers: { traceparent: PARENT } };
    await stage.ask('/catalog/7', { headers: { ...traced.headers, authorization: undefined } });
    await stage.ask(CHAT, { body: chat('what does it cost?'), ...traced });
    const order = { headers: { authorization: undefined }, body: { tags: ['product:7'] } };
    const { matched } = (await stage.ask('/cache/invalidate', order)).json();
    assert.equal(matched, 2);
    await stage.spans();
  });
});

describe('the collector', () => {
  it('that is not there costs the callers nothing, is told once, and delays a stop by five seconds at most', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_TIMEOUT: '300' };
    await using stage = await setStage({ env });
    for (let at = 0; at < 20; at += 1) await stage.ask(CHAT, { body: chat(`${at}`) });
    await within(stage.reprise.stop(), 'a stop');
    const told = stage.reprise.events.filter(({ kind }) => kind === 'degraded');
    assert.equal(told.length, 1);
    assert.match(JSON.stringify(told), /"what":"tracing","why":"spans cannot be exported: .*ECONNREFUSED/);
  });

  it('that takes what it is sent and never answers is waited for no longer', async () => {
    using collector = await startCollector();
    collector.answer(() => undefined);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_TIMEOUT: '300' };
    await using stage = await setStage({ env });
    await stage.ask(CHAT, { body: chat('one') });
    await within(stage.reprise.stop(), 'a stop');
    assert.match(JSON.stringify(stage.reprise.events), /"what":"tracing","why":"spans cannot be exported/);
  });

  it('that takes spans again is told, and what was lost and what found no room is counted', async () => {
    using collector = await startCollector();
    const env = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/spans`,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_BSP_MAX_QUEUE_SIZE: '10',
    };
    await using stage = await setStage({ env });
    collector.answer((response) => void response.writeHead(400).end());
    const told = (word: string) => () => stage.reprise.events.some(({ kind }) => kind === word);
    await stage.ask(CHAT, { body: chat('one') });
    await until(told('degraded'), 'a failure');
    collector.answer(undefined);
    await stage.ask(CHAT, { body: chat('two') });
    await until(told('recovered'), 'its end');
    assert.equal(collector.requests[0]?.path, '/spans');
    const held: ServerResponse[] = [];
    collector.answer((response) => void held.push(response));
    for (let at = 0; at < 30; at += 1) await stage.ask(CHAT, { body: chat('two') });
    const scrape = await stage.ask('/metrics', { headers: { authorization: undefined } });
    const count = (outcome: string) =>
      Number(
        new RegExp(`^reprise_spans_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(
          scrape.body.toString(),
        )?.[1],
      );
    assert.equal(count('failed'), 2);
    assert.ok(count('exported') >= 2);
    assert.ok(count('dropped') > 0);
    collector.answer(undefined);
    for (const response of held) response.end();
  });

  it('is sent nothing where the variables say so, and mistakes in them are told', async () => {
    using collector = await startCollector();
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    for (const env of [
      { ...endpoint, OTEL_SDK_DISABLED: 'true' },
      { ...endpoint, OTEL_TRACES_EXPORTER: 'none' },
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
    ]) {
      await using reprise = await startReprise({ upstream: 'http://127.0.0.1:9/v1', env });
      await send(`${reprise.url}/v1/files`);
      await reprise.stop();
      const mistakes = reprise.events.filter(({ kind }) => kind === 'degraded').length;
      assert.equal(mistakes, 'OTEL_SDK_DISABLED' in env || 'OTEL_TRACES_EXPORTER' in env ? 0 : 1);
    }
    assert.equal(collector.requests.length, 0);
  });
});
