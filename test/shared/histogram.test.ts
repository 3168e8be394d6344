import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/demo/random.ts';
import { Histogram } from '../../src/shared/histogram.ts';

const SEED = Math.floor(Math.random() * 2 ** 31);

test(`percentiles are within 1 % of the exact ones, whatever the values are like (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  const shapes = {
    even: () => Math.floor(random() * 1e6),
    skewed: () => Math.floor(Math.exp(random() * 21)),
    small: () => Math.floor(random() * 300),
    twoHumps: () => Math.floor(random() < 0.9 ? 200 + random() * 100 : 2e6 + random() * 1e6),
  };
  for (const [name, draw] of Object.entries(shapes)) {
    const histogram = new Histogram();
    const values = Array.from({ length: 20_000 }, draw);
    for (const value of values) histogram.record(value);
    values.sort((one, other) => one - other);
    for (const share of [0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1]) {
      const exact = values[Math.max(0, Math.ceil(share * values.length) - 1)] ?? 0;
      const told = histogram.percentile(share);
      assert.ok(Math.abs(told - exact) <= exact * 0.01, `${name}, ${share}: ${told} instead of ${exact}`);
    }
    assert.equal(histogram.max, values.at(-1));
    assert.equal(histogram.count, values.length);
    assert.equal(
      histogram.sum,
      values.reduce((sum, value) => sum + value, 0),
    );
  }
});

test('what is out of range counts as the nearest that is not', () => {
  const histogram = new Histogram();
  for (const value of [-5, Number.NaN, 0.9]) histogram.record(value);
  assert.deepEqual([histogram.count, histogram.percentile(1), histogram.max], [3, 0, 0]);
  histogram.record(Number.POSITIVE_INFINITY);
  histogram.record(2 ** 32 - 1);
  assert.deepEqual([histogram.max, histogram.percentile(1)], [2 ** 32 - 1, 2 ** 32 - 1]);
});

test('two can be put together, and an empty one says 0', () => {
  const [one, other] = [new Histogram(), new Histogram()];
  for (let value = 1; value <= 100; value += 1) (value % 2 === 0 ? one : other).record(value);
  one.add(other);
  one.add(new Histogram());
  assert.deepEqual([one.percentile(0.5), one.atMost(30), one.atMost(1e9), one.max], [50, 30, 100, 100]);
  assert.deepEqual([new Histogram().percentile(0.5), new Histogram().atMost(5)], [0, 0]);
});
