import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Lineage } from '../../src/policy/lineage.ts';
import { ANONYMOUS } from '../../src/policy/scope.ts';
import { UNKNOWN } from '../../src/policy/told.ts';
import { ManualClock } from '../support/clock.ts';
import { inherited } from '../support/lineage.ts';

const MINUTE = 60_000;
const OWNERS = ['me', 'you', ANONYMOUS];
const TRACES = ['a', 'b', 'c', 'd'];

/** Something that a trace is told, and how long nothing happens after it. */
const note = fc.record({
  owner: fc.constantFrom(...OWNERS),
  id: fc.constantFrom(...TRACES),
  tags: fc.oneof(
    { weight: 9, arbitrary: fc.subarray(['product:1', 'product:2', 'product:3']) },
    { weight: 1, arbitrary: fc.constant(Array.from({ length: 257 }, (_, at) => `tag:${at}`)) },
  ),
  stamp: fc.nat({ max: 9 }),
  pass: fc.constantFrom(0, 1, 10_000, 2 * MINUTE, 9 * MINUTE),
});
type Note = typeof note extends fc.Arbitrary<infer T> ? T : never;

function take(lineage: Lineage, clock: ManualClock, { owner, id, tags, stamp, pass }: Note): void {
  lineage.note(
    owner,
    id,
    tags.map((tag) => [tag, stamp]),
  );
  clock.advance(pass);
}

function sorted(told: ReturnType<typeof inherited>): unknown {
  return told === 'too-many' ? told : [...told].sort();
}

describe('what the calls of a trace pass on', () => {
  it('is the tags of what was fetched or hit before, with the stamp each came with', () => {
    const lineage = new Lineage(new ManualClock());
    assert.deepEqual(inherited(lineage, 'me', 't'), []);
    lineage.note('me', 't', [['product:1', 5]]);
    lineage.note('me', 't', [
      ['product:2', 7],
      ['collection:a', 7],
    ]);
    assert.deepEqual(inherited(lineage, 'me', 't'), [
      ['product:1', 5],
      ['product:2', 7],
      ['collection:a', 7],
    ]);
  });

  it('is of the same tag the oldest stamp, whatever the order they came in', () => {
    const lineage = new Lineage(new ManualClock());
    for (const stamp of [7, 9, 5, 8]) lineage.note('me', 't', [['product:1', stamp]]);
    assert.deepEqual(inherited(lineage, 'me', 't'), [['product:1', 5]]);
  });

  it('is nothing of another trace, nor of another owner with a trace of the same name', () => {
    const lineage = new Lineage(new ManualClock());
    lineage.note('me', 't', [['product:1', 5]]);
    lineage.note('m', 'et', [['product:2', 5]]);
    assert.deepEqual(inherited(lineage, 'you', 't'), []);
    assert.deepEqual(inherited(lineage, 'me', 'u'), []);
    assert.deepEqual(inherited(lineage, 'm', 'et'), [['product:2', 5]]);
  });

  it('is also what was asked for without a credential in a trace of its name, but not the other way round', () => {
    const lineage = new Lineage(new ManualClock());
    lineage.note(ANONYMOUS, 't', [
      ['product:1', 5],
      ['product:2', 6],
    ]);
    lineage.note('me', 't', [
      ['product:2', 4],
      ['product:3', 7],
    ]);
    assert.deepEqual(
      new Map(inherited(lineage, 'me', 't') as [string, number][]),
      new Map([
        ['product:2', 4],
        ['product:3', 7],
        ['product:1', 5],
      ]),
    );
    assert.deepEqual(inherited(lineage, 'you', 't'), [
      ['product:1', 5],
      ['product:2', 6],
    ]);
    assert.deepEqual(inherited(lineage, ANONYMOUS, 't'), [
      ['product:1', 5],
      ['product:2', 6],
    ]);
  });

  it('is for ten minutes', () => {
    const clock = new ManualClock();
    const lineage = new Lineage(clock);
    lineage.note('me', 't', [['product:1', 5]]);
    clock.advance(10 * MINUTE - 1);
    assert.deepEqual(inherited(lineage, 'me', 't'), [['product:1', 5]]);
    clock.advance(MINUTE);
    assert.deepEqual(inherited(lineage, 'me', 't'), []);
  });

  it('is an old stamp only as long as what had it may be remembered, also in a trace that goes on', () => {
    const clock = new ManualClock();
    const lineage = new Lineage(clock);
    lineage.note('me', 't', [['product:1', 5]]);
    for (let minute = 1; minute <= 30; minute += 1) {
      clock.advance(MINUTE);
      lineage.note('me', 't', [['product:1', 100 + minute]]);
      const [[, stamp = 0] = []] = inherited(lineage, 'me', 't');
      const oldest = minute < 10 ? 5 : 100 + minute - 10;
      assert.ok(stamp === oldest || stamp === oldest + 1 || stamp === 5, `${stamp} at minute ${minute}`);
      assert.ok(minute < 11 || stamp > 5, `5 at minute ${minute}`);
    }
  });
});

describe('what is kept of it', () => {
  it('goes on in another process as if there had been none', () => {
    fc.assert(
      fc.property(fc.array(note, { maxLength: 40 }), fc.array(note, { maxLength: 10 }), (notes, later) => {
        const limits = { traces: 3, bytes: 1e9 };
        const [clock, other] = [new ManualClock(), new ManualClock()];
        const lineage = new Lineage(clock, limits);
        for (const each of notes) take(lineage, clock, each);
        const next = new Lineage(other, limits);
        other.advance(clock.elapsed());
        assert.ok(next.restore(JSON.parse(JSON.stringify([...lineage.records()]))));
        for (const each of [...later, { owner: 'me', id: 'a', tags: [], stamp: 0, pass: 4 * MINUTE }]) {
          take(lineage, clock, each);
          take(next, other, each);
          for (const owner of OWNERS) {
            for (const id of TRACES) {
              const [known, told] = [lineage, next].map((one) => sorted(inherited(one, owner, id)));
              assert.deepEqual(told, known, `${owner} in ${id}`);
            }
          }
        }
      }),
    );
  });

  it('is nothing that it did not give itself', () => {
    for (const records of [[], [1], [[2, 0]], ['text'], [{ version: 1 }]])
      assert.equal(new Lineage(new ManualClock()).restore(records), false);
  });
});

describe('where not all is known, nothing is said to be', () => {
  it('a trace with more tags than an entry may have overflows, for ten minutes', () => {
    const clock = new ManualClock();
    const lineage = new Lineage(clock);
    const tags = (count: number) => Array.from({ length: count }, (_, at) => [`tag:${at}`, 1] as const);
    lineage.note('me', 't', tags(256));
    assert.equal(inherited(lineage, 'me', 't').length, 256);
    lineage.note('me', 't', tags(257));
    assert.equal(inherited(lineage, 'me', 't'), 'too-many');
    clock.advance(11 * MINUTE);
    assert.deepEqual(inherited(lineage, 'me', 't'), []);
    lineage.note('me', 't', [['tag:1000', 2]]);
    assert.deepEqual(inherited(lineage, 'me', 't'), [['tag:1000', 2]]);
  });

  it('a trace that was told something of which not all is known, for ten minutes, also in another process', () => {
    const clock = new ManualClock();
    const lineage = new Lineage(clock);
    lineage.note('me', 't', [['product:1', 5], UNKNOWN]);
    assert.equal(inherited(lineage, 'me', 't'), 'too-many');
    assert.deepEqual(lineage.inherited('me', 't').tags, [['product:1', 5]]);
    assert.deepEqual(inherited(lineage, 'me', 'u'), []);
    const next = new Lineage(clock);
    assert.ok(next.restore(JSON.parse(JSON.stringify([...lineage.records()]))));
    clock.advance(10 * MINUTE - 1);
    for (const each of [lineage, next]) assert.equal(inherited(each, 'me', 't'), 'too-many');
    clock.advance(MINUTE);
    for (const each of [lineage, next]) assert.deepEqual(inherited(each, 'me', 't'), []);
  });

  it('tags that have had their time make room', () => {
    const clock = new ManualClock();
    const lineage = new Lineage(clock);
    for (let round = 0; round < 40; round += 1) {
      lineage.note(
        'me',
        't',
        Array.from({ length: 20 }, (_, at) => [`tag:${round}:${at}`, round]),
      );
      clock.advance(MINUTE);
      assert.notEqual(inherited(lineage, 'me', 't'), 'too-many');
    }
  });

  for (const [what, limits] of [
    ['number', { traces: 3, bytes: 1e9 }],
    ['bytes', { traces: 1e9, bytes: 3_400 }],
  ] as const) {
    it(`beyond its ${what} the oldest traces are forgotten, and any that is not known may be one of these`, () => {
      const clock = new ManualClock();
      const lineage = new Lineage(clock, limits);
      const note = (id: string) => lineage.note('me', id, [['product:1', 5]]);
      for (const id of ['a', 'b', 'c', 'a', 'd']) note(id);
      assert.equal(inherited(lineage, 'me', 'b'), 'too-many');
      assert.equal(inherited(lineage, 'me', 'never'), 'too-many');
      assert.deepEqual(inherited(lineage, 'me', 'a'), [['product:1', 5]]);
      assert.deepEqual(inherited(lineage, 'you', 'a'), []);
      note('b');
      assert.equal(inherited(lineage, 'me', 'b'), 'too-many');
      clock.advance(11 * MINUTE);
      assert.deepEqual(inherited(lineage, 'me', 'b'), []);
      note('b');
      assert.deepEqual(inherited(lineage, 'me', 'b'), [['product:1', 5]]);
    });
  }
});
