import assert from 'node:assert/strict';
import { it } from 'node:test';
import { orElse, whenThere } from '../../src/shared/soon.ts';

it('what is there is used at once, and what is not when it is', async () => {
  assert.equal(
    whenThere(1, (value) => value + 1),
    2,
  );
  assert.equal(await whenThere(Promise.resolve(1), (value) => value + 1), 2);
});

it('what goes wrong is made good, thrown or rejected', async () => {
  const thrown = () => {
    throw new Error('a');
  };
  const otherwise = (error: unknown) => (error instanceof Error ? error.message : '');
  assert.equal(orElse<string>(thrown, otherwise), 'a');
  assert.equal(await orElse<string>(() => Promise.reject(new Error('b')), otherwise), 'b');
  assert.equal(
    orElse(() => 'c', otherwise),
    'c',
  );
});
