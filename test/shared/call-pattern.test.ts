import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCallPattern } from '../../src/shared/call-pattern.ts';

for (const [pattern, method, path, expected] of [
  ['GET /v1/files/*', 'GET', '/v1/files/f1', true],
  ['GET /v1/files/*', 'DELETE', '/v1/files/f1', false],
  ['GET /v1/files/*', 'GET', '/v1/files/f1/content', false],
  ['GET /v1/files/**', 'GET', '/v1/files/f1/content', true],
  ['* /v1/files', 'DELETE', '/v1/files', true],
  ['GET /v1/files/*', 'GET', '/v1/files/f1%2Fcontent', false],
  ['GET /v1/files/a b', 'GET', '/v1/files/a%20b', false],
  ['GET /v1/files/ä', 'GET', '/v1/files/%C3%A4', true],
  ['GET /v1/**', 'GET', '/v1/%FF', false],
] as const) {
  test(`${pattern} ${expected ? 'covers' : 'does not cover'} ${method} ${path}`, () => {
    assert.equal(parseCallPattern(pattern)?.(method, path) ?? false, expected);
  });
}

test('what names no method and no path is no pattern of calls', () => {
  for (const wrong of ['', '/v1', 'GET', 'GET v1', 'get /v1', 'GET  /v1', 'GET /v1/{a', 'GET /a /b']) {
    assert.equal(parseCallPattern(wrong), undefined, wrong);
  }
});
