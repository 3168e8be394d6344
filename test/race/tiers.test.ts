import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DiskTier } from '../../src/cache/disk.ts';
import type { Entry } from '../../src/cache/entry.ts';
import { listedOf, UNWATCHED } from '../../src/cache/listed.ts';
import { MemoryTier } from '../../src/cache/memory.ts';
import { Store } from '../../src/cache/store.ts';
import type { Tier } from '../../src/cache/tier.ts';
import { ManualClock } from '../support/clock.ts';
import { idOf, sampleEntry } from '../support/entries.ts';
import { tempFolder } from '../support/folder.ts';
import { takeAt } from './interleavings/disks.ts';
import { HeldTier } from './interleavings/held-tier.ts';

/*
 * Several answers of few keys, put, looked up, promoted, dropped and forgotten in any order, also between the microtasks of each other:
 * which of two answers counts is told by their stamps alone, wherever they lie.
 */

type Step =
  | { readonly step: 'put'; readonly key: number; readonly stamp: number; readonly room: boolean }
  | { readonly step: 'look'; readonly key: number; readonly many: boolean }
  | { readonly step: 'drop' | 'delete'; readonly key: number }
  | { readonly step: 'read'; readonly at: number }
  | { readonly step: 'flush' }
  | { readonly step: 'wait'; readonly ticks: number };

const key = fc.nat({ max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      step: fc.constant('put'),
      key,
      stamp: fc.integer({ min: 1, max: 5 }),
      room: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('look'), key, many: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('read'), at: fc.nat({ max: 2 }) }) },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('wait'), ticks: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('drop'), key }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('delete'), key }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('flush') }) },
);
/** How the keys of {@link Step}s are addressed. */
const IDS = ['key 0', 'key 1'].map(idOf);
const idAt = (at: number) => IDS[at] ?? '';
const story = fc.array(step, { maxLength: 25, size: 'max' });

/** A lower tier, and what a story does with it. */
interface Below {
  readonly tier: Tier;
  /** Lets a read end, where reads wait. */
  readonly letRead: (at: number) => void;
  readonly flush: () => Promise<unknown>;
}

describe('answers of one key in two tiers', () => {
  for (const [where, open, numRuns] of [
    ['a disk in memory, whose reads wait', held, 10_000],
    ['a folder', folder, 60],
  ] as const) {
    it(`${numRuns} stories on ${where}: the newest is found, in whichever tier, and what was forgotten stays so`, async (t) => {
      const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
      t.diagnostic(`SEED=${seed}`);
      await fc.assert(
        fc.asyncProperty(story, (steps) => play(steps, open)),
        { numRuns, seed },
      );
    });
  }
});

function held(clock: ManualClock): Promise<Below> {
  const tier = new HeldTier(new Map(), clock, UNWATCHED);
  return Promise.resolve({
    tier,
    letRead: (at) => takeAt(tier.reads, at)?.(),
    flush: async () => tier.write(),
  });
}

async function folder(clock: ManualClock): Promise<Below> {
  const tier = await DiskTier.open({
    folder: tempFolder(),
    maxBytes: 50_000_000,
    codec: 'none',
    maxEntry: 1_000_000,
    clock,
    notify: (why) => assert.fail(why),
  });
  return { tier, letRead: () => {}, flush: () => tier.flush() };
}

async function play(steps: readonly Step[], open: (clock: ManualClock) => Promise<Below>): Promise<void> {
  const clock = new ManualClock();
  const below = await open(clock);
  const store = new Store(new MemoryTier({ maxEntries: 100, maxBytes: 1e8 }, clock), [below.tier]);
  /** The stamps of what was put under each id since it was last forgotten. */
  const put = new Map<string, Set<number>>();
  const newest = (id: string) => Math.max(0, ...(put.get(id) ?? []));
  const looks: Promise<unknown>[] = [];
  const problems: unknown[] = [];

  const look = async (id: string, many: boolean) => {
    const [least, since] = [newest(id), put.get(id)];
    const found = many ? (await store.findMany([id]))[0] : (store.peek(id) ?? (await store.find(id)));
    if (found === undefined) return;
    const { stamp } = found.entry;
    if (put.get(id) === since)
      assert.ok(stamp >= least, `${stamp} was found, though ${least} was there before`);
  };

  for (const each of steps) {
    switch (each.step) {
      case 'put': {
        const entry = answer(each.key, each.stamp, clock);
        store.put([entry], { left: each.room ? 1 : 0 });
        put.set(entry.key.id, (put.get(entry.key.id) ?? new Set()).add(each.stamp));
        break;
      }
      case 'look':
        looks.push(look(idAt(each.key), each.many).catch((thrown: unknown) => void problems.push(thrown)));
        break;
      case 'drop':
        await store.drop('l1', [listedOf(answer(each.key, 1, clock))]);
        break;
      case 'delete':
        store.delete(idAt(each.key));
        put.delete(idAt(each.key));
        break;
      case 'read':
        below.letRead(each.at);
        break;
      case 'flush':
        await below.flush();
        break;
      case 'wait':
        for (let tick = 0; tick < each.ticks; tick += 1) await undefined;
    }
    for (const id of IDS) {
      const above = store.held(id)?.entry.stamp;
      assert.ok(above === undefined || above === newest(id), `${above} is in memory, and not ${newest(id)}`);
    }
  }
  const over = Promise.all(looks);
  const ask = async (id: string) => store.peek(id) ?? (await store.find(id));
  const left = IDS.map(async (id) => {
    const found = await ask(id);
    assert.equal(found?.entry.stamp ?? 0, newest(id), 'what is there at the end');
  });
  for (let reads = looks.length + left.length; reads > 0; reads -= 1) below.letRead(0);
  await Promise.all([over, ...left]);
  await store.close();
  if (problems.length > 0) throw problems[0];
}

/** The answer to the key `at` whose fetch began at `stamp`. */
function answer(at: number, stamp: number, clock: ManualClock): Entry {
  return { ...sampleEntry(`key ${at}`, { born: clock.now(), body: `${stamp}` }), stamp };
}
