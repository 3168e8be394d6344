import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Numbered, Series } from '../../src/cache/series.ts';

class Thing implements Numbered {
  readonly number: number;
  isGone = false;

  constructor(number: number) {
    this.number = number;
  }
}

/** A series of so many things, numbered from 1 with a gap after each. */
function filled(count: number): { readonly series: Series<Thing>; readonly lose: (at: number) => void } {
  const series = new Series<Thing>();
  const things = Array.from({ length: count }, (_, at) => new Thing(2 * at + 1));
  for (const thing of things) series.add(thing);
  return {
    series,
    lose(at) {
      const thing = things[at];
      if (thing === undefined || thing.isGone) return;
      thing.isGone = true;
      series.lost();
    },
  };
}

const numbers = (walk: Iterable<Thing>) => [...walk].map(({ number }) => number);

describe('things in the order of their numbers', () => {
  it('are found after any number, whether that is one of theirs or not', () => {
    const { series, lose } = filled(5);
    assert.deepEqual(numbers(series.after(0)), [1, 3, 5, 7, 9]);
    assert.deepEqual(numbers(series.after(3)), [5, 7, 9]);
    assert.deepEqual(numbers(series.after(4)), [5, 7, 9]);
    assert.deepEqual(numbers(series.after(9)), []);
    lose(2);
    assert.deepEqual(numbers(series.after(3)), [7, 9]);
    assert.deepEqual(numbers(new Series<Thing>().after(0)), []);
  });

  it('are each told once, in order, while most of them go and others come', () => {
    const { series, lose } = filled(10_000);
    const walked: number[] = [];
    let next = 30_001;
    for (const { number } of series.after(0)) {
      walked.push(number);
      // Every other one of all, those told already and those to come, and what is lost is cleared away meanwhile.
      if (walked.length <= 5_000) lose((2 * walked.length * 7_919 + 1) % 10_000);
      if (walked.length % 1_000 === 0) {
        series.add(new Thing(next));
        next += 1;
      }
    }
    assert.deepEqual(
      walked,
      [...new Set(walked)].sort((one, other) => one - other),
    );
    for (let at = 0; at < 10_000; at += 2) assert.ok(walked.includes(2 * at + 1), `${2 * at + 1}`);
    assert.ok(walked.includes(30_001));
  });
});
