import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

const clear = (plane: ControlPlane, body: object) => plane.ask('/cache/clear', { body });

test('nothing said clears everything, and counts entries and bytes, over many pages', async () => {
  await using plane = await startControlPlane();
  for (let at = 0; at < 2_500; at += 1) plane.shelf.add(`entry ${at}`, { size: at });
  const answer = await clear(plane, {});
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), { cleared: 2_500, freed_bytes: (2_499 * 2_500) / 2 });
  assert.deepEqual(plane.shelf.left(), []);
  assert.deepEqual(plane.dropped, []);
});

test('a type or a namespace clears what is of it, by a purge', async () => {
  await using plane = await startControlPlane();
  plane.shelf.add('a', { namespace: 'eu' });
  plane.shelf.add('b', { type: 'search_results', namespace: 'eu' });
  plane.shelf.add('c');
  assert.deepEqual((await clear(plane, { type: 'products', namespace: 'eu' })).json(), {
    cleared: 1,
    freed_bytes: 100,
  });
  assert.deepEqual((await clear(plane, { namespace: ['eu'] })).json(), { cleared: 1, freed_bytes: 100 });
  assert.deepEqual((await clear(plane, { type: 'products' })).json(), { cleared: 1, freed_bytes: 100 });
  assert.deepEqual(
    plane.shelf.orders.map(({ effect, dryRun }) => [effect, dryRun]),
    Array.from({ length: 3 }, () => ['purge', false]),
  );
});

test('a level alone drops the copies in it, and no entry', async () => {
  await using plane = await startControlPlane();
  plane.shelf.add('a');
  assert.deepEqual((await clear(plane, { level: 'l1' })).json(), { cleared: 3, freed_bytes: 300 });
  assert.deepEqual(plane.dropped, ['l1']);
  assert.equal(plane.shelf.left().length, 1);
  assert.deepEqual(plane.shelf.orders, []);
});

for (const [says, body, message] of [
  ['an unknown level', { level: 'l4' }, /level is "l4": expected l1 or l2/],
  [
    'a level with a type',
    { level: 'l1', type: 'products' },
    /level is "l1": expected no type and no namespace beside it/,
  ],
  ['an unknown type', { type: 'product' }, /the nearest is products/],
  ['a field of another call', { tags: ['a'] }, /"tags" is no field of this call/],
] as const) {
  test(`${says} is 400, and nothing is cleared`, async () => {
    await using plane = await startControlPlane();
    plane.shelf.add('a');
    const answer = await clear(plane, body);
    assert.equal(answer.status, 400);
    assert.match(answer.body.toString().replaceAll('\\"', '"'), message);
    assert.equal(plane.shelf.left().length, 1);
    assert.deepEqual(plane.dropped, []);
  });
}

test('a clear is in the log of invalidations', async () => {
  await using plane = await startControlPlane();
  plane.shelf.add('a');
  await clear(plane, {});
  const { invalidations } = (await plane.ask('/monitoring/invalidations')).json();
  const [told] = invalidations as Record<string, unknown>[];
  assert.deepEqual(told?.condition, {});
  assert.equal(told?.matched, 1);
});
