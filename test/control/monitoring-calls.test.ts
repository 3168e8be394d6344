import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { liveCall } from '../../src/control/live-call.ts';
import { answered } from '../support/answered.ts';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { chat, open, type Streaming, send } from '../support/http.ts';
import { testMonitor } from '../support/monitor.ts';
import { sendJson } from '../support/openai-server.ts';
import { startReprise } from '../support/reprise.ts';
import { oneRoute, type Stage, setStage } from '../support/stage.ts';

const OPEN = { headers: { authorization: undefined } };

/** What a monitoring call answers. */
async function told(stage: Stage, path: string): Promise<Record<string, unknown>> {
  const answer = await stage.ask(path, OPEN);
  assert.equal(answer.status, 200);
  return answer.json();
}

/** What stands at a path in a JSON value. */
function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined),
    value,
  );
}

/** Has the upstream answer chat calls with this usage, after the clock has moved on. */
function answerSlowly(stage: Stage, clock: ManualClock, ms: number): void {
  stage.upstream.answer((_request, response) => {
    clock.advance(ms);
    sendJson(response, 200, {
      id: 'c',
      object: 'chat.completion',
      model: 'gpt-4o-mini-2024-07-18',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1_000, completion_tokens: 200, prompt_tokens_details: { cached_tokens: 400 } },
    });
  });
}

describe('GET /monitoring/cache', () => {
  it('tells the true counts, savings and durations of a load that is known', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    answerSlowly(stage, clock, 800);
    const ask = (text: string, headers = {}) =>
      stage.ask('/v1/chat/completions', { body: chat(text, { model: 'gpt-4o-mini' }), headers });
    for (const text of ['one', 'two', 'three']) await ask(text);
    for (let again = 0; again < 7; again += 1) await ask('one');
    await ask('two', { 'cache-control': 'no-cache' });
    await ask('two', { 'cache-control': 'no-store' });
    await ask('four', { 'cache-control': 'only-if-cached' });
    stage.upstream.answer(undefined);
    await stage.ask('/v1/files');
    const embed = (...input: string[]) =>
      stage.ask('/v1/embeddings', { body: { model: 'text-embedding-3-small', input } });
    await embed('a', 'b');
    await embed('a', 'b', 'c', 'd');

    const cache = await told(stage, '/monitoring/cache');
    assert.deepEqual(cache.requests, {
      total: 16,
      hits: 7,
      misses: 4,
      partial: 1,
      stale: 0,
      coalesced: 0,
      refreshed: 1,
      bypassed: 1,
      errors: 1,
      relayed: 1,
    });
    assert.equal(cache.hit_rate, Math.round(((7 + 0.5) / 12) * 10_000) / 10_000);
    // What the upstream had cached itself, it sells for half: $0.075 instead of $0.15 a million.
    const usd = (600 * 0.15 + 400 * 0.075 + 200 * 0.6) / 1e6;
    assert.deepEqual(at(cache, 'models', 'gpt-4o-mini', 'saved'), {
      requests: 7,
      prompt_tokens: 7_000,
      completion_tokens: 1_400,
      usd: Math.round(7 * usd * 1e6) / 1e6,
      upstream_ms: 5_600,
    });
    assert.equal(at(cache, 'saved', 'requests'), 7);
    assert.equal(at(cache, 'types', 'llm_responses', 'hits'), 7);
    assert.equal(at(cache, 'types', 'llm_responses', 'entries'), 3);
    assert.equal(at(cache, 'types', 'llm_responses', 'ttl_s'), 1_800);
    assert.equal(at(cache, 'types', 'embeddings', 'partial'), 1);
    assert.equal(at(cache, 'types', 'embeddings', 'entries'), 4);
    const near = (value: unknown, exact: number) => Math.abs(Number(value) - exact) <= exact * 0.01;
    assert.ok(near(at(cache, 'latency_ms', 'upstream', 'p95'), 800));
    assert.ok(near(at(cache, 'latency_ms', 'miss', 'max'), 800));
    assert.equal(at(cache, 'latency_ms', 'hit', 'max'), 0);
    assert.equal(at(cache, 'latency_ms', 'hit_l1', 'count'), 7);
    assert.deepEqual(at(cache, 'windows', '1m', 'requests'), cache.requests);
    assert.deepEqual(at(cache, 'reasons', 'missed'), { absent: 4 });
    assert.deepEqual(at(cache, 'reasons', 'bypassed'), { 'client-no-store': 1 });
    assert.equal(at(cache, 'upstreams', 'default', 'state'), 'up');
  });

  it('counts the savings of joined calls and of streams', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    const gate = stage.upstream.hold();
    const asked = [1, 2, 3].map(() =>
      stage.ask('/v1/chat/completions', { body: chat('x', { stream: true }) }),
    );
    await stage.running(3);
    await until(() => stage.upstream.calls.length === 1, 'the upstream is asked');
    gate.release();
    await Promise.all(asked);
    await stage.ask('/v1/chat/completions', { body: chat('x', { stream: true }) });
    const cache = await told(stage, '/monitoring/cache');
    assert.deepEqual([at(cache, 'requests', 'coalesced'), at(cache, 'requests', 'hits')], [2, 1]);
    const [miss] = stage.reprise.events.filter(
      (event) => event.kind === 'answered' && event.outcome === 'MISS',
    );
    const tokens = miss?.kind === 'answered' ? (miss.usage?.promptTokens ?? 0) : 0;
    assert.ok(tokens > 0);
    assert.deepEqual([at(cache, 'saved', 'requests'), at(cache, 'saved', 'prompt_tokens')], [3, 3 * tokens]);
  });

  it('tells what a type in mode shadow would have saved', async () => {
    await using stage = await setStage({ profile: { types: { llm_responses: { mode: 'shadow' } } } });
    for (let again = 0; again < 4; again += 1) {
      await stage.ask('/v1/chat/completions', { body: chat('x') });
    }
    const cache = await told(stage, '/monitoring/cache');
    assert.deepEqual([at(cache, 'requests', 'bypassed'), at(cache, 'saved', 'requests')], [4, 0]);
    assert.equal(at(cache, 'saved', 'shadow', 'requests'), 3);
    assert.ok(Number(at(cache, 'saved', 'shadow', 'prompt_tokens')) > 0);
  });

  it('goes on with its totals after a restart', async () => {
    await using stage = await setStage();
    const ask = () => stage.ask('/v1/chat/completions', { body: chat('x') });
    for (let again = 0; again < 3; again += 1) await ask();
    const before = await told(stage, '/monitoring/cache');
    await stage.reprise.stop();
    await using again = await startReprise({ upstream: stage.upstream.url, folder: stage.reprise.folder });
    const { ask: _, ...rest } = stage;
    const restarted: Stage = {
      ...rest,
      ask: (path, sent) => send(again.url + path, sent),
    };
    const after = await told(restarted, '/monitoring/cache');
    for (const name of ['requests', 'saved', 'since', 'models', 'hit_rate']) {
      assert.deepEqual(after[name], before[name], name);
    }
    assert.equal(at(after, 'windows', '1m', 'requests', 'total'), 0);
    await restarted.ask('/v1/chat/completions', { body: chat('x') });
    assert.equal(at(await told(restarted, '/monitoring/cache'), 'requests', 'hits'), 3);
  });
});

describe('GET /monitoring/cache/series', () => {
  it('tells minute by minute what was counted, of the last day and no more', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    answerSlowly(stage, clock, 800);
    const ask = (text: string) =>
      stage.ask('/v1/chat/completions', { body: chat(text, { model: 'gpt-4o-mini' }) });
    assert.deepEqual(await told(stage, '/monitoring/cache/series'), { step_s: 60, points: [] });
    const began = clock.now();
    for (const text of ['one', 'one', 'one', 'two']) await ask(text);
    clock.advance(60_000);
    clock.advance(60_000);
    await ask('one');
    clock.advance(60_000);
    const { points } = await told(stage, '/monitoring/cache/series?minutes=2');
    assert.ok(Array.isArray(points) && points.length === 2);
    const [idle, last] = points;
    assert.deepEqual(
      [at(idle, 'requests', 'total'), at(idle, 'hit_rate'), at(idle, 'latency_ms')],
      [0, null, { hit: null, miss: null }],
    );
    assert.deepEqual([at(last, 'requests', 'hits'), at(last, 'hit_rate')], [1, 1]);
    const { points: all } = await told(stage, '/monitoring/cache/series');
    assert.ok(Array.isArray(all) && all.length === 3);
    assert.equal(Date.parse(String(at(all[0], 'at'))), began + 60_000);
    assert.deepEqual(
      [at(all[0], 'requests', 'hits'), at(all[0], 'requests', 'misses'), at(all[0], 'hit_rate')],
      [2, 2, 0.5],
    );
    assert.deepEqual(at(all[0], 'saved', 'prompt_tokens'), 2_000);
    assert.ok(Math.abs(Number(at(all[0], 'latency_ms', 'miss', 'p50')) - 800) < 8);
    clock.advance(25 * 3_600_000);
    const { points: day } = await told(stage, '/monitoring/cache/series?minutes=1440');
    assert.ok(Array.isArray(day) && day.length === 1_440);
    for (const wrong of ['minutes=0', 'minutes=1441', 'minutes=x', 'hours=1']) {
      assert.equal((await stage.ask(`/monitoring/cache/series?${wrong}`, OPEN)).status, 400, wrong);
    }
  });
});

describe('GET /monitoring/cache/levels', () => {
  it('tells each tier with what went through it', async () => {
    await using stage = await setStage({
      profile: { memory: { max_entries: 2 }, disk: { compression: 'gzip' } },
    });
    for (const text of ['a', 'b', 'c', 'a']) await stage.ask('/v1/chat/completions', { body: chat(text) });
    const { levels } = await told(stage, '/monitoring/cache/levels');
    assert.ok(Array.isArray(levels));
    const [memory, disk] = levels;
    assert.deepEqual(
      ['level', 'kind', 'entries', 'max_entries', 'utilization', 'evictions', 'hits'].map((name) =>
        at(memory, name),
      ),
      ['l1', 'memory', 2, 2, 1, 2, 0],
    );
    assert.deepEqual(
      ['level', 'kind', 'hits', 'misses', 'hit_rate', 'promotions'].map((name) => at(disk, name)),
      ['l2', 'disk', 1, 3, 0.25, 1],
    );
    assert.ok(Number(at(disk, 'latency_us', 'p50')) > 0);
    assert.equal(at(disk, 'compression', 'codec'), 'gzip');
  });
});

describe('GET /monitoring/cache/efficiency', () => {
  it('tells of a disk that is too small for what it may yet take, and of a clock that is set back', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock, profile: { disk: { max_bytes: '900000GB' } } });
    const alerts = async () => {
      clock.advance(5_000);
      const { alerts: raised } = await told(stage, '/monitoring/cache/efficiency');
      return JSON.stringify(raised);
    };
    await until(async () => /"disk-space"/.test(await alerts()), 'an alert on the disk');
    assert.doesNotMatch(await alerts(), /clock-jump/);
    clock.setWall(clock.now() - 3_600_000);
    await alerts();
    assert.match(await alerts(), /"clock-jump".*set back by 3600 s/);
    const { checks } = (await stage.ask('/health/ready', OPEN)).json();
    assert.deepEqual(
      Object.keys(Object(checks)),
      ['l1', 'l2', 'upstream:default'],
      'nothing is degraded by them',
    );
    const metrics = (await stage.ask('/metrics', OPEN)).body.toString();
    assert.match(metrics, /^reprise_alert\{id="disk-space",severity="warning"\} 1$/m);
    assert.match(metrics, /^reprise_data_free_bytes [1-9]/m);
    assert.match(metrics, /^reprise_level_write_queue_bytes\{level="l2"\} 0$/m);
  });

  it('tells a score, findings and alerts; alerts are in /health/ready too', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    const nothing = await told(stage, '/monitoring/cache/efficiency');
    assert.deepEqual(nothing, { score: null, hit_rate: 0, findings: [], alerts: [] });
    await stage.ask('/metrics', { headers: { 'x-forwarded-for': '192.0.2.1' } });
    clock.advance(10_000);
    for (let at = 0; at < 40; at += 1)
      await stage.ask('/metrics', { headers: { 'x-forwarded-for': '192.0.2.1' } });
    clock.advance(10_000);
    const { alerts } = await told(stage, '/monitoring/cache/efficiency');
    assert.ok(Array.isArray(alerts));
    assert.deepEqual(
      ['id', 'severity'].map((name) => at(alerts[0], name)),
      ['auth-failures', 'warning'],
    );
    const ready = await told(stage, '/health/ready');
    assert.deepEqual(
      [ready.status, at(ready, 'checks', 'alert:auth-failures', 'state')],
      ['degraded', 'degraded'],
    );
  });

  it('advises a longer ttl where refetches bring the same bytes', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({
      clock,
      ...oneRoute(
        {},
        { types: { products: { ttl: '1m', stale_while_revalidate: '0s', stale_if_error: '0s' } } },
      ),
    });
    stage.upstream.answer((request, response) =>
      sendJson(response, 200, { path: request.path }, { 'set-cookie': '' }),
    );
    stage.upstream.answer((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ path: request.path }));
    });
    for (let round = 0; round < 3; round += 1) {
      for (let id = 0; id < 12; id += 1) {
        await stage.ask(`/catalog/${id}`, { headers: { authorization: undefined } });
      }
      clock.advance(120_000);
    }
    const { findings } = await told(stage, '/monitoring/cache/efficiency');
    assert.ok(Array.isArray(findings));
    const finding = findings.find((one) => at(one, 'id') === 'ttl-too-short');
    assert.equal(at(finding, 'type'), 'products');
    assert.deepEqual([at(finding, 'evidence', 'refetches'), at(finding, 'evidence', 'identical')], [24, 24]);
    assert.match(String(at(finding, 'recommendation')), /types\.products\.ttl/);
  });
});

describe('GET /metrics', () => {
  it('is what Prometheus reads, with the same counts', async () => {
    await using stage = await setStage();
    for (const text of ['a', 'a', 'b']) await stage.ask('/v1/chat/completions', { body: chat(text) });
    const answer = await stage.ask('/metrics', OPEN);
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    const lines = answer.body.toString().split('\n');
    for (const line of [
      'reprise_requests_total{type="llm_responses",outcome="hits"} 1',
      'reprise_requests_total{type="llm_responses",outcome="misses"} 2',
      'reprise_level_entries{level="l1"} 2',
      'reprise_upstream_up{upstream="default"} 1',
      'reprise_upstream_duration_seconds_count 2',
      'reprise_upstream_duration_seconds_bucket{le="+Inf"} 2',
    ]) {
      assert.ok(lines.includes(line), line);
    }
    assert.ok(lines.some((line) => line.startsWith('process_cpu_seconds_total')));
    assert.ok(!lines.some((line) => line.startsWith('reprise_score ')));
  });
});

it('monitoring is for who has the token', async () => {
  await using stage = await setStage();
  await using reprise = await startReprise({
    upstream: stage.upstream.url,
    env: { REPRISE_ADMIN_TOKEN: 'correct-horse-battery' },
  });
  for (const path of [
    '/monitoring/cache',
    '/monitoring/cache/levels',
    '/monitoring/cache/efficiency',
    '/monitoring/cache/series',
    '/metrics',
    '/monitoring/events',
  ]) {
    assert.equal((await send(reprise.url + path, OPEN)).status, 401, path);
  }
});

/** The messages of a live feed as they come. */
async function* messages(feed: Streaming): AsyncGenerator<{ event: string; data: unknown }> {
  let rest = '';
  for await (const chunk of feed.chunks) {
    rest += chunk.toString();
    for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
      const [, event = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(rest.slice(0, end)) ?? [];
      rest = rest.slice(end + 2);
      yield { event, data: JSON.parse(data) };
    }
  }
}

describe('GET /monitoring/events', () => {
  it('begins with figures and tells requests and invalidations as they happen, without what was asked', async () => {
    await using stage = await setStage();
    const feed = await open(`${stage.reprise.url}/monitoring/events`, OPEN);
    assert.equal(feed.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    const coming = messages(feed);
    const next = async (event: string): Promise<unknown> => {
      const { value, done } = await coming.next();
      assert.ok(done !== true, `the feed ended before ${event}`);
      return value.event === event ? value.data : next(event);
    };
    const figures = await coming.next();
    assert.equal(at(figures.value, 'event'), 'figures');
    assert.equal(at(figures.value, 'data', 'cache', 'requests', 'total'), 0);
    await stage.ask('/v1/chat/completions', { body: chat('a secret question') });
    const request = await coming.next();
    assert.equal(at(request.value, 'data', 'outcome'), 'MISS');
    assert.ok(!JSON.stringify(request.value).includes('secret'));
    const json = { 'content-type': 'application/json', authorization: undefined };
    await stage.ask('/cache/invalidate', {
      method: 'POST',
      headers: json,
      body: '{"tags":["model:gpt-5-mini"]}',
    });
    const invalidation = await coming.next();
    assert.deepEqual(
      ['event', 'data'].map((name) =>
        name === 'event' ? at(invalidation.value, name) : at(invalidation.value, name, 'matched'),
      ),
      ['invalidation', 1],
    );
    assert.equal(at(await next('figures'), 'cache', 'requests', 'misses'), 1);
    feed.leave();
  });

  it('ends at a stop, which does not wait for it', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    const feed = await open(`${stage.reprise.url}/monitoring/events`, OPEN);
    const coming = messages(feed);
    await coming.next();
    const stopped = stage.reprise.stop();
    clock.advance(1_000);
    for await (const message of coming) assert.equal(message.event, 'figures');
    await stopped;
  });

  /** The call by itself, for clients that read as a test says. */
  function feedCall() {
    const { clock, events, monitor } = testMonitor();
    const status = () => 'ok';
    const call = liveCall({ clock, events, monitor, status, accepting: () => true });
    const nothing = { path: '', query: new URLSearchParams(), header: () => undefined };
    const readBody = async () => Buffer.alloc(0);
    const begin = async () => await call.handlers.get('GET')?.({ ...nothing, readBody });
    return { clock, events, begin };
  }

  it('is given to fifty clients, and to another one when one has gone', async () => {
    const { begin } = feedCall();
    const feeds = await Promise.all(Array.from({ length: 50 }, begin));
    await assert.rejects(begin, { code: 'overloaded' });
    await feeds[7]?.body?.cancel();
    assert.equal((await begin())?.status, 200);
  });

  it('is cut off where the client does not keep up', async () => {
    const { clock, begin } = feedCall();
    const slow = await begin();
    clock.advance(1_000_000);
    assert.equal(clock.pending, 1, 'only the monitor’s own timer is left');
    await assert.rejects(async () => await slow?.text(), /does not keep up/);
  });

  it('tells no more than fifty requests a second, and how many it leaves out', async () => {
    const { clock, events, begin } = feedCall();
    const feed = await begin();
    for (let at = 0; at < 80; at += 1) events.emit(answered(`${at}`));
    clock.advance(1_000);
    const reader = feed?.body?.getReader();
    let text = '';
    while (!text.includes('"requests_omitted":30')) {
      const read = await reader?.read();
      assert.ok(read?.value !== undefined);
      text += Buffer.from(read.value).toString();
    }
    assert.equal(text.match(/^event: request$/gm)?.length, 50);
  });
});
