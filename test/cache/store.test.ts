import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Entry } from '../../src/cache/entry.ts';
import { MemoryTier } from '../../src/cache/memory.ts';
import { Store } from '../../src/cache/store.ts';
import type { Tier } from '../../src/cache/tier.ts';
import { seededRandom } from '../../src/demo/random.ts';
import { ChaosTier } from '../support/chaos-tier.ts';
import { ManualClock } from '../support/clock.ts';
import { idOf, sampleEntry } from '../support/entries.ts';

const MB = 1_000_000;

/** A tier that calls itself the second one. */
class LowerTier extends ChaosTier implements Tier {
  override readonly level = 'l2';
}

/** A tier that calls itself the third one. */
class LowestTier extends ChaosTier implements Tier {
  override readonly level = 'l3';
}

/** A tier below whose reads answer when told to. */
class GatedTier extends LowerTier {
  readonly #waiting: (() => void)[] = [];

  constructor(inner: Tier) {
    super(inner, 1, {});
  }

  override async get(id: string): Promise<Entry | undefined> {
    const read = super.get(id);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return read;
  }

  override async getMany(ids: readonly string[]): Promise<ReadonlyMap<string, Entry>> {
    const read = await super.getMany(ids);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return read;
  }

  /** Lets the reads under way, once there are so many, answer with what was there when they began. */
  async open(reads = 1): Promise<void> {
    while (this.#waiting.length < reads) await new Promise((resolve) => setImmediate(resolve));
    for (const answer of this.#waiting.splice(0)) answer();
  }
}

function memory(clock: ManualClock, maxEntries = 1_000): MemoryTier {
  return new MemoryTier({ maxEntries, maxBytes: 50 * MB }, clock);
}

function gated(clock: ManualClock): { below: GatedTier; store: Store } {
  const below = new GatedTier(memory(clock));
  return { below, store: new Store(memory(clock), [below]) };
}

describe('the store', () => {
  test('answers from L1 at once, and tells the tier below that the entry is in use', () => {
    const clock = new ManualClock();
    const below = memory(clock, 2);
    const store = new Store(memory(clock), [below]);
    const [first, second, third] = ['1', '2', '3'].map((name) => sampleEntry(name, { born: clock.now() }));
    assert.ok(first && second && third);
    store.put([first, second]);
    assert.deepEqual(store.peek(first.key.id), { entry: first, level: 'l1' });
    store.put([third]);
    assert.ok(below.has(first.key.id));
    assert.ok(!below.has(second.key.id));
  });

  test('finds at once what the tier below has at once', () => {
    const clock = new ManualClock();
    const below = new LowerTier(memory(clock), 1, {});
    const store = new Store(memory(clock), [below]);
    const entry = sampleEntry('at once', { born: clock.now() });
    below.set(entry);
    assert.deepEqual(store.find(entry.key.id), { entry, level: 'l2' });
    assert.deepEqual(store.peek(entry.key.id), { entry, level: 'l1' });
    assert.equal(store.find(idOf('nothing')), undefined);
  });

  test('promotes what the tier below holds with its times unchanged, once', async () => {
    const clock = new ManualClock();
    const { below, store } = gated(clock);
    const entry = sampleEntry('promoted', { born: clock.now() - 1_000 });
    below.set(entry);
    assert.equal(store.peek(entry.key.id), undefined);
    const reads = [store.find(entry.key.id), store.find(entry.key.id)];
    await below.open();
    const [first, second] = await Promise.all(reads);
    assert.deepEqual(first, { entry, level: 'l2' });
    assert.deepEqual(second?.entry, entry);
    assert.deepEqual(store.peek(entry.key.id), { entry, level: 'l1' });
    assert.deepEqual(store.figures().promotions, { l2: 1 });
  });

  test('does not bring back what was deleted while it was being read', async () => {
    const clock = new ManualClock();
    const { below, store } = gated(clock);
    const entry = sampleEntry('deleted', { born: clock.now() });
    below.set(entry);
    const one = store.find(entry.key.id);
    const many = store.findMany([entry.key.id]);
    store.delete(entry.key.id);
    await below.open(2);
    assert.equal(await one, undefined);
    assert.deepEqual(await many, [undefined]);
    assert.equal(store.peek(entry.key.id), undefined);
  });

  test('finds the newer version of what another thread changed while it was being read', async () => {
    const clock = new ManualClock();
    const { below, store } = gated(clock);
    const entry = sampleEntry('told of', { born: clock.now() });
    const more = { ...entry, tags: [['lamp', entry.stamp]] as const };
    below.set(entry);
    const one = store.find(entry.key.id);
    const many = store.findMany([entry.key.id]);
    below.set(more);
    store.outdate(entry.key.id);
    await below.open(2);
    await below.open(2);
    assert.deepEqual((await one)?.entry.tags, more.tags);
    assert.deepEqual((await many)[0]?.entry.tags, more.tags);
    assert.deepEqual(store.held(entry.key.id)?.entry.tags, more.tags);
  });

  test('prefers what was put while an older entry was being read', async () => {
    const clock = new ManualClock();
    const { below, store } = gated(clock);
    const old = sampleEntry('replaced', { born: clock.now() - 5_000, body: 'old' });
    const young = sampleEntry('replaced', { born: clock.now(), body: 'young' });
    below.set(old);
    const read = store.find(old.key.id);
    store.put([young]);
    await below.open();
    assert.deepEqual(await read, { entry: young, level: 'l1' });
    assert.deepEqual(store.peek(old.key.id)?.entry, young);
  });

  test('lets one request fill at most a quarter of L1, by putting and by promoting together', async () => {
    const clock = new ManualClock();
    const l1 = memory(clock, 100);
    const store = new Store(l1, [memory(clock, 5_000)]);
    const resident = Array.from({ length: 75 }, (_, at) =>
      sampleEntry(`resident ${at}`, { born: clock.now() }),
    );
    for (const entry of resident) store.put([entry]);
    const entries = Array.from({ length: 2_048 }, (_, at) =>
      sampleEntry(`item ${at}`, { born: clock.now() }),
    );
    const quota = store.quota();
    store.put(entries.slice(0, 10), quota);
    store.put(entries.slice(10), store.quota());
    assert.equal(l1.figures().entries, 100);
    for (const { key } of entries) l1.delete(key.id);
    const found = await store.findMany(
      entries.map(({ key }) => key.id),
      quota,
    );
    assert.deepEqual(
      found.map((held) => held?.entry),
      entries,
    );
    assert.deepEqual(store.figures().promotions, { l1: 15 });
    assert.ok(resident.slice(-60).every(({ key }) => l1.has(key.id)));
  });

  test('replaces in L1 whatever the quota, so that L1 never holds an older entry than L2', () => {
    const clock = new ManualClock();
    const store = new Store(memory(clock), [memory(clock)]);
    store.put([sampleEntry('same', { born: clock.now(), body: 'old' })]);
    const young = sampleEntry('same', { born: clock.now(), body: 'young' });
    store.put([young], { left: 0 });
    assert.deepEqual(store.peek(idOf('same'))?.entry, young);
  });

  test('finds each of a batch, also where an id comes twice, and says which tier had it', async () => {
    const clock = new ManualClock();
    const below = new LowerTier(memory(clock), 1, {});
    const store = new Store(memory(clock), [below]);
    const [above, under] = [
      sampleEntry('above', { born: clock.now() }),
      sampleEntry('under', { born: clock.now() }),
    ];
    store.put([above]);
    below.set(under);
    const found = await store.findMany([under.key.id, above.key.id, idOf('no'), under.key.id]);
    const [fromAbove, fromUnder] = [
      { entry: above, level: 'l1' },
      { entry: under, level: 'l2' },
    ];
    assert.deepEqual(found, [fromUnder, fromAbove, undefined, fromUnder]);
  });

  test('works without a tier below', async () => {
    const clock = new ManualClock();
    const store = new Store(memory(clock));
    const entry = sampleEntry('alone', { born: clock.now() });
    store.put([entry]);
    assert.deepEqual(store.peek(entry.key.id), { entry, level: 'l1' });
    assert.equal(await store.find(idOf('nothing')), undefined);
    assert.deepEqual(await store.findMany([entry.key.id, idOf('nothing')]), [
      { entry, level: 'l1' },
      undefined,
    ]);
    await store.sweep();
    assert.deepEqual(store.health(), { l1: { state: 'ok' } });
    store.delete(entry.key.id);
    assert.equal(store.peek(entry.key.id), undefined);
    await store.close();
  });

  test('asks tiers one after the other, and gives those above what one below holds', async () => {
    const clock = new ManualClock();
    const [second, third] = [new LowerTier(memory(clock), 1, {}), new LowestTier(memory(clock), 1, {})];
    const store = new Store(memory(clock), [second, third]);
    assert.deepEqual(store.levels, ['l1', 'l2', 'l3']);
    const [one, other] = ['one', 'other'].map((name) => sampleEntry(name, { born: clock.now() }));
    assert.ok(one && other);
    second.set(one);
    third.set(other);
    assert.deepEqual(await store.find(other.key.id), { entry: other, level: 'l3' });
    assert.deepEqual(await second.get(other.key.id), other);
    const many = await store.findMany([one.key.id, other.key.id, idOf('neither')]);
    assert.deepEqual(
      many.map((held) => held?.level),
      ['l2', 'l1', undefined],
    );
    assert.deepEqual(store.figures().promotions, { l2: 1, l3: 1 });
    store.delete(other.key.id);
    assert.equal(await third.get(other.key.id), undefined);
  });

  test('forgets what is deleted while a tier further down is read', async () => {
    const clock = new ManualClock();
    const below = new GatedTier(memory(clock));
    const store = new Store(memory(clock), [memory(clock), below]);
    const entry = sampleEntry('deep', { born: clock.now() });
    below.set(entry);
    const reads = [store.find(entry.key.id), store.findMany([entry.key.id])] as const;
    await new Promise((resolve) => setImmediate(resolve));
    store.delete(entry.key.id);
    await below.open(2);
    assert.equal(await reads[0], undefined);
    assert.deepEqual(await reads[1], [undefined]);
  });

  test('asks nothing below L1 while invalidations may be missing', async () => {
    const clock = new ManualClock();
    const below = new LowerTier(memory(clock), 1, {});
    let isCurrent = false;
    const store = new Store(memory(clock), [below], { isCurrent: () => isCurrent });
    const entry = sampleEntry('old', { born: clock.now() });
    below.set(entry);
    assert.equal(await store.find(entry.key.id), undefined);
    assert.deepEqual(await store.findMany([entry.key.id]), [undefined]);
    isCurrent = true;
    assert.deepEqual(await store.find(entry.key.id), { entry, level: 'l2' });
  });

  test('never throws and never answers wrongly, whatever the tier below does', async (t) => {
    const seed = randomInt(2 ** 31);
    t.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed);
    const clock = new ManualClock();
    const faults = { miss: 0.1, delay: 0.4, drop: 0.1, raise: 0.2 };
    const store = new Store(memory(clock, 20), [new ChaosTier(memory(clock, 500), seed, faults)]);
    const latest = new Map<string, string>();
    const reads: Promise<void>[] = [];
    for (let step = 0; step < 3_000; step++) {
      const name = `key ${Math.floor(random() * 50)}`;
      const id = idOf(name);
      const dice = random();
      if (dice < 0.3) {
        const entry = sampleEntry(name, { born: clock.now(), body: `${step}` });
        latest.set(id, `${step}`);
        store.put([entry]);
      } else if (dice < 0.4) {
        latest.delete(id);
        store.delete(id);
      } else if (dice < 0.8) {
        const found = store.peek(id)?.entry;
        if (found !== undefined) assert.equal(found.payload.body.toString(), latest.get(id), `seed ${seed}`);
        else
          reads.push(
            Promise.resolve(store.find(id)).then((later) =>
              assert.ok(later === undefined || later.entry.key.id === id),
            ),
          );
      } else if (dice < 0.9) {
        reads.push(
          Promise.resolve(store.findMany([id, idOf('key 1'), idOf('key 2')])).then((found) =>
            assert.ok(
              found.every(
                (held, at) =>
                  held === undefined || held.entry.key.id === [id, idOf('key 1'), idOf('key 2')][at],
              ),
            ),
          ),
        );
      } else await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(reads);
    await store.sweep();
    for (const [id, body] of latest) {
      const found = store.peek(id) ?? (await store.find(id));
      assert.ok(found === undefined || found.entry.payload.body.toString() === body, `seed ${seed}`);
    }
    assert.ok(store.figures().faults > 0);
    await store.close();
  });
});
