import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from '../../src/demo/call.ts';
import { disagreements, figuresOf, type Reached } from '../../src/demo/figures.ts';
import { type Row, Tally, totalOf } from '../../src/demo/tally.ts';

const NOTHING_REACHED: Reached = { embeddings: 0, search: 0, products: 0, chat: 0 };

test('a call counts by its x-cache header; what does not say hit or joined is a miss', () => {
  const chat = rowOf('chat', [
    call({ cache: 'HIT' }),
    call({ cache: 'STALE' }),
    call({ cache: 'COALESCED' }),
    ...['MISS', 'PARTIAL', 'REFRESH', 'BYPASS', null].map((cache) => call({ cache })),
  ]);
  assert.deepEqual([chat.calls, chat.hits, chat.joined, chat.misses], [8, 2, 1, 5]);
});

test('p50 and p95 are the nearest ranks, of hits and misses apart', () => {
  const hits = Array.from({ length: 100 }, (_, index) => call({ cache: 'HIT', ms: 100 - index }));
  const chat = rowOf('chat', [
    ...hits,
    call({ cache: 'MISS', ms: 1000 }),
    call({ cache: 'COALESCED', ms: 500 }),
  ]);
  assert.deepEqual(chat.hitMs, { p50: 50, p95: 95 });
  assert.deepEqual(chat.missMs, { p50: 1000, p95: 1000 });
});

test('money is saved by hits and joined calls, time by hits alone', () => {
  const chat = rowOf('chat', [
    call({ cache: 'MISS', ms: 1000, usd: 3 }),
    call({ cache: 'HIT', ms: 10, usd: 2 }),
    call({ cache: 'HIT', ms: 30, usd: 2 }),
    call({ cache: 'COALESCED', ms: 900, usd: 1 }),
  ]);
  assert.equal(chat.worthUsd, 8);
  assert.equal(chat.savedUsd, 5);
  assert.equal(chat.savedMs, 2 * (1000 - 20));
});

test('nothing counted is nothing measured', () => {
  const chat = rowOf('chat', []);
  assert.equal(chat.calls, 0);
  assert.deepEqual(chat.hitMs, { p50: Number.NaN, p95: Number.NaN });
  assert.ok(figuresOf([chat], NOTHING_REACHED).every((figure) => !figure.reached));
});

test('the four figures come from the headers and from what reached the stand-ins', () => {
  const rows = rowsOf([
    ...times(10, { kind: 'search', cache: 'HIT' }),
    ...times(9, { kind: 'products', cache: 'HIT' }),
    ...times(1, { kind: 'products', cache: 'MISS' }),
    ...times(7, { kind: 'chat', cache: 'HIT', ms: 4 }),
    ...times(3, { kind: 'chat', cache: 'MISS', ms: 1200 }),
  ]);
  const figures = figuresOf(rows, { embeddings: 0, search: 0, products: 1, chat: 4 });
  const [hitRate, llmCalls, productQueries, hitMs] = figures;
  assert.equal(hitRate.value.toFixed(3), '86.667');
  assert.equal(hitRate.reached, true);
  assert.equal(llmCalls.value, 60);
  assert.equal(llmCalls.reached, false);
  assert.equal(productQueries.value, 95);
  assert.equal(productQueries.reached, true);
  assert.equal(hitMs.value, 4);
  assert.match(hitMs.basis, /300 × faster/);
});

test('a target is reached from the very number on', () => {
  const rows = rowsOf([...times(8, { kind: 'chat', cache: 'HIT', ms: 100 }), ...times(2, { kind: 'chat' })]);
  const [hitRate, , , hitMs] = figuresOf(rows, { ...NOTHING_REACHED, chat: 2 });
  assert.equal(hitRate.reached, true, '80 % is at least 80 %');
  assert.equal(hitMs.reached, false, '100 ms is not under 100 ms');
});

test('a cache that calls more often than it says is found out', () => {
  const rows = rowsOf([
    ...times(5, { kind: 'chat', cache: 'HIT' }),
    ...times(2, { kind: 'chat', cache: 'MISS' }),
  ]);
  assert.deepEqual(disagreements(rows, { ...NOTHING_REACHED, chat: 2 }), []);
  assert.deepEqual(disagreements(rows, { ...NOTHING_REACHED, chat: 3 }), [
    'chat: 2 misses by x-cache, 3 calls arrived',
  ]);
});

test('the total adds all kinds up', () => {
  const total = totalOf(
    rowsOf([...times(3, { kind: 'chat', cache: 'HIT', usd: 2 }), ...times(2, { kind: 'search', usd: 1 })]),
  );
  assert.deepEqual([total.calls, total.hits, total.misses, total.worthUsd, total.savedUsd], [5, 3, 2, 8, 6]);
});

function call(part: Partial<Call>): Call {
  return { kind: 'chat', cache: 'MISS', key: null, about: [], ms: 1, usd: 0, ...part };
}

function times(count: number, part: Partial<Call>): Call[] {
  return Array.from({ length: count }, () => call(part));
}

function rowsOf(calls: readonly Call[]): readonly Row[] {
  const tally = new Tally();
  for (const each of calls) tally.record(each);
  return tally.rows();
}

function rowOf(kind: Call['kind'], calls: readonly Call[]): Row {
  const row = rowsOf(calls).find((each) => each.kind === kind);
  assert.ok(row);
  return row;
}
