import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ALONE } from '../../src/cache/bus.ts';
import { Catalog } from '../../src/cache/catalog.ts';
import type { Tagged } from '../../src/cache/entry.ts';
import type { Listed } from '../../src/cache/listed.ts';
import type { Subject } from '../../src/cache/mark.ts';
import { Marks } from '../../src/cache/marks.ts';
import { Invalidations } from '../../src/invalidation/invalidations.ts';
import { Background } from '../../src/shared/background.ts';
import { Stamps } from '../../src/shared/stamps.ts';
import { ManualClock } from '../support/clock.ts';

/*
 * What invalidation costs. Machines differ and are busy with other things: what is asserted are ratios, and generous ones; the figures
 * are printed.
 */

const FEW = 1_000;
const MANY = 1_000_000;
/** So many entries have a tag in common. */
const CONCERNED = 10;

describe('what invalidation costs', () => {
  it(`a purge by tag that concerns ${CONCERNED} entries costs the same among ${FEW} and among ${MANY}`, async (t) => {
    const among = async (count: number) => {
      const { catalog, purge } = engine();
      fill(catalog, count);
      const times: number[] = [];
      for (let round = 0; round < 60; round += 1) {
        const began = performance.now();
        assert.equal(await purge(`product:${round}`), CONCERNED);
        times.push(performance.now() - began);
      }
      return 1_000 * median(times);
    };
    const [few, many] = [await among(FEW), await among(MANY)];
    t.diagnostic(`${few.toFixed(0)} µs among ${FEW}, ${many.toFixed(0)} µs among ${MANY}`);
    assert.ok(many < 10 * few, `${many} µs against ${few} µs`);
  });

  it('to expire a whole type costs as much as counting to 10,000, however many there are and were expired before', async (t) => {
    const among = async (count: number) => {
      const { catalog, expire } = engine();
      fill(catalog, count);
      const times: number[] = [];
      for (let round = 0; round < 15; round += 1) {
        const began = performance.now();
        assert.equal(await expire('products'), 10_000);
        times.push(performance.now() - began);
      }
      return median(times);
    };
    const [few, many] = [await among(15_000), await among(300_000)];
    t.diagnostic(`${few.toFixed(1)} ms among 15,000, ${many.toFixed(1)} ms among 300,000`);
    assert.ok(many < 6 * few, `${many} ms against ${few} ms`);
  });

  for (const [what, more] of [
    ['that says nothing new', (own: readonly Tagged[]) => own.slice(1)],
    ['that says nothing', () => []],
  ] as const) {
    it(`a hit on an entry of three tags by a request ${what} costs the same with 100,000 marks as without`, (t) => {
      const entries = Array.from({ length: 2_000 }, (_, at) => subject(at));
      const requests = entries.map(({ tags }) => more(tags));
      const hit = (marks: Marks) => {
        const round = () => {
          const began = performance.now();
          for (let repeat = 0; repeat < 20; repeat += 1)
            for (const [at, entry] of entries.entries()) marks.standing(entry, requests[at]);
          return (1e6 * (performance.now() - began)) / (20 * entries.length);
        };
        return Math.min(...Array.from({ length: 10 }, round));
      };
      const none = hit(new Marks());
      const costs = [
        ['1,000 tags', hit(marksOf(1_000, 0))],
        ['100,000 tags', hit(marksOf(100_000, 0))],
        ['1,000 patterns', hit(marksOf(0, 1_000))],
      ] as const;
      for (const [marks, cost] of costs) {
        t.diagnostic(`${marks}: ${cost.toFixed(0)} ns a hit, ${none.toFixed(0)} ns without marks`);
        assert.ok(cost < 10 * none + 100, `${marks}: ${cost} ns`);
      }
    });
  }

  it('a mark costs each entry one look, when that is next asked for, however many marks there were before', (t) => {
    const after = (marks: Marks) => {
      const entries = Array.from({ length: 2_000 }, (_, at) => subject(at));
      for (const entry of entries) marks.standing(entry);
      const round = (_: unknown, at: number) => {
        marks.add({ condition: { tags: [`other:${at}`] }, effect: 'purge', stamp: 3e9 });
        const began = performance.now();
        for (const entry of entries) marks.standing(entry);
        return (1e6 * (performance.now() - began)) / entries.length;
      };
      return Math.min(...Array.from({ length: 20 }, round));
    };
    const [few, many] = [after(marksOf(10, 10)), after(marksOf(90_000, 990))];
    t.diagnostic(`${few.toFixed(0)} ns after 20 marks, ${many.toFixed(0)} ns after 90,990`);
    assert.ok(many < 10 * few, `${many} ns against ${few} ns`);
  });

  it('to list all entries page by page costs each of them the same, however many there are', async (t) => {
    const walk = async (count: number) => {
      const { catalog } = engine();
      fill(catalog, count);
      const began = performance.now();
      let listed = 0;
      let cursor: string | undefined;
      do {
        const page = await catalog.page(undefined, 100, cursor);
        listed += page.entries.length;
        cursor = page.cursor;
      } while (cursor !== undefined);
      assert.equal(listed, count);
      return (1_000 * (performance.now() - began)) / count;
    };
    const [few, many] = [await walk(5_000), await walk(100_000)];
    t.diagnostic(`${few.toFixed(1)} µs an entry of 5,000, ${many.toFixed(1)} µs of 100,000`);
    // If each page began at the first entry, it would be 20 times as much.
    assert.ok(many < 5 * few, `${many} µs against ${few} µs`);
  });

  it('an entry costs the catalogue some hundred bytes', (t) => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const used = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const count = 100_000;
    const entries = Array.from({ length: count }, (_, at) => listed(at));
    const catalog = new Catalog();
    const before = used();
    for (const entry of entries) catalog.watch('l1').held(entry);
    const each = (used() - before) / count;
    t.diagnostic(`${each.toFixed(0)} bytes beside what is listed itself`);
    assert.equal(catalog.size, count);
    assert.ok(each > 50 && each < 400, `${each} bytes`);
  });
});

function engine() {
  const marks = new Marks();
  const catalog = new Catalog((entry) => marks.standing(entry) !== 'purged');
  const background = new Background((label, message) => assert.fail(`${label}: ${message}`));
  const invalidations = new Invalidations({
    stamps: new Stamps(new ManualClock()),
    marks,
    catalog,
    background,
    bus: ALONE,
    keep: async () => {},
    remove: (id) => catalog.watch('l1').dropped(id),
  });
  return {
    catalog,
    /** Expires a type; gives how many were meant. */
    async expire(type: string) {
      const order = { condition: { types: [type] }, effect: 'expire', by: 'api', dryRun: false } as const;
      const [outcome] = await invalidations.invalidate([order]);
      return outcome?.matched;
    },
    /** Purges a tag and sweeps; gives how many were meant. */
    async purge(tag: string) {
      const order = { condition: { tags: [tag] }, effect: 'purge', by: 'api', dryRun: false } as const;
      const [outcome] = await invalidations.invalidate([order]);
      await background.drain();
      return outcome?.matched;
    },
  };
}

function fill(catalog: Catalog, count: number): void {
  const { held } = catalog.watch('l1');
  for (let at = 0; at < count; at += 1) held(listed(at));
}

function listed(at: number): Listed {
  const id = String(at).padStart(43, '0');
  const stamp = 1e9 + at;
  return {
    key: { id, shown: `products/default/product/${id}`, type: 'products' },
    stamp,
    tags: [
      [`product:${Math.floor(at / CONCERNED)}`, stamp],
      [`collection:${at % 1_000}`, stamp],
    ],
    size: 1_000,
    born: 0,
    freshUntil: 1,
    staleUntil: 1,
    keepUntil: 1,
  };
}

function subject(at: number): Subject {
  const stamp = 1e9 + at;
  return {
    ...listed(at),
    tags: ['product', 'model', 'collection'].map((name): Tagged => [`${name}:${at}`, stamp]),
  };
}

/** Marks of other things, most of them older than all entries, the patterns newer. */
function marksOf(tags: number, patterns: number): Marks {
  const marks = new Marks();
  for (let at = 0; at < tags; at += 1)
    marks.add({ condition: { tags: [`gone:${at}`] }, effect: 'purge', stamp: 1 + at });
  for (let at = 0; at < patterns; at += 1)
    marks.add({ condition: { patterns: [`products/*/other-${at}/**`] }, effect: 'purge', stamp: 2e9 + at });
  return marks;
}

function median(times: readonly number[]): number {
  return [...times].sort((one, other) => one - other)[times.length >> 1] ?? Number.NaN;
}
