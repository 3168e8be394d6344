import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Condition, Effect } from '../../src/cache/condition.ts';
import type { Tagged } from '../../src/cache/entry.ts';
import type { Subject } from '../../src/cache/mark.ts';
import { type MarkLimits, Marks } from '../../src/cache/marks.ts';

const SHOWN = 'products/shop%20a/caf%C3%A9/id';

function subject(stamp: number, tags: readonly Tagged[] = [], shown = SHOWN): Subject {
  return { key: { id: shown, shown, type: 'products' }, stamp, tags };
}

function marksWith(condition: Condition | undefined, effect: Effect = 'purge', stamp = 10): Marks {
  const marks = new Marks();
  marks.add({ condition, effect, stamp });
  return marks;
}

describe('a mark', () => {
  for (const [says, meant, other] of [
    ['keys', { keys: [SHOWN, 'x'] }, { keys: ['products/shop%20a/caf%C3%A9/other'] }],
    ['a pattern', { patterns: ['x', '*/shop*/**'] }, { patterns: ['*/caf*'] }],
    ['types', { types: ['x', 'products'] }, { types: ['product'] }],
    ['namespaces, as they are said', { namespaces: ['shop a'] }, { namespaces: ['shop%20a'] }],
    ['models, as they are said', { models: ['café'] }, { models: ['cafe'] }],
    ['tags', { tags: ['x', 'product:1'] }, { tags: ['product:2'] }],
    ['several lists', { tags: ['product:1'], types: ['products'] }, { tags: ['product:1'], types: ['x'] }],
    ['lists and a pattern', { patterns: ['**'], models: ['café'] }, { patterns: ['**'], models: ['x'] }],
    ['nothing, which is everything', undefined, { tags: ['x'] }],
  ] as const satisfies readonly (readonly [string, Condition | undefined, Condition])[]) {
    it(`that says ${says} concerns what is meant and was asked for before, and nothing else`, () => {
      for (const [effect, standing] of [
        ['purge', 'purged'],
        ['expire', 'expired'],
      ] as const) {
        const marks = marksWith(meant, effect);
        assert.equal(marks.standing(subject(9, [['product:1', 9]])), standing);
        assert.equal(marks.standing(subject(10, [['product:1', 10]])), standing);
        assert.equal(marks.standing(subject(11, [['product:1', 11]])), 'alive');
        assert.equal(marksWith(other, effect).standing(subject(9, [['product:1', 9]])), 'alive');
      }
    });
  }

  it('of a tag concerns what was written from something older, however late', () => {
    const written = subject(20, [['product:1', 9]]);
    assert.equal(marksWith({ tags: ['product:1'] }).standing(written), 'purged');
    assert.equal(marksWith({ tags: ['product:2'] }).standing(written), 'alive');
    assert.equal(marksWith({ types: ['products'] }).standing(written), 'alive');
    assert.equal(marksWith(undefined).standing(written), 'purged');
  });

  it('of a tag that only the request says concerns the answer for this request, and for no other', () => {
    const marks = marksWith({ tags: ['product:1'] });
    const entry = subject(9);
    assert.equal(marks.standing(entry, [['product:1', 9]]), 'purged');
    assert.equal(marks.standing(entry, [['product:1', 11]]), 'alive');
    assert.equal(marks.standing(entry), 'alive');
  });

  it('that purges beats one that expires, whichever came first', () => {
    for (const effects of [
      ['purge', 'expire'],
      ['expire', 'purge'],
    ] as const) {
      for (const condition of [{ tags: ['a'] }, { patterns: ['**'] }, undefined]) {
        const marks = new Marks();
        for (const [at, effect] of effects.entries()) marks.add({ condition, effect, stamp: 10 + at });
        assert.equal(marks.standing(subject(9, [['a', 9]])), 'purged');
      }
    }
  });

  it('that comes late, with an earlier stamp, takes nothing back', () => {
    const marks = marksWith({ tags: ['a'] }, 'purge', 10);
    marks.add({ condition: { tags: ['a'] }, effect: 'purge', stamp: 5 });
    assert.equal(marks.standing(subject(9, [['a', 9]])), 'purged');
    assert.equal(marks.size, 1);
  });

  it('counts for what was judged before it came', () => {
    const marks = new Marks();
    const entry = subject(9, [['a', 9]]);
    for (const condition of [{ tags: ['b'] }, { patterns: ['x/**'] }, { tags: ['a'], types: ['x'] }]) {
      assert.equal(marks.standing(entry), 'alive');
      marks.add({ condition, effect: 'purge', stamp: 10 });
    }
    assert.equal(marks.standing(entry), 'alive');
    marks.add({ condition: { patterns: ['products/**'] }, effect: 'expire', stamp: 10 });
    assert.equal(marks.standing(entry), 'expired');
    marks.add({ condition: { tags: ['a'] }, effect: 'purge', stamp: 10 });
    assert.equal(marks.standing(entry), 'purged');
  });
});

describe('marks are bounded', () => {
  const tagsUpTo = (count: number, limits?: MarkLimits): Marks => {
    const marks = new Marks(limits);
    for (let at = 1; at <= count; at += 1)
      marks.add({ condition: { tags: [`tag:${at}`] }, effect: 'purge', stamp: at });
    return marks;
  };

  it('the older half of too many names becomes one: what was asked for before that is dead, and nothing newer', () => {
    const marks = tagsUpTo(100_001);
    assert.ok(marks.size < 51_000, String(marks.size));
    assert.equal(marks.standing(subject(50_000)), 'purged');
    assert.equal(marks.standing(subject(50_002)), 'alive');
    assert.equal(marks.standing(subject(60_000, [['tag:60001', 60_000]])), 'purged');
    assert.equal(marks.standing(subject(100_002, [['tag:5', 100_002]])), 'alive');
    assert.equal(marks.standing(subject(100_002, [['tag:5', 4]])), 'purged');
  });

  it('too many patterns cost no name its own mark that is newer than half of them', () => {
    const marks = tagsUpTo(500, { names: 1_000, broad: 10 });
    for (let at = 1; at <= 11; at += 1)
      marks.add({ condition: { patterns: [`x/${at}`] }, effect: 'purge', stamp: at });
    assert.equal(marks.standing(subject(6)), 'purged');
    assert.equal(marks.standing(subject(7)), 'alive');
    assert.equal(marks.size, 494 + 5);
  });

  it('a tag with a type or a model beside it is no pattern: thousands of them cost nothing that they do not mean', () => {
    const marks = new Marks();
    for (let at = 1; at <= 5_000; at += 1) {
      const condition = { tags: [`tag:${at}`, 'all'], types: ['products'], models: ['café', 'x'] };
      marks.add({ condition, effect: at % 2 === 0 ? 'purge' : 'expire', stamp: at });
    }
    assert.equal(marks.size, 5_002);
    assert.equal(marks.standing(subject(1)), 'alive');
    assert.equal(marks.standing(subject(1, [['tag:4000', 1]])), 'purged');
    assert.equal(marks.standing(subject(1, [['tag:4001', 1]])), 'expired');
    assert.equal(marks.standing(subject(1, [['tag:4001', 4_002]])), 'alive');
    assert.equal(marks.standing(subject(4_999, [['all', 4_999]])), 'purged');
    assert.equal(marks.standing(subject(1, [['all', 1]], 'llm_responses/a/café/id')), 'alive');
    const again = new Marks();
    for (const mark of marks.all()) again.add(mark);
    assert.deepEqual([again.size, [...again.all()]], [marks.size, [...marks.all()]]);
    marks.retire(4_000);
    assert.equal(marks.size, 1_001 + 2);
    marks.retire(Number.POSITIVE_INFINITY);
    assert.equal(marks.size, 0);
  });

  it('one call that names more than fit is one mark for everything before it', () => {
    const marks = new Marks({ names: 100, broad: 10 });
    const tags = Array.from({ length: 101 }, (_, at) => `tag:${at}`);
    marks.add({ condition: { tags }, effect: 'purge', stamp: 10 });
    assert.equal(marks.size, 0);
    assert.equal(marks.standing(subject(10)), 'purged');
    assert.equal(marks.standing(subject(11)), 'alive');
  });

  it('of one pattern, and of one set of conditions, there is one mark, whose last stamp counts', () => {
    const marks = new Marks({ names: 100, broad: 10 });
    const pattern = { patterns: ['products/*/x/*', 'products/*/y/*'] };
    const both = { types: ['products'], namespaces: ['shop a'] };
    for (let at = 1; at <= 100; at += 1) {
      for (const condition of [pattern, { ...pattern, patterns: pattern.patterns.toReversed() }, both])
        marks.add({ condition, effect: 'expire', stamp: at });
    }
    marks.add({ condition: both, effect: 'expire', stamp: 3 });
    assert.equal(marks.size, 2);
    assert.equal(marks.standing(subject(100)), 'expired');
    assert.equal(marks.standing(subject(101)), 'alive');
  });

  it('of one name there is one mark, however often it is invalidated', () => {
    const marks = new Marks();
    for (let at = 1; at <= 1_000; at += 1) {
      marks.add({ condition: { tags: ['a'] }, effect: at % 2 === 0 ? 'purge' : 'expire', stamp: at });
    }
    assert.equal(marks.size, 1);
    assert.deepEqual(
      [...marks.all()],
      [
        { condition: { tags: ['a'] }, effect: 'purge', stamp: 1_000 },
        { condition: { tags: ['a'] }, effect: 'expire', stamp: 999 },
      ],
    );
  });

  it('those that nothing older needs are retired, to the stamp', () => {
    const marks = tagsUpTo(10);
    marks.add({ condition: { patterns: ['**'] }, effect: 'expire', stamp: 5 });
    marks.add({ condition: undefined, effect: 'purge', stamp: 5 });
    marks.retire(5);
    assert.equal(marks.size, 6 + 1);
    assert.equal(marks.standing(subject(5)), 'purged');
    marks.retire(6);
    assert.equal(marks.size, 5);
    assert.equal(marks.standing(subject(5)), 'alive');
    marks.retire(Number.POSITIVE_INFINITY);
    assert.deepEqual([...marks.all()], []);
  });
});
