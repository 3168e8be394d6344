import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CREDENTIAL_HEADERS } from '../../src/openai/credential-headers.ts';
import { AdminToken, TOKEN_PATTERN } from '../../src/policy/admin-token.ts';

const SECRET = 'correct-horse-battery';
const token = new AdminToken(SECRET);

test('a token is itself and nothing else, of whatever length', () => {
  assert.equal(token.is(SECRET), true);
  for (const other of [
    '',
    'c',
    SECRET.slice(1),
    `${SECRET}x`,
    SECRET.toUpperCase(),
    'x'.repeat(SECRET.length),
  ]) {
    assert.equal(token.is(other), false, other);
  }
});

test('it is found in every header that says who asks, alone, behind a scheme, and among others', () => {
  const carried = (name: string, value: string) =>
    token.carriedBy((asked) => (asked === name ? value : undefined));
  for (const name of CREDENTIAL_HEADERS) {
    for (const value of [
      SECRET,
      `Bearer ${SECRET}`,
      `bearer  ${SECRET} `,
      `Bearer sk-x, Bearer ${SECRET}`,
      `${SECRET},x`,
      `Bearer "${SECRET}"`,
      `Token token=${SECRET}`,
    ]) {
      assert.equal(carried(name, value), true, `${name}: ${value}`);
    }
    for (const value of ['', 'Bearer sk-x', `${SECRET}x`, `x${SECRET}`, 'x'.repeat(30_000)]) {
      assert.equal(carried(name, value), false, `${name}: ${value.slice(0, 40)}`);
    }
  }
  const offered = `realtime, openai-insecure-api-key.${SECRET}, openai-beta.realtime-v1`;
  assert.equal(carried('sec-websocket-protocol', offered), true);
  assert.equal(carried('sec-websocket-protocol', 'realtime'), false);
  assert.equal(carried('user-agent', SECRET), false);
});

test('nothing of it is shown where it is logged or serialized', () => {
  assert.ok(!JSON.stringify(token).includes(SECRET));
  assert.ok(!String(token).includes(SECRET));
});

test('a token has 16 characters or more, all visible', () => {
  for (const good of ['x'.repeat(16), 'a-b_c.d~e+f/g=hh', `!"#$%&'()*+-./:;<`, 'x'.repeat(1_000)]) {
    assert.ok(TOKEN_PATTERN.test(good), good);
  }
  for (const bad of [
    '',
    'x'.repeat(15),
    'correct horse battery',
    'sixteen,letters,',
    'äöüäöüäöüäöüäöüäöü',
    `${'x'.repeat(16)}\n`,
  ]) {
    assert.ok(!TOKEN_PATTERN.test(bad), bad);
  }
});
