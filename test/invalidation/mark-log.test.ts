import assert from 'node:assert/strict';
import { mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Journal } from '../../src/cache/journal.ts';
import type { Subject } from '../../src/cache/mark.ts';
import { Marks } from '../../src/cache/marks.ts';
import { MarkLog } from '../../src/invalidation/mark-log.ts';
import { Stamps } from '../../src/shared/stamps.ts';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';

const HOUR = 3_600_000;

/** A process: its stamps, its marks, and the log of them. */
interface Life {
  readonly stamps: Stamps;
  readonly marks: Marks;
  readonly log: MarkLog;
  /** Purges a tag; resolves when that is durable. */
  purge(tag: string): Promise<void>;
  /** How an entry with this tag stands that was asked for at this stamp. */
  standing(tag: string, stamp: number): string;
}

async function begin(path: string, clock = new ManualClock(), fresh = false): Promise<Life> {
  const stamps = new Stamps(clock);
  const marks = new Marks();
  const log = await MarkLog.open({ path, fresh, marks, stamps, clock });
  return {
    stamps,
    marks,
    log,
    async purge(tag) {
      const mark = { condition: { tags: [tag] }, effect: 'purge', stamp: stamps.next() } as const;
      marks.add(mark);
      await log.keep([mark]);
    },
    standing(tag, stamp) {
      const key = { id: 'a', shown: 'products/default/m/a', type: 'products' };
      const subject: Subject = { key, stamp, tags: [[tag, stamp]] };
      return marks.standing(subject);
    },
  };
}

/** A log with one mark, as a process left it that was killed, or that ended; and an older stamp. */
async function left(t: TestContext, killed: boolean): Promise<{ path: string; older: number }> {
  const path = join(tempFolder(), 'marks.journal');
  await (await begin(path, new ManualClock(Date.UTC(2025, 11, 1)))).log.close();
  const life = await begin(path);
  const older = life.stamps.next();
  await life.purge('a');
  if (!killed) await life.log.close();
  t.after(() => life.log.close());
  return { path, older };
}

describe('marks on disk', () => {
  for (const killed of [true, false]) {
    it(`are there after a process that ${killed ? 'was killed' : 'ended well'}, and concern what they did`, async (t) => {
      const { path, older } = await left(t, killed);
      const next = await begin(path);
      t.after(() => next.log.close());
      assert.equal(next.log.trusted, true);
      assert.equal(next.standing('a', older), 'purged');
      assert.equal(next.standing('b', older), 'alive');
      assert.ok(next.stamps.next() > older);
    });
  }

  it('that were forgotten leave word of what they were of, over any number of restarts', async (t) => {
    const { path, older } = await left(t, false);
    const before = await begin(path);
    before.marks.retire(older);
    await before.log.close();
    for (let life = 0; life < 2; life += 1) {
      const { log, marks } = await begin(path);
      assert.equal(marks.retired, older);
      assert.equal(log.trusted, true);
      await log.close();
    }
  });

  it('of every kind are read as they were written', async (t) => {
    const path = join(tempFolder(), 'marks.journal');
    const first = await begin(path);
    const made = (
      [
        { tags: ['a', 'ä'] },
        { keys: ['products/a b/c'] },
        { types: ['x'], patterns: ['**'] },
        { namespaces: ['a b'] },
        { models: ['käse/1'] },
        undefined,
      ] as const
    ).flatMap((condition) =>
      (['purge', 'expire'] as const).map((effect) => ({ condition, effect, stamp: first.stamps.next() })),
    );
    for (const mark of made) first.marks.add(mark);
    await first.log.keep(made);
    const [killed, ended] = [await begin(path), first];
    await killed.log.close();
    await ended.log.close();
    const next = await begin(path);
    t.after(() => next.log.close());
    for (const { marks } of [killed, next]) assert.deepEqual([...marks.all()], [...first.marks.all()]);
  });

  it('of the first start there are none, which is no reason to trust what lies around', async (t) => {
    const path = join(tempFolder(), 'new', 'marks.journal');
    const life = await begin(path);
    t.after(() => life.log.close());
    assert.equal(life.log.trusted, false);
    const { mode } = await stat(path);
    assert.equal(mode & 0o777, 0o600);
  });

  it('of the first start there are none, and where nothing lies around that is as it should be', async (t) => {
    const path = join(tempFolder(), 'marks.journal');
    const life = await begin(path, undefined, true);
    t.after(() => life.log.close());
    assert.equal(life.log.trusted, true);
    assert.equal(life.standing('a', life.stamps.last), 'alive');
    await writeFile(`${path}.other`, 'hello');
    const other = await begin(`${path}.other`, undefined, true);
    t.after(() => other.log.close());
    assert.equal(other.log.trusted, false);
  });

  for (const [how, damage] of [
    ['cut', async (path: string) => truncate(path, (await stat(path)).size - 5)],
    ['cut between two records', async (path: string) => truncate(path, 20)],
    ['empty', async (path: string) => truncate(path, 0)],
    ['gone', async (path: string) => rm(path)],
    [
      'flipped in one bit',
      async (path: string) => {
        const bytes = await readFile(path);
        bytes[40] = (bytes[40] ?? 0) ^ 1;
        await writeFile(path, bytes);
      },
    ],
    ['another file', async (path: string) => writeFile(path, 'hello')],
    [
      'a folder',
      async (path: string) => {
        await rm(path);
        await mkdir(path);
      },
    ],
  ] as const) {
    it(`that are ${how} are not trusted: everything older is dead, also by a clock that was a day ahead`, async (t) => {
      const { path, older } = await left(t, false);
      await damage(path);
      const clock = new ManualClock();
      clock.setWall(clock.now() - 23 * HOUR);
      const next = await begin(path, clock);
      t.after(() => next.log.close());
      assert.equal(next.log.trusted, false);
      assert.equal(next.standing('b', older), 'purged');
      const stamp = next.stamps.next();
      assert.equal(next.standing('b', stamp), 'alive');
      assert.ok(stamp > older);
    });
  }

  it('that this version does not understand are not trusted', async (t) => {
    const { path, older } = await left(t, true);
    for (const record of [
      7,
      'x',
      {},
      { effect: 'hide', stamp: 1 },
      { effect: 'purge', stamp: 1, condition: {} },
      { effect: 'purge', stamp: 1, condition: { colours: ['red'] } },
      { effect: 'purge', stamp: 1, condition: { tags: 'a' } },
      { effect: 'purge', stamp: 1, condition: { tags: [7] } },
    ]) {
      const { journal } = await Journal.open(path);
      await journal.rewrite([record]);
      await journal.close();
      const next = await begin(path);
      await next.log.close();
      assert.equal(next.log.trusted, false, JSON.stringify(record));
      assert.equal(next.standing('b', older), 'purged');
    }
  });

  it('are torn at the end by a crash that nobody was told of, which costs nothing', async (t) => {
    const { path, older } = await left(t, true);
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.from([0, 0, 0, 90, 1, 2, 3])]));
    const next = await begin(path);
    t.after(() => next.log.close());
    assert.equal(next.log.trusted, true);
    assert.equal(next.standing('a', older), 'purged');
    assert.equal(next.standing('b', older), 'alive');
  });
});

describe('stamps after a crash', () => {
  it('go on above all that were given, also where the clock has been set back', async (t) => {
    const path = join(tempFolder(), 'marks.journal');
    const clock = new ManualClock();
    const first = await begin(path, clock);
    t.after(() => first.log.close());
    for (let hour = 0; hour < 5; hour += 1) {
      clock.advance(HOUR);
      // What the hour brings is written by itself.
      await first.log.keep([]);
    }
    const last = first.stamps.next();
    const earlier = new ManualClock();
    const next = await begin(path, earlier);
    t.after(() => next.log.close());
    assert.equal(next.log.trusted, true);
    assert.ok(next.stamps.next() > last);
  });

  it('do so also after a time in which the file could not be written', async (t) => {
    const path = join(tempFolder(), 'marks.journal');
    const clock = new ManualClock();
    const first = await blocked(path, () => begin(path, clock));
    t.after(() => first.log.close());
    clock.advance(HOUR);
    await until(async () => (await stat(path).catch(() => undefined)) !== undefined, 'the file');
    const last = first.stamps.next();
    const next = await begin(path, new ManualClock());
    t.after(() => next.log.close());
    assert.equal(next.log.trusted, true);
    assert.ok(next.stamps.next() > last);
  });

  it('follow the clock again after a process that ended well', async (t) => {
    const path = join(tempFolder(), 'marks.journal');
    await (await begin(path)).log.close();
    const second = await begin(path);
    const { last } = second.stamps;
    await second.log.close();
    const next = await begin(path);
    t.after(() => next.log.close());
    assert.equal(next.stamps.last, last);
  });
});

describe('a file that cannot be used', () => {
  it('lets nobody be told of an invalidation, which yet counts; later ones write it, too', async (t) => {
    const path = join(tempFolder(), 'marks.journal');
    const { life, older } = await blocked(path, async () => {
      const begun = await begin(path);
      const stamp = begun.stamps.next();
      await Promise.all(['a', 'b'].map((tag) => assert.rejects(begun.purge(tag))));
      assert.equal(begun.standing('b', stamp), 'purged');
      return { life: begun, older: stamp };
    });
    t.after(() => life.log.close());
    await Promise.all(['c', 'd'].map((tag) => life.purge(tag)));
    await life.purge('e');
    const next = await begin(path);
    t.after(() => next.log.close());
    assert.equal(next.log.trusted, true);
    for (const tag of ['a', 'b', 'c', 'd', 'e']) assert.equal(next.standing(tag, older), 'purged');
    assert.equal(next.standing('f', older), 'alive');
  });

  it('from the start is not trusted, and taken into use with the first mark that finds it better, or several at once', async (t) => {
    const { path, older } = await left(t, false);
    await rm(path);
    await mkdir(path);
    const life = await begin(path);
    t.after(() => life.log.close());
    assert.equal(life.log.trusted, false);
    assert.equal(life.standing('z', older), 'purged');
    await assert.rejects(life.purge('b'));
    await rm(path, { recursive: true });
    const stamp = life.stamps.next();
    await Promise.all(['c', 'd', 'e', 'f'].map((tag) => life.purge(tag)));
    await life.purge('g');
    assert.equal(life.standing('z', stamp), 'alive');
    const next = await begin(path);
    t.after(() => next.log.close());
    assert.equal(next.log.trusted, true);
    for (const tag of ['b', 'c', 'd', 'e', 'f', 'g']) assert.equal(next.standing(tag, older), 'purged');
    for (const tag of ['c', 'd', 'e', 'f', 'g']) assert.equal(next.standing(tag, stamp), 'purged', tag);
    assert.equal(next.standing('z', stamp), 'alive');
  });
});

describe('the log of marks', () => {
  it('is written anew when it has grown, so that its size follows what it says', async (t) => {
    const path = join(tempFolder(), 'marks.journal');
    const life = await begin(path);
    t.after(() => life.log.close());
    const tags = Array.from({ length: 50 }, (_, at) => `product:${at} ${'x'.repeat(900)}`);
    let largest = 0;
    for (let round = 0; round < 100; round += 1) {
      const mark = { condition: { tags }, effect: 'purge', stamp: life.stamps.next() } as const;
      life.marks.add(mark);
      await life.log.keep([mark]);
      largest = Math.max(largest, (await stat(path)).size);
    }
    assert.ok(largest > 900_000 && largest < 1_200_000, `${largest} bytes`);
    const next = await begin(path);
    t.after(() => next.log.close());
    assert.deepEqual(new Set(next.marks.all()), new Set(life.marks.all()));
  });
});

describe('a log of marks that others are to be told of', () => {
  it('remembers what is still to be announced, and how far others’ were applied', async () => {
    const path = join(tempFolder(), 'marks.journal');
    const life = await begin(path, new ManualClock(), true);
    const own = (tag: string) =>
      ({ condition: { tags: [tag] }, effect: 'purge', stamp: life.stamps.next() }) as const;
    const [first, second, third] = [own('a'), own('b'), own('c')];
    for (const mark of [first, second, third]) {
      life.marks.add(mark);
      await life.log.keepOwn([mark]);
    }
    await life.log.keepTold([], [['of another life', 3]], { epoch: 'd', seq: 3 });
    await life.log.keepTold([], [['told', 7]], { epoch: 'e', seq: 7 });
    await life.log.handed(first.stamp, [['own', 8]]);
    for (let turn = 0; turn < 2; turn += 1) {
      // Once as a crash leaves it, and once as it was rewritten.
      const { log, standing } = await begin(path);
      assert.ok(log.trusted);
      assert.deepEqual(log.ledger.unsent, [second, third]);
      assert.deepEqual(log.ledger.place, { epoch: 'e', seq: 7 });
      assert.deepEqual(log.ledger.announced.all(), [
        ['own', 8],
        ['told', 7],
      ]);
      assert.equal(standing('a', first.stamp), 'purged');
      await log.close();
    }
    await life.log.close();
  });
});

/** What `work` gives while no new file can be written at `path`. */
async function blocked<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(`${path}.new`);
  try {
    return await work();
  } finally {
    await rm(`${path}.new`, { recursive: true });
  }
}
