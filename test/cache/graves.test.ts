import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Graves } from '../../src/cache/graves.ts';
import { ManualClock } from '../support/clock.ts';

describe('what was removed because it had been invalidated', () => {
  it('is known for two minutes, whatever becomes of the wall clock', () => {
    const clock = new ManualClock();
    const graves = new Graves(clock);
    graves.note('a');
    clock.setWall(0);
    clock.advance(119_999);
    assert.equal(graves.has('a'), true);
    assert.equal(graves.has('b'), false);
    clock.advance(1);
    assert.equal(graves.has('a'), false);
  });

  it('is known for two minutes more when it is removed again', () => {
    const clock = new ManualClock();
    const graves = new Graves(clock);
    graves.note('a');
    clock.advance(100_000);
    graves.note('a');
    clock.advance(100_000);
    assert.equal(graves.has('a'), true);
  });

  it('is 20,000 entries at most: of more the oldest are forgotten', () => {
    const graves = new Graves(new ManualClock());
    for (let at = 0; at < 50_000; at += 1) graves.note(`id ${at}`);
    const known = Array.from({ length: 50_000 }, (_, at) => graves.has(`id ${at}`));
    assert.equal(known.filter(Boolean).length, 20_000);
    assert.equal(known.indexOf(true), 30_000);
  });
});
