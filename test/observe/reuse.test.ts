import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { LRUCache } from 'lru-cache';
import { Reuse } from '../../src/observe/reuse.ts';

const FACTORS = [0.5, 1, 2, 4, 8];
const SEED = Math.floor(Math.random() * 2 ** 31);

/** The id that key number `at` would have. */
const idOf = (at: number) => createHash('sha256').update(String(at)).digest('base64url');

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Keys as popular as words: the n-th is asked for 1/n^s as often as the first. */
function zipf(count: number, keys: number, skew: number): number[] {
  const random = randomFrom(SEED);
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let at = 0; at < keys; at += 1) {
    sum += 1 / (at + 1) ** skew;
    sums[at] = sum;
  }
  return Array.from({ length: count }, () => {
    const aim = random() * sum;
    let from = 0;
    let to = keys - 1;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((sums[middle] ?? 0) < aim) from = middle + 1;
      else to = middle;
    }
    return from;
  });
}

/** Popular keys, and between them scans over everything. */
function scanning(count: number, keys: number): number[] {
  const popular = zipf(count, keys / 10, 0.8);
  return popular.map((key, at) => (at % 4_000 < 2_000 ? (at * 7) % keys : key));
}

/** The hit rate that an LRU of `entries` really has. */
function lruHitRate(trace: readonly string[], entries: number): number {
  const cache = new LRUCache<string, true>({ max: entries });
  let hits = 0;
  for (const id of trace) {
    if (cache.get(id) === undefined) cache.set(id, true);
    else hits += 1;
  }
  return hits / trace.length;
}

for (const [name, keys] of [
  ['a Zipf trace', zipf(200_000, 50_000, 0.9)],
  ['a skewed Zipf trace', zipf(200_000, 50_000, 1.2)],
  ['a scanning trace', scanning(200_000, 20_000)],
] as const) {
  test(`the predicted hit rates of ${name} are within 3 points of a real LRU's at ½ to 8 times the size (seed ${SEED})`, () => {
    const ids = new Map<number, string>();
    const trace = keys.map((key) => {
      const id = ids.get(key) ?? idOf(key);
      ids.set(key, id);
      return id;
    });
    const reuse = new Reuse();
    for (const id of trace) reuse.note({ id, type: 'products' });
    for (const size of [500, 1_000, 2_500]) {
      for (const factor of FACTORS) {
        const predicted = reuse.hitRate(size * factor);
        const real = lruHitRate(trace, size * factor);
        assert.ok(Math.abs(predicted - real) < 0.03, `${size} × ${factor}: ${predicted} instead of ${real}`);
      }
    }
  });
}

test('a hundred thousand different keys are followed in a table of bounded size, and all were asked for once', () => {
  const reuse = new Reuse(1_000);
  for (let at = 0; at < 100_000; at += 1) reuse.note({ id: idOf(at), type: 'products' });
  const { keys = 0, once = 0 } = reuse.onceAsked().get('products') ?? {};
  assert.ok(keys > 0 && keys <= 1_000 && once === keys, `${once} of ${keys}`);
  assert.ok(reuse.hitRate(Number.POSITIVE_INFINITY) < 0.03);
});
