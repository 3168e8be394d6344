import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { unhurried } from '../../src/shared/unhurried.ts';

/** Things of which each takes a while to come by, or undefined in their place. */
function* slow(count: number, ms: number, isMeant = true): Generator<number | undefined> {
  for (let at = 0; at < count; at += 1) {
    const began = performance.now();
    while (performance.now() - began < ms);
    yield isMeant ? at : undefined;
  }
}

/** How many turns others have while `work` is done. */
async function turnsDuring(work: () => Promise<void>): Promise<number> {
  let turns = 0;
  let over = false;
  const others = (async () => {
    for (; !over; turns += 1) await turn();
  })();
  await work();
  over = true;
  await others;
  return turns;
}

describe('a walk that keeps nobody waiting', () => {
  it('visits everything in order but what had only to be looked at', async () => {
    const visited: number[] = [];
    await unhurried([1, undefined, 2, undefined, undefined, 3], (thing) => {
      visited.push(thing);
      return undefined;
    });
    assert.deepEqual(visited, [1, 2, 3]);
  });

  it('ends where it is enough', async () => {
    const visited: number[] = [];
    await unhurried(slow(1_000_000, 0), (thing) => {
      visited.push(thing);
      return thing === 4 ? 'enough' : undefined;
    });
    assert.deepEqual(visited, [0, 1, 2, 3, 4]);
  });

  it('lets others have a turn every millisecond or so, however slow each thing is', async () => {
    const turns = await turnsDuring(() => unhurried(slow(200, 0.2), () => undefined));
    assert.ok(turns >= 20, `${turns} turns in 40 ms`);
    const looking = await turnsDuring(() => unhurried(slow(200, 0.2, false), () => undefined));
    assert.ok(looking >= 20, `${looking} turns in 40 ms`);
  });

  it('rejects where a visit throws', async () => {
    await assert.rejects(
      unhurried([1], () => {
        throw new Error('a defect');
      }),
      /a defect/,
    );
  });
});
