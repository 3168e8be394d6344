import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, it } from 'node:test';
import { seededRandom } from '../../src/demo/random.ts';
import { Gate, type GateLimits, type Place } from '../../src/upstream/gate.ts';
import { ManualClock } from '../support/clock.ts';

/** A gate, and all that it has told those who came, in order: `in NAME`, `refused NAME`. */
function setUp(limits: Partial<GateLimits> = {}) {
  const clock = new ManualClock();
  const gate = new Gate({ max: 1, queue: 2, waitMs: 1_000, ...limits }, clock);
  const told: string[] = [];
  const come = (name: string): Place =>
    gate.enter({ turn: () => told.push(`in ${name}`), refused: () => told.push(`refused ${name}`) });
  return { clock, gate, told, come };
}

describe('a gate', () => {
  it('lets so many in, the others wait, first come first served', () => {
    const { told, come, gate } = setUp({ max: 2 });
    const [a, b] = ['a', 'b', 'c', 'd'].map(come);
    assert.deepEqual(told, ['in a', 'in b']);
    b?.leave();
    a?.leave();
    assert.deepEqual(told, ['in a', 'in b', 'in c', 'in d']);
    assert.deepEqual([gate.inside, gate.waiting], [2, 0]);
  });

  it('without a bound lets everybody in', () => {
    const { told, come, gate } = setUp({ max: undefined, queue: 0 });
    for (let count = 0; count < 5_000; count += 1) come('x');
    assert.equal(told.length, 5_000);
    assert.equal(gate.full, false);
  });

  it('refuses at once who finds the queue full, and one without a queue who finds no room', () => {
    const { told, come, gate } = setUp();
    for (const name of ['a', 'b', 'c', 'd']) come(name);
    assert.deepEqual(told, ['in a', 'refused d']);
    assert.equal(gate.full, true);
    const none = setUp({ queue: 0 });
    none.come('a').leave();
    none.come('b');
    none.come('c');
    assert.deepEqual(none.told, ['in a', 'in b', 'refused c']);
  });

  it('refuses who has waited too long, and keeps its place for nobody', () => {
    const { clock, told, come, gate } = setUp();
    const a = come('a');
    const b = come('b');
    clock.advance(500);
    come('c');
    assert.equal(gate.delayMs, 500);
    clock.advance(499);
    assert.deepEqual(told, ['in a']);
    clock.advance(1);
    assert.deepEqual(told, ['in a', 'refused b']);
    b.leave();
    a.leave();
    assert.deepEqual(told, ['in a', 'refused b', 'in c']);
    clock.advance(10_000);
    assert.equal(told.length, 3);
    assert.equal(clock.pending, 0);
  });

  it('gives the place of one who leaves to the next, whether it was in or waited, and only once', () => {
    const { clock, told, come, gate } = setUp();
    const a = come('a');
    const b = come('b');
    b.leave();
    b.leave();
    come('c');
    come('d');
    a.leave();
    a.leave();
    assert.deepEqual(told, ['in a', 'in c']);
    assert.deepEqual([gate.inside, gate.waiting, clock.pending], [1, 1, 1]);
  });

  it('takes a queue of any length that leaves as soon as it is let in', () => {
    const length = 100_000;
    const { gate, come } = setUp({ queue: length });
    const first = come('first');
    let left = 0;
    for (let count = 0; count < length; count += 1) {
      gate.enter({
        turn(place) {
          left += 1;
          place.leave();
        },
        refused: () => assert.fail('there is room to wait'),
      });
    }
    first.leave();
    assert.deepEqual([left, gate.inside, gate.waiting], [length, 0, 0]);
  });

  it('one whose turn throws does not close it for the others', () => {
    const { gate, told, come } = setUp();
    const a = come('a');
    const broken = gate.enter({
      turn() {
        throw new Error('a defect');
      },
      refused: () => undefined,
    });
    come('c');
    assert.throws(() => a.leave(), /a defect/);
    broken.leave();
    assert.deepEqual(told, ['in a', 'in c']);
  });

  for (const limits of [
    { max: 1, queue: 0 },
    { max: 1, queue: 1 },
    { max: 3, queue: 5 },
    { max: 8, queue: 100 },
  ]) {
    it(`of ${limits.max} and a queue of ${limits.queue} does as its model through 20,000 random arrivals, ends, departures and waits`, (t) => {
      const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
      t.diagnostic(`SEED=${seed}`);
      const random = seededRandom(seed);
      const { clock, gate, told, come } = setUp(limits);
      const places = new Map<string, Place>();
      // The model: two lists, searched from end to end.
      const inside: string[] = [];
      let waiting: { name: string; since: number }[] = [];
      const expected: string[] = [];
      const admit = () => {
        while (inside.length < limits.max) {
          const next = waiting.shift();
          if (next === undefined) return;
          inside.push(next.name);
          expected.push(`in ${next.name}`);
        }
      };
      for (let step = 0; step < 20_000; step += 1) {
        const dice = random();
        if (dice < 0.5) {
          const name = String(step);
          if (inside.length < limits.max || waiting.length < limits.queue) {
            waiting.push({ name, since: clock.elapsed() });
          } else expected.push(`refused ${name}`);
          admit();
          places.set(name, come(name));
        } else if (dice < 0.95) {
          // Anybody who ever came: in, waiting, or long gone.
          const name = [...places.keys()][Math.floor(random() * places.size)] ?? '';
          if (inside.includes(name)) inside.splice(inside.indexOf(name), 1);
          waiting = waiting.filter((waiter) => waiter.name !== name);
          admit();
          places.get(name)?.leave();
          if (random() < 0.9) places.delete(name);
        } else {
          clock.advance(Math.floor(random() * 400));
          for (const { name, since } of waiting)
            if (clock.elapsed() - since >= 1_000) expected.push(`refused ${name}`);
          waiting = waiting.filter(({ since }) => clock.elapsed() - since < 1_000);
        }
        assert.deepEqual([gate.inside, gate.waiting], [inside.length, waiting.length]);
        assert.equal(clock.pending, waiting.length);
        assert.deepEqual(told.splice(0), expected.splice(0));
      }
    });
  }
});
