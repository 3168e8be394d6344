import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Condition } from '../../src/cache/condition.ts';
import type { Tagged } from '../../src/cache/entry.ts';
import type { Mark, Subject } from '../../src/cache/mark.ts';
import { Marks } from '../../src/cache/marks.ts';
import { segmentOf, shownKey } from '../../src/shared/shown-key.ts';
import { NaiveMarks } from '../support/naive-marks.ts';

const TYPES = ['products', 'search results'];
const NAMESPACES = ['default', 'a/b'];
const MODELS = ['gpt-5', 'käse'];
const IDS = ['id1', 'id2'];
const TAGS = ['product:1', 'product:2', 'keys:x'];
const SHOWN = TYPES.flatMap((type) =>
  NAMESPACES.flatMap((namespace) =>
    MODELS.flatMap((label) => IDS.map((id) => shownKey(placed({ type, namespace, label }), id))),
  ),
);
const PATTERNS = ['products/**', '**/id1', '*/default/*/id?', '{products,x}/*/gpt-5/**', '**', 'nothing/*'];

function placed({ type, namespace, label }: { type: string; namespace: string; label: string }) {
  return { type: segmentOf(type), namespace: segmentOf(namespace), label: segmentOf(label) };
}

const stamp = fc.integer({ min: 1, max: 12 });
const some = (texts: readonly string[]) => fc.uniqueArray(fc.constantFrom(...texts), { minLength: 1 });
const condition: fc.Arbitrary<Condition | undefined> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(undefined) },
  {
    weight: 12,
    arbitrary: fc
      .record(
        {
          keys: some(SHOWN),
          patterns: some(PATTERNS),
          tags: some(TAGS),
          types: some(TYPES),
          namespaces: some(NAMESPACES),
          models: some(MODELS),
        },
        { requiredKeys: [] },
      )
      .filter((lists) => Object.keys(lists).length > 0),
  },
);
const mark: fc.Arbitrary<Mark> = fc.record({
  condition,
  effect: fc.constantFrom('purge', 'expire'),
  stamp,
});
const tagged: fc.Arbitrary<Tagged[]> = fc.uniqueArray(fc.tuple(fc.constantFrom(...TAGS), stamp), {
  selector: ([tag]) => tag,
});
const subject: fc.Arbitrary<Subject> = fc.record({
  key: fc.constantFrom(...SHOWN).map((shown) => ({ id: shown, shown, type: 'products' })),
  stamp,
  tags: tagged,
});

describe('marks', () => {
  it('say of every subject at every moment what a list of all of them says', () => {
    fc.assert(
      fc.property(
        fc.array(mark, { maxLength: 12 }),
        fc.array(subject, { minLength: 1, maxLength: 6 }),
        tagged,
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        (added, subjects, more, asking) => {
          const marks = new Marks();
          const naive = new NaiveMarks();
          for (const [index, each] of added.entries()) {
            marks.add(each);
            naive.add(each);
            // Asked at some versions and not at others, so that what is remembered of them is of any age.
            if (asking[index]) for (const one of subjects) agree(marks, naive, one, more);
          }
          for (const one of subjects) agree(marks, naive, one, more);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('say the same in whatever order they came', () => {
    fc.assert(
      fc.property(
        fc.array(mark, { maxLength: 10 }).chain((given) =>
          fc.record({
            given: fc.constant(given),
            shuffled: fc.shuffledSubarray(given, { minLength: given.length }),
          }),
        ),
        fc.array(subject, { minLength: 1, maxLength: 6 }),
        ({ given, shuffled }, subjects) => {
          const [one, other] = [marksOf(given), marksOf(shuffled)];
          for (const each of subjects) assert.equal(other.standing(each), one.standing(each));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('that are told by all() say the same', () => {
    fc.assert(
      fc.property(fc.array(mark), fc.array(subject, { minLength: 1 }), (given, subjects) => {
        const marks = marksOf(given);
        const told = marksOf(marks.all());
        assert.equal(told.size, marks.size);
        for (const each of subjects) assert.equal(told.standing(each), marks.standing(each));
        assert.ok(told.latestTag <= marks.latestTag);
      }),
    );
  });

  it('that are retired concerned nothing that is left', () => {
    fc.assert(
      fc.property(
        fc.array(mark),
        fc.array(subject, { minLength: 1 }),
        fc.boolean(),
        (given, subjects, judgedBefore) => {
          const [marks, kept] = [marksOf(given), marksOf(given)];
          if (judgedBefore) for (const each of subjects) marks.standing(each);
          const oldest = Math.min(
            ...subjects.flatMap(({ stamp: began, tags }) => [began, ...tags.map(([, at]) => at)]),
          );
          marks.retire(oldest);
          assert.ok([...marks.all()].every((left) => left.stamp >= oldest || isName(left)));
          for (const each of subjects) assert.equal(marks.standing(each), kept.standing(each));
        },
      ),
    );
  });

  it('that are too many kill more, but only what was asked for, or written from what was, before one of them', () => {
    fc.assert(
      fc.property(
        fc.array(mark, { maxLength: 20 }),
        fc.array(subject, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        (given, subjects, names, broad, asking) => {
          const marks = new Marks({ names, broad });
          const naive = new NaiveMarks();
          for (const each of given) {
            marks.add(each);
            naive.add(each);
            if (asking) for (const one of subjects) marks.standing(one);
          }
          const latest = Math.max(0, ...given.map((each) => each.stamp));
          for (const one of subjects) {
            const known = naive.standing(one);
            const standing = marks.standing(one);
            if (standing === known) continue;
            assert.equal(standing, 'purged');
            assert.ok([one.stamp, ...one.tags.map(([, at]) => at)].some((at) => at <= latest));
          }
          assert.ok(marks.size <= names + broad + 20);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

function agree(marks: Marks, naive: NaiveMarks, one: Subject, more: readonly Tagged[]): void {
  assert.equal(marks.standing(one), naive.standing(one));
  assert.equal(marks.standing(one, more), naive.standing(one, more));
}

function marksOf(given: Iterable<Mark>): Marks {
  const marks = new Marks();
  for (const mark of given) marks.add(mark);
  return marks;
}

/** A name keeps the latest stamps of both effects as long as one of them is needed. */
function isName({ condition }: Mark): boolean {
  return condition !== undefined && Object.keys(condition).length === 1;
}
