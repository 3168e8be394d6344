import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import type { Entry } from '../../src/cache/entry.ts';
import type { Tier } from '../../src/cache/tier.ts';
import { seededRandom } from '../../src/demo/random.ts';
import { ManualClock } from '../support/clock.ts';
import { idOf, sampleEntry } from '../support/entries.ts';

/** How a tier is made for the contract, with room for 3,000 entries of a few hundred bytes. */
export interface Subject {
  readonly name: string;
  /** Makes an empty tier that lives by `clock`; whatever it needs ends with the test. */
  readonly open: (clock: ManualClock, t: TestContext) => Promise<Tier>;
  /** Whether the tier may lose entries at any time. It must still never answer with a wrong or a deleted one. */
  readonly lossy?: boolean;
  /** Brings what the tier has queued to where it belongs, if there is such a thing. */
  readonly settle?: (tier: Tier) => Promise<void>;
}

/** What every tier promises, whatever it is made of. */
export function tierContract(subject: Subject): void {
  const { name, open, lossy = false, settle = async () => undefined } = subject;

  /** `found` is `wanted` or, in a lossy tier, nothing. */
  function assertFound(found: Entry | undefined, wanted: Entry): void {
    if (found !== undefined || !lossy) assert.deepEqual(found, wanted);
  }

  async function start(t: TestContext): Promise<{ clock: ManualClock; tier: Tier }> {
    const clock = new ManualClock();
    const tier = await open(clock, t);
    t.after(() => tier.close());
    return { clock, tier };
  }

  describe(`a tier: ${name}`, () => {
    test('finds at once what was just set, in every field, and finds it again later', async (t) => {
      const { clock, tier } = await start(t);
      const entries = variety(clock.now());
      for (const entry of entries) tier.set(entry);
      for (const entry of entries) assertFound(await tier.get(entry.key.id), entry);
      await settle(tier);
      for (const entry of entries) assertFound(await tier.get(entry.key.id), entry);
    });

    test('gives bodies that keep no larger buffer alive', async (t) => {
      const { clock, tier } = await start(t);
      const view = Buffer.alloc(100_000, 'x').subarray(500, 1_500);
      const entry = sampleEntry('view', { born: clock.now() });
      tier.set({ ...entry, payload: { ...entry.payload, body: view } });
      await settle(tier);
      const body = (await tier.get(entry.key.id))?.payload.body;
      if (!lossy) assert.equal(body?.buffer.byteLength, 1_000);
    });

    test('finds nothing under an id that was never set', async (t) => {
      const { tier } = await start(t);
      assert.equal(await tier.get(idOf('nothing')), undefined);
      assert.equal((await tier.getMany([idOf('nothing'), idOf('more of it')])).size, 0);
    });

    test('replaces an entry by a newer one', async (t) => {
      const { clock, tier } = await start(t);
      const [first, second, third] = ['1', '2', '3'].map((body) =>
        sampleEntry('same', { born: clock.now(), body }),
      );
      assert.ok(first && second && third);
      tier.set(first);
      tier.set(second);
      assertFound(await tier.get(first.key.id), second);
      await settle(tier);
      tier.set(third);
      assertFound(await tier.get(first.key.id), third);
      await settle(tier);
      assertFound(await tier.get(first.key.id), third);
    });

    test('keeps of two the one that was asked for later, whichever comes first', async (t) => {
      const { clock, tier } = await start(t);
      const older = sampleEntry('same', { born: clock.now(), body: 'older' });
      const newer = { ...sampleEntry('same', { born: clock.now(), body: 'newer' }), stamp: older.stamp + 1 };
      for (const entry of [older, newer, older]) tier.set(entry);
      // Where the newer one may be lost, the older one may stand for it.
      if (lossy) return;
      assertFound(await tier.get(older.key.id), newer);
      await settle(tier);
      tier.set(older);
      assertFound(await tier.get(older.key.id), newer);
      await settle(tier);
      assertFound(await tier.get(older.key.id), newer);
    });

    test('tells the stamp of what it would find, if it tells any', async (t) => {
      const { clock, tier } = await start(t);
      if (tier.stampOf === undefined || lossy) return;
      const entry = { ...sampleEntry('stamped', { born: clock.now(), keep: 5_000 }), stamp: 42 };
      assert.equal(tier.stampOf(entry.key.id), 0);
      tier.set(entry);
      assert.equal(tier.stampOf(entry.key.id), 42);
      await settle(tier);
      assert.equal(tier.stampOf(entry.key.id), 42);
      tier.delete(entry.key.id);
      assert.equal(tier.stampOf(entry.key.id), 0);
      tier.set(entry);
      await settle(tier);
      clock.advance(5_000);
      assert.equal(tier.stampOf(entry.key.id), 0);
    });

    test('keeps all tags of an answer that comes twice', async (t) => {
      const { clock, tier } = await start(t);
      const [one, other] = ['a', 'b'].map((tag) =>
        sampleEntry('same', { born: clock.now(), tags: [[tag, 7]] }),
      );
      assert.ok(one && other);
      tier.set(one);
      tier.set(other);
      const both = { ...other, tags: [...other.tags, ...one.tags] };
      assertFound(await tier.get(one.key.id), both);
      await settle(tier);
      assertFound(await tier.get(one.key.id), both);
    });

    test('forgets what is deleted, at once and for good', async (t) => {
      const { clock, tier } = await start(t);
      const [queued, settled] = [
        sampleEntry('queued', { born: clock.now() }),
        sampleEntry('settled', { born: clock.now() }),
      ];
      tier.set(settled);
      await settle(tier);
      tier.set(queued);
      for (const { key } of [queued, settled]) {
        tier.delete(key.id);
        assert.equal(await tier.get(key.id), undefined);
      }
      await settle(tier);
      assert.equal((await tier.getMany([queued.key.id, settled.key.id])).size, 0);
    });

    test('keeps an entry past freshUntil and until keepUntil, and changes none of its times', async (t) => {
      const { clock, tier } = await start(t);
      const entry = sampleEntry('ageing', { born: clock.now(), fresh: 1_000, keep: 5_000 });
      tier.set(entry);
      await settle(tier);
      clock.advance(4_999);
      assertFound(await tier.get(entry.key.id), entry);
      clock.advance(1);
      assert.equal(await tier.get(entry.key.id), undefined);
      assert.equal((await tier.getMany([entry.key.id])).size, 0);
    });

    test('finds a batch of 2,048 in one pass, whatever is missing from it', async (t) => {
      const { clock, tier } = await start(t);
      const entries = Array.from({ length: 2_048 }, (_, at) =>
        sampleEntry(`item ${at}`, { born: clock.now() }),
      );
      for (const [at, entry] of entries.entries()) if (at % 3 !== 0) tier.set(entry);
      await settle(tier);
      const found = await tier.getMany(entries.map(({ key }) => key.id));
      for (const [at, entry] of entries.entries()) {
        if (at % 3 === 0) assert.equal(found.get(entry.key.id), undefined);
        else assertFound(found.get(entry.key.id), entry);
      }
    });

    test('drops on a sweep what is past keepUntil, and nothing else', async (t) => {
      const { clock, tier } = await start(t);
      const keeping = sampleEntry('keeping', { born: clock.now() });
      tier.set(keeping);
      for (let at = 0; at < 700; at++)
        tier.set(sampleEntry(`brief ${at}`, { born: clock.now(), fresh: 100, keep: 200 }));
      await settle(tier);
      clock.advance(200);
      await tier.sweep();
      assertFound(await tier.get(keeping.key.id), keeping);
      const { entries = 0, bytes = 0, expirations } = tier.figures();
      assert.ok(lossy ? entries <= 1 : entries === 1, `${entries} entries`);
      assert.ok(lossy || expirations === 700, `${expirations} expirations`);
      assert.ok(bytes < 3_000, `${bytes} bytes`);
    });

    test('counts hits and misses, and keeps within its bounds', async (t) => {
      const { clock, tier } = await start(t);
      const entry = sampleEntry('counted', { born: clock.now() });
      tier.set(entry);
      await tier.get(entry.key.id);
      await tier.getMany([entry.key.id, idOf('nothing')]);
      const { hits, misses, bytes = 0, maxBytes = 0 } = tier.figures();
      if (!lossy) assert.deepEqual({ hits, misses }, { hits: 2, misses: 1 });
      assert.ok(bytes <= maxBytes);
      assert.equal(tier.health().state, 'ok');
    });

    test('finds nothing and fails nobody once it is closed', async (t) => {
      const { clock, tier } = await start(t);
      const entry = sampleEntry('late', { born: clock.now() });
      tier.set(entry);
      await tier.close();
      assert.equal(await tier.get(entry.key.id), undefined);
      tier.set(entry);
      tier.delete(entry.key.id);
      tier.touch(entry.key.id);
      await tier.sweep();
      await tier.close();
    });

    test('agrees with a simple map after thousands of random operations', async (t) => {
      const seed = randomInt(2 ** 31);
      t.diagnostic(`seed ${seed}`);
      const random = seededRandom(seed);
      const { clock, tier } = await start(t);
      const model = new Map<string, Entry>();
      const anyOf = (count: number) => Math.floor(random() * count);
      const wanted = (id: string) => {
        const entry = model.get(id);
        return entry !== undefined && entry.keepUntil > clock.now() ? entry : undefined;
      };
      const check = (found: Entry | undefined, id: string, step: number) => {
        if (found === undefined && lossy) return;
        assert.deepEqual(found, wanted(id), `seed ${seed}, step ${step}`);
      };
      for (let step = 0; step < 4_000; step++) {
        const name = `key ${anyOf(60)}`;
        const id = idOf(name);
        const dice = random();
        if (dice < 0.4) {
          const fresh = anyOf(3_000);
          const body = `${step} `.repeat(anyOf(300));
          const entry = sampleEntry(name, { born: clock.now(), fresh, keep: fresh + anyOf(3_000), body });
          model.set(id, entry);
          tier.set(entry);
        } else if (dice < 0.5) {
          model.delete(id);
          tier.delete(id);
        } else if (dice < 0.52) await settle(tier);
        else if (dice < 0.54) await tier.sweep();
        else if (dice < 0.6) tier.touch(id);
        else if (dice < 0.7) clock.advance(anyOf(200));
        else if (dice < 0.95) check(await tier.get(id), id, step);
        else {
          const ids = Array.from({ length: 20 }, (_, at) => idOf(`key ${at * 3}`));
          const found = await tier.getMany(ids);
          for (const each of ids) check(found.get(each), each, step);
        }
      }
    });
  });
}

function variety(born: number): readonly Entry[] {
  const plain = sampleEntry('plain', { born });
  return [
    plain,
    sampleEntry('empty', { born, body: '' }),
    sampleEntry('text', { born, body: 'Grüße, 世界 🎉 '.repeat(400) }),
    sampleEntry('stream', { born, form: 'sse', body: 'data: {"choices":[]}\n\n'.repeat(200) }),
    sampleEntry('vector', {
      born,
      form: 'vector',
      body: Buffer.from(new Float32Array(1_536).fill(0.25).buffer),
    }),
    sampleEntry('large', { born, body: Buffer.alloc(400_000, 'large ') }),
    {
      ...sampleEntry('odd', { born }),
      key: { id: idOf('odd'), shown: 'route%3Ax/ns/mödel/%F0\u0000', type: 'route:x' },
      payload: {
        form: 'raw',
        status: 404,
        headers: [
          ['link', 'a'],
          ['link', 'b'],
        ],
        facts: { none: null, yes: true, half: 0.5, __proto__x: 'text' },
        body: Buffer.from([0, 255, 13, 10]),
      },
    },
  ];
}
