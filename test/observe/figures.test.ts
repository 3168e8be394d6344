import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { Figures } from '../../src/observe/figures.ts';
import { LIST_PRICES } from '../../src/observe/list-prices.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import { Prices } from '../../src/observe/prices.ts';
import { answered } from '../support/answered.ts';
import { testMonitor } from '../support/monitor.ts';

describe('windows', () => {
  it('hold what was counted in their time, and the total holds everything', () => {
    const { clock, events, monitor } = testMonitor();
    const { figures } = monitor;
    const counts = () => [
      figures.in('1m').counts.total,
      figures.in('15m').counts.total,
      figures.in('24h').counts.total,
      figures.total.counts.total,
    ];
    for (let at = 0; at < 10; at += 1) events.emit(answered(`${at}`));
    assert.deepEqual(counts(), [10, 10, 10, 10]);
    clock.advance(59_000);
    assert.deepEqual(counts(), [10, 10, 10, 10]);
    clock.advance(11_000);
    assert.deepEqual(counts(), [0, 10, 10, 10]);
    events.emit(answered('later'));
    clock.advance(14 * 60_000);
    assert.deepEqual(counts(), [0, 11, 11, 11]);
    clock.advance(2 * 60_000);
    assert.deepEqual(counts(), [0, 0, 11, 11]);
    clock.advance(23 * 3_600_000);
    assert.deepEqual(counts(), [0, 0, 11, 11]);
    clock.advance(2 * 3_600_000);
    assert.deepEqual(counts(), [0, 0, 0, 11]);
  });

  it('have durations of their own', () => {
    const { clock, events, monitor } = testMonitor();
    for (let ms = 1; ms <= 100; ms += 1) events.emit(answered('x', { ms, headMs: ms / 2 }));
    clock.advance(120_000);
    events.emit(answered('x', { ms: 7_000 }));
    const p50 = (hit: { percentile(share: number): number }) => Math.round(hit.percentile(0.5) / 1_000);
    assert.equal(p50(monitor.figures.in('1m').durations.hit), 7_000);
    assert.equal(p50(monitor.figures.total.durations.hit), 51);
    assert.equal(monitor.figures.total.durations.hit.max, 7_000_000);
  });
});

it('to count an answer takes less than to hash a question of a page, which is a microsecond or two', () => {
  const { clock, events } = testMonitor();
  const answers = Array.from({ length: 2_000 }, (_, at) => answered(`${at}`, { ms: at / 1_000 }));
  const page = 'a question '.repeat(300);
  // The fastest of many rounds is one in which nobody else wanted the processor.
  const rounds = Array.from({ length: 60 }, () => {
    const began = performance.now();
    for (const answer of answers) events.emit(answer);
    const counted = performance.now();
    for (let at = 0; at < answers.length; at += 1) hash('sha256', page, 'base64url');
    const hashed = performance.now();
    clock.advance(5_000);
    return { counting: counted - began, hashing: hashed - counted };
  });
  const counting = Math.min(...rounds.map((round) => round.counting));
  const hashing = Math.min(...rounds.map((round) => round.hashing));
  assert.ok(counting < hashing, `${counting / 2} µs, and ${hashing / 2} µs to hash it`);
});

describe('hostile names', () => {
  it('ten thousand models, namespaces and routes take the space of a few hundred, and are still counted', async () => {
    const { events, monitor } = testMonitor();
    for (let at = 0; at < 10_000; at += 1) {
      events.emit(
        answered(`${at}`, {
          model: `m${at}${'x'.repeat(500)}`,
          namespace: `n${at}`,
          endpoint: `e${at}`,
          type: `t${at}`,
        }),
      );
      events.emit(answered(`${at}`, { outcome: 'BYPASS', reason: `header:${at}` }));
    }
    const { figures } = monitor;
    for (const lines of [
      figures.models,
      figures.namespaces,
      figures.endpoints,
      figures.types,
      figures.bypasses,
    ]) {
      const names = [...lines.entries()].map(([name]) => name);
      assert.ok(names.length <= 201, `${names.length} names`);
      assert.ok(names.includes('other') && names.every((name) => name.length <= 128));
    }
    const counted = [...figures.namespaces.entries()].reduce((sum, [, { counts }]) => sum + counts.total, 0);
    assert.equal(counted, 20_000);
    const { text } = await new Metrics(monitor).scrape();
    assert.ok(text.length < 500_000, `${text.length} characters`);
  });
});

describe('what is saved', () => {
  const usage = {
    model: 'gpt-4o-mini',
    promptTokens: 1_000,
    completionTokens: 500,
    cachedTokens: 0,
    cacheWriteTokens: 0,
    serviceTier: undefined,
  };

  it('is tokens and money of a model that has a price, and tokens only of one that has none', () => {
    const figures = new Figures(new Prices(LIST_PRICES));
    figures.take(answered('a', { usage, spared: { calls: 1, usage, upstreamMs: 800 } }));
    const unknown = { ...usage, model: 'qwen3' };
    figures.take(answered('b', { usage: unknown, spared: { calls: 1, usage: unknown, upstreamMs: 200 } }));
    assert.deepEqual(
      { ...figures.total.saved },
      {
        requests: 2,
        promptTokens: 2_000,
        completionTokens: 1_000,
        usd: (1_000 * 0.15 + 500 * 0.6) / 1e6,
        upstreamMs: 1_000,
      },
    );
  });

  it('in mode shadow is told apart, for nothing was spared', () => {
    const figures = new Figures(new Prices(LIST_PRICES));
    figures.take(answered('a', { outcome: 'BYPASS', reason: 'shadow-hit', usage, upstreamMs: 700 }));
    figures.take(answered('a', { outcome: 'BYPASS', reason: 'shadow-miss', usage, upstreamMs: 700 }));
    const { saved, shadow } = figures.total;
    assert.deepEqual([saved.requests, saved.usd], [0, 0]);
    assert.deepEqual([shadow.requests, shadow.promptTokens, shadow.upstreamMs], [1, 1_000, 700]);
  });
});
