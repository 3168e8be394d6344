import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTraceparent, traceIdOf } from '../../src/policy/trace.ts';

const ID = '0af7651916cd43dd8448eb211c80319c';

test('the trace id of a traceparent, also of a later version that says more', () => {
  assert.equal(traceIdOf(`00-${ID}-b7ad6b7169203331-01`), ID);
  assert.equal(traceIdOf(`cc-${ID}-b7ad6b7169203331-01`), ID);
  assert.equal(traceIdOf(`cc-${ID}-b7ad6b7169203331-01-what-the-future-will-be-like`), ID);
});

test('what the specification says is to be ignored is', () => {
  for (const traceparent of [
    undefined,
    '',
    ID,
    `ff-${ID}-b7ad6b7169203331-01`,
    `00-${ID}-b7ad6b7169203331-01-more`,
    `00-${ID}-b7ad6b7169203331-01.`,
    `cc-${ID}-b7ad6b7169203331-01.what`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID.toUpperCase()}-b7ad6b7169203331-01`,
    `00-${ID}-b7ad6b7169203331-1`,
    `00-${ID.slice(1)}-b7ad6b7169203331-01`,
    ` 00-${ID}-b7ad6b7169203331-01`,
    `00-${ID}-b7ad6b7169203331-01, 00-${ID}-b7ad6b7169203331-01`,
  ]) {
    assert.equal(traceIdOf(traceparent), undefined, String(traceparent));
  }
});

test('the span and the flags that are known; what a later version means by others is left out', () => {
  const read = readTraceparent(`00-${ID}-b7ad6b7169203331-03`);
  assert.deepEqual(read, { traceId: ID, id: 'b7ad6b7169203331', flags: 3 });
  assert.equal(readTraceparent(`cc-${ID}-b7ad6b7169203331-fe-more`)?.flags, 2);
});
