import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Peer } from '../../src/cache/bus.ts';
import { Peers } from '../../src/cache/peers.ts';
import { ManualClock } from '../support/clock.ts';

const peer = (id: string): Peer => ({ id, name: `host-${id}`, version: '1.0.0', wire: 1 });
const never = new Promise<void>(() => {});

test('an announcement is through when all have applied it, and a reception says who has', async () => {
  const peers = new Peers(peer('self'), new ManualClock());
  peers.see(['self', 'a', 'b'].map(peer));
  assert.deepEqual(
    peers.all.map(({ id }) => id),
    ['self', 'a', 'b'],
  );
  peers.hear('a', 7);
  peers.hear('unknown', 9);
  assert.deepEqual(peers.reception(7), { shared: true, acknowledged: ['host-a'], missing: ['host-b'] });
  assert.deepEqual(peers.reception(undefined), {
    shared: false,
    acknowledged: [],
    missing: ['host-a', 'host-b'],
  });
  const all = peers.haveApplied(7, never);
  peers.hear('b', 8);
  peers.hear('self', 7);
  assert.equal(await all, false);
  assert.equal(await peers.haveApplied(9, Promise.resolve()), true);
});

test('who says nothing is missed for a while, and who says that it leaves is not', async () => {
  const clock = new ManualClock();
  const peers = new Peers(peer('self'), clock);
  peers.see(['a', 'b'].map(peer));
  clock.advance(4_000);
  // As from a Redis that came back empty.
  peers.see([]);
  assert.equal(peers.all.length, 3);
  peers.hear('self', 5);
  const through = peers.haveApplied(5, never);
  peers.hear('a', 5);
  peers.leave('b');
  assert.equal(await through, false);
  clock.advance(2_000);
  peers.see([]);
  assert.deepEqual(peers.all, [peer('self')]);
});
