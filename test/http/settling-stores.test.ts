import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Marks } from '../../src/cache/marks.ts';
import { SettlingStores } from '../../src/http/settling-stores.ts';
import { Stamps } from '../../src/shared/stamps.ts';
import { ManualClock } from '../support/clock.ts';

const MINUTE = 60_000;

function setUp(clock = new ManualClock(), marks = new Marks()) {
  const stamps = new Stamps(clock);
  const settling = new SettlingStores({ clock, stamps, marks });
  return {
    clock,
    marks,
    stamps,
    settling,
    write: (tag: string) => marks.add({ condition: { tags: [tag] }, effect: 'purge', stamp: stamps.next() }),
    /** Whether what is asked now may be from before a write. */
    concerns: (tag: string, stamp = stamps.next()) =>
      settling.concern([
        ['product:7', 1],
        [tag, stamp],
      ]),
  };
}

describe('stores that are settling', () => {
  it('are those whose tag a mark has named in the last minute, whatever else it says', () => {
    const { clock, marks, stamps, concerns, write } = setUp();
    write('vector_store:a');
    marks.add({
      condition: { tags: ['x', 'vector_store:b'], types: ['llm_responses'] },
      effect: 'expire',
      stamp: stamps.next(),
    });
    const seen = () => ['a', 'b', 'c'].map((id) => concerns(`vector_store:${id}`));
    assert.deepEqual(seen(), [true, true, false]);
    assert.equal(concerns('x'), false);
    clock.advance(MINUTE - 1);
    write('vector_store:b');
    clock.advance(1);
    assert.deepEqual(seen(), [false, true, false]);
    marks.add({ condition: undefined, effect: 'purge', stamp: stamps.next() });
    assert.deepEqual(seen(), [true, true, true]);
    clock.advance(MINUTE);
    assert.deepEqual(seen(), [false, false, false]);
    assert.equal(clock.pending, 0);
  });

  it('never give up what was asked of them in that time, however late it comes', () => {
    const { clock, stamps, concerns, write } = setUp();
    write('vector_store:a');
    clock.advance(MINUTE - 1);
    const asked = stamps.next();
    clock.advance(60 * MINUTE);
    assert.equal(concerns('vector_store:a', asked), true);
    assert.equal(concerns('vector_store:b', asked), false);
  });

  it('are told apart up to a bound, beyond which all count as written to', () => {
    const { clock, stamps, concerns, write } = setUp();
    write('vector_store:first');
    clock.advance(MINUTE - 1);
    const asked = stamps.next();
    clock.advance(1);
    for (let at = 0; at < 10_000; at += 1) write(`vector_store:${at}`);
    // The first had settled: what was asked of it before that is not told apart any more, and nothing else.
    assert.deepEqual([concerns('vector_store:7'), concerns('vector_store:other')], [true, false]);
    assert.equal(concerns('vector_store:first', asked), true);
    clock.advance(MINUTE / 2);
    write('vector_store:one more');
    assert.deepEqual([concerns('vector_store:other'), concerns('product:8')], [true, false]);
    clock.advance(MINUTE / 2);
    assert.deepEqual([concerns('vector_store:7'), concerns('vector_store:other')], [true, true]);
    clock.advance(MINUTE / 2);
    assert.deepEqual([concerns('vector_store:7'), concerns('vector_store:one more')], [false, false]);
    assert.equal(clock.pending, 0);
  });

  it('are known from the marks that there are, by their stamps', () => {
    const { clock, marks, stamps, write, concerns: before } = setUp();
    write('vector_store:old');
    const asked = stamps.next();
    clock.advance(MINUTE / 2);
    write('vector_store:new');
    clock.advance(MINUTE / 2);
    assert.deepEqual([before('vector_store:old'), before('vector_store:new')], [false, true]);
    const { concerns } = setUp(clock, marks);
    assert.deepEqual([concerns('vector_store:old'), concerns('vector_store:new')], [false, true]);
    assert.equal(concerns('vector_store:old', asked), true);
    clock.advance(MINUTE);
    assert.equal(concerns('vector_store:new'), false);
  });

  it('are all of which that cannot be told, for stamps were ahead of the clock', () => {
    const clock = new ManualClock();
    const marks = new Marks();
    const ahead = new Stamps(new ManualClock(clock.now() + 2 * 60 * MINUTE));
    marks.add({ condition: { tags: ['vector_store:a'] }, effect: 'purge', stamp: ahead.next() });
    const { stamps, concerns } = setUp(clock, marks);
    stamps.observe(ahead.last);
    clock.advance(MINUTE - 1);
    assert.equal(concerns('vector_store:a'), true);
    clock.advance(1);
    assert.equal(concerns('vector_store:a'), false);
  });

  it('are all after a start that found what was kept damaged', () => {
    const clock = new ManualClock();
    const marks = new Marks();
    const ahead = new Stamps(new ManualClock(clock.now() + 24 * 60 * MINUTE));
    marks.add({ condition: undefined, effect: 'purge', stamp: ahead.next() });
    const { stamps, concerns } = setUp(clock, marks);
    stamps.observe(ahead.last);
    assert.equal(concerns('vector_store:a'), true);
    clock.advance(MINUTE);
    assert.equal(concerns('vector_store:a'), false);
  });

  it('are of no interest once it is closed', () => {
    const { clock, settling, write } = setUp();
    write('vector_store:a');
    settling.close();
    write('vector_store:b');
    assert.equal(clock.pending, 0);
  });
});
