import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Verifications } from '../../src/policy/verifications.ts';
import { ManualClock } from '../support/clock.ts';

const MINUTE = 60_000;

test('a 2xx verifies a credential in its realm, for a time, and in no other', () => {
  const clock = new ManualClock();
  const known = new Verifications(5 * MINUTE, clock);
  assert.equal(known.holds('a', 'chat gpt'), false);
  known.answered('a', 'chat gpt', 200);
  assert.equal(known.holds('a', 'chat gpt'), true);
  assert.equal(known.holds('a', 'chat other'), false);
  assert.equal(known.holds('b', 'chat gpt'), false);
  clock.advance(5 * MINUTE - 1);
  assert.equal(known.holds('a', 'chat gpt'), true);
  clock.advance(1);
  assert.equal(known.holds('a', 'chat gpt'), false);
});

for (const [status, elsewhere] of [
  [401, false],
  [403, true],
  [404, true],
] as const) {
  test(`${status} ends it, elsewhere too: ${!elsewhere}`, () => {
    const known = new Verifications(MINUTE, new ManualClock());
    known.answered('a', 'one', 200);
    known.answered('a', 'two', 200);
    known.answered('a', 'one', status);
    assert.equal(known.holds('a', 'one'), false);
    assert.equal(known.holds('a', 'two'), elsewhere);
  });
}

test('429 and 5xx say nothing of a credential', () => {
  const known = new Verifications(MINUTE, new ManualClock());
  for (const status of [429, 500, 503, 400, 302]) known.answered('b', 'one', status);
  known.answered('a', 'one', 200);
  for (const status of [429, 500, 503, 400]) known.answered('a', 'one', status);
  assert.deepEqual([known.holds('a', 'one'), known.holds('b', 'one')], [true, false]);
});

test('an answer of which only the credential is known verifies nothing and can end all', () => {
  const known = new Verifications(MINUTE, new ManualClock());
  known.answered('a', 'one', 200);
  known.answered('a', undefined, 200);
  assert.equal(known.holds('a', 'one'), true);
  known.answered('a', undefined, 403);
  assert.equal(known.holds('a', 'one'), true);
  known.answered('a', undefined, 401);
  assert.equal(known.holds('a', 'one'), false);
});

test('of too many credentials, and of too many realms, the oldest is forgotten', () => {
  const known = new Verifications(MINUTE, new ManualClock());
  for (let at = 0; at <= 10_000; at += 1) known.answered(`c${at}`, 'r', 200);
  assert.deepEqual(
    [known.holds('c0', 'r'), known.holds('c1', 'r'), known.holds('c10000', 'r')],
    [false, true, true],
  );
  for (let at = 0; at <= 200; at += 1) known.answered('c10000', `r${at}`, 200);
  assert.deepEqual([known.holds('c10000', 'r1'), known.holds('c10000', 'r200')], [true, true]);
  assert.deepEqual([known.holds('c10000', 'r'), known.holds('c10000', 'r0')], [false, false]);
});
