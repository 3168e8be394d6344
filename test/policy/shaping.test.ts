import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CREDENTIAL_HEADERS } from '../../src/openai/credential-headers.ts';
import { DIALECTS } from '../../src/openai/dialect.ts';
import { type Header, shapingHeaders } from '../../src/policy/shaping.ts';

function namesOf(headers: readonly Header[]): string[] {
  return headers.map(([name]) => name);
}

function each(names: readonly string[]): Header[] {
  return names.map((name) => [name, 'x']);
}

test('who asks, how, and through which proxies shapes no answer, in any dialect', () => {
  const inert = each([
    ...CREDENTIAL_HEADERS,
    ...['host', 'connection', 'te', 'expect', 'date', 'content-length', 'content-type', 'transfer-encoding'],
    ...['user-agent', 'accept', 'accept-encoding', 'accept-language', 'sec-fetch-mode', 'sec-ch-ua', 'dnt'],
    ...[
      'x-stainless-lang',
      'x-stainless-retry-count',
      'x-fern-runtime',
      'x-cache-ttl',
      'x-cache-tags',
      'cache-control',
    ],
    ...['x-request-id', 'x-client-request-id', 'x-ms-client-request-id', 'idempotency-key'],
    ...['traceparent', 'tracestate', 'x-b3-traceid', 'sentry-trace', 'x-datadog-trace-id'],
    ...[
      'forwarded',
      'x-forwarded-for',
      'via',
      'x-real-ip',
      'cf-connecting-ip',
      'cf-ray',
      'origin',
      'referer',
    ],
  ]);
  for (const dialect of DIALECTS) assert.deepEqual(shapingHeaders(dialect, inert), [], dialect);
});

test('with OpenAI and Azure only what they document shapes an answer', () => {
  const headers = each([
    'x-ms-oai-deployment',
    'x-tenant',
    'openai-beta',
    'cookie',
    'openai-version',
    'openai-project',
    'x-ms-useragent',
    'extra-parameters',
    'azureml-model-deployment',
    'x-ms-',
    'xopenai-beta',
  ]);
  const documented = [
    'azureml-model-deployment',
    'extra-parameters',
    'openai-beta',
    'openai-version',
    'x-ms-oai-deployment',
  ];
  assert.deepEqual(namesOf(shapingHeaders('openai', headers)), documented);
  assert.deepEqual(namesOf(shapingHeaders('azure', headers)), documented);
});

test('with any other server every header shapes that is not known to be inert, cookies too', () => {
  const headers = each([
    'x-tenant',
    'openai-beta',
    'cookie',
    'anthropic-version',
    'user-agent',
    'if-none-match',
  ]);
  for (const dialect of DIALECTS.filter((name) => name !== 'openai' && name !== 'azure')) {
    assert.deepEqual(
      namesOf(shapingHeaders(dialect, headers)),
      ['anthropic-version', 'cookie', 'if-none-match', 'openai-beta', 'x-tenant'],
      dialect,
    );
  }
});

test('names are sorted and the lines of one name keep their order', () => {
  const headers: Header[] = [
    ['x-b', '2'],
    ['x-a', 'z'],
    ['x-b', '1'],
    ['x-a', 'a'],
  ];
  assert.deepEqual(shapingHeaders('generic', headers), [
    ['x-a', 'z'],
    ['x-a', 'a'],
    ['x-b', '2'],
    ['x-b', '1'],
  ]);
});
