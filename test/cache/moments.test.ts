import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { Moments } from '../../src/cache/moments.ts';
import { seededRandom } from '../../src/demo/random.ts';

test('what began at a stamp began after what had been applied by then, and of older stamps nothing is known', () => {
  const moments = new Moments();
  assert.equal(moments.at(100), undefined);
  moments.add(10, 1_000, 9);
  moments.add(20, 2_000, 19);
  assert.deepEqual(
    [9, 10, 11, 20, 21, 99].map((stamp) => moments.at(stamp)),
    [undefined, undefined, 1_000, 1_000, 2_000, 2_000],
  );
  moments.clear();
  assert.equal(moments.at(99), undefined);
});

test('a stamp before all that came after a number is below the stamps of these, also of one that came back late', () => {
  const moments = new Moments();
  assert.equal(moments.before(1_000, 50), undefined);
  moments.add(10, 1_000, 9);
  moments.add(20, 2_000, 19);
  // An own mark, made at stamp 16, that got its number only now.
  moments.add(30, 3_000, 15);
  assert.deepEqual(
    [999, 1_000, 1_500, 2_000, 2_999, 3_000, 9_999].map((seq) => moments.before(seq, 50)),
    [undefined, 15, 15, 15, 15, 50, 50],
  );
});

test('no more are remembered than are to be, and what is remembered is right', (t) => {
  const seed = randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const moments = new Moments(64);
  const all: { readonly stamp: number; readonly seq: number }[] = [];
  let stamp = 0;
  let seq = 0;
  for (let step = 0; step < 2_000; step += 1) {
    stamp += 1 + Math.floor(random() * 5);
    seq += 1 + Math.floor(random() * 9);
    moments.add(stamp, seq, stamp - 1);
    all.push({ stamp, seq });
    const asked = Math.floor(random() * (stamp + 3));
    const wanted = all.findLast((one) => one.stamp < asked)?.seq;
    const found = moments.at(asked);
    assert.ok(
      found === wanted || (found === undefined && asked <= (all.at(-32)?.stamp ?? 0)),
      `${found}, not ${wanted}`,
    );
  }
});
