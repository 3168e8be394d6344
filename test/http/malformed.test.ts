import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { within } from '../support/deadline.ts';
import { chat } from '../support/http.ts';
import { sendRaw } from '../support/raw.ts';
import { type Stage, setStage } from '../support/stage.ts';

const BODY = JSON.stringify(chat('x'));
const LENGTH = `Content-Length: ${BODY.length}`;
const CHUNKED = 'Transfer-Encoding: chunked';
const CHUNK = `${BODY.length.toString(16)}\r\n${BODY}\r\n`;

/** A request whose framing is what its lines say. */
function request(
  lines: readonly string[],
  body = BODY,
  first = 'POST /v1/chat/completions HTTP/1.1',
): string {
  return [first, 'Host: h', 'Content-Type: application/json', ...lines, '', body].join('\r\n');
}

const get = (...lines: readonly string[]) => ['GET /v1/models HTTP/1.1', ...lines, '', ''].join('\r\n');

/** What a parser behind the proxy could read differently, by what is wrong with it. */
const REFUSED: readonly (readonly [what: string, bytes: string])[] = [
  ['two lengths that differ', request([LENGTH, 'Content-Length: 5'])],
  ['one length twice', request([LENGTH, LENGTH])],
  ['a list of lengths', request([`${LENGTH}, ${BODY.length}`])],
  ['a length and chunks', request([LENGTH, CHUNKED], `${CHUNK}0\r\n\r\n`)],
  ['chunks and a length', request([CHUNKED, LENGTH], `${CHUNK}0\r\n\r\n`)],
  ['a negative length', request(['Content-Length: -1'])],
  ['a length with a sign', request([`Content-Length: +${BODY.length}`])],
  ['a hexadecimal length', request(['Content-Length: 0x10'])],
  ['a length beyond 64 bits', request(['Content-Length: 99999999999999999999999999'])],
  ['an empty length', request(['Content-Length: '])],
  ['a length of words', request(['Content-Length: ten'])],
  ['a length with an underscore for its hyphen', request([LENGTH, 'Content_Length: 5'])],
  ['chunks with an underscore for its hyphen', request([LENGTH, 'Transfer_Encoding: chunked'])],
  ['a coding nobody knows', request(['Transfer-Encoding: xchunked', LENGTH])],
  ['identity as transfer coding', request(['Transfer-Encoding: identity', LENGTH])],
  ['chunks that are not the last coding', request(['Transfer-Encoding: chunked, gzip'], `${CHUNK}0\r\n\r\n`)],
  ['chunks twice', request(['Transfer-Encoding: chunked, identity', LENGTH], `${CHUNK}0\r\n\r\n`)],
  ['chunks in HTTP/1.0', request([CHUNKED], `${CHUNK}0\r\n\r\n`, 'POST /v1/chat/completions HTTP/1.0')],
  ['a space before the colon', request(['Content-Length : 5'])],
  ['a chunk size with a sign', request([CHUNKED], `+${CHUNK}0\r\n\r\n`)],
  ['a chunk size with a prefix', request([CHUNKED], `0x${CHUNK}0\r\n\r\n`)],
  ['a chunk size with an underscore', request([CHUNKED], `0_${CHUNK}0\r\n\r\n`)],
  ['a negative chunk size', request([CHUNKED], '-1\r\nx\r\n0\r\n\r\n')],
  ['a chunk size beyond 64 bits', request([CHUNKED], `FFFFFFFFFFFFFFFFF\r\n${BODY}`)],
  ['a chunk larger than it says', request([CHUNKED], '2\r\nabcdef\r\n0\r\n\r\n')],
  [
    'a chunk extension without a name',
    request([CHUNKED], `${BODY.length.toString(16)};\r\n${BODY}\r\n0\r\n\r\n`),
  ],
  ['chunk extensions without end', request([CHUNKED], `1;${'a'.repeat(70_000)}\r\nx\r\n0\r\n\r\n`)],
  ['a bare LF after a chunk size', request([CHUNKED], `${BODY.length.toString(16)}\n${BODY}\r\n0\r\n\r\n`)],
  ['a length among the trailers', request([CHUNKED], `${CHUNK}0\r\nContent-Length: 5\r\n\r\n`)],
  ['a bare LF after the request line', 'GET /v1/models HTTP/1.1\nHost: h\r\n\r\n'],
  ['a bare LF after a header', 'GET /v1/models HTTP/1.1\r\nHost: h\nX: y\r\n\r\n'],
  ['a bare CR in a header', get('Host: h', 'X: a\rY: b')],
  ['a folded header', get('Host: h', 'X: a', ' b')],
  ['a header before the first', get(' Host: h')],
  ['a header without a name', get('Host: h', ': x')],
  ['a header without a colon', get('Host: h', 'X')],
  ['a header name with a space', get('Host: h', 'X Y: z')],
  ['a header that every object has', get('Host: h', '__proto__: x')],
  ['a header that every object is made by', get('Host: h', 'Constructor: x')],
  ['a NUL in a header', get('Host: h', 'X: a\0b')],
  ['a control character in a header', get('Host: h', 'X: a\x01b')],
  ['no Host', get()],
  ['two Hosts', get('Host: h', 'Host: other')],
  ['one Host twice', get('Host: h', 'Host: h')],
  ['a list of Hosts', get('Host: h, other')],
  ['an empty Host', get('Host: ')],
  ['a Host with user information', get('Host: user@h')],
  ['a Host with a path', get('Host: h/v1')],
  ['a Host with a space', get('Host: a b')],
  ['a Host with a port of words', get('Host: h:http')],
  ['an absolute target', 'GET http://elsewhere/v1/models HTTP/1.1\r\nHost: elsewhere\r\n\r\n'],
  ['an asterisk for a target', 'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n'],
  ['a method nobody knows', 'BREW /v1/models HTTP/1.1\r\nHost: h\r\n\r\n'],
  ['a method in lower case', 'get /v1/models HTTP/1.1\r\nHost: h\r\n\r\n'],
  ['a version nobody knows', 'GET /v1/models HTTP/1.2\r\nHost: h\r\n\r\n'],
  ['HTTP/2 without being asked', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['TLS in the clear', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'],
  ['connection that names Host', get('Host: h', 'Connection: host')],
  ['connection that names the length', request([LENGTH, 'Connection: keep-alive, content-length'])],
  ['connection that names the type', request([LENGTH, 'Connection: Content-Type'])],
];

describe('what could be read in two ways', () => {
  let stage: Stage;
  before(async () => {
    stage = await setStage();
  });
  after(() => stage[Symbol.asyncDispose]());

  for (const [what, bytes] of REFUSED) {
    it(`${what}: 400 in the shape of our errors, and nothing reaches the upstream`, async () => {
      const before = stage.upstream.calls.length;
      const answer = await sendRaw(stage.reprise.url, bytes);
      assert.deepEqual(answer.statuses, [400], answer.text);
      assert.equal(answer.json().error?.code, 'invalid_request');
      assert.equal(answer.json().error?.type, 'reprise_error');
      assert.match(answer.text, /^connection: close\r$/im);
      assert.match(answer.text, /^content-type: application\/json\r$/m);
      assert.equal(stage.upstream.calls.length, before);
    });
  }

  it('a malformed upload that is passed through is answered likewise, and its call upstream ends', async () => {
    const answer = await sendRaw(
      stage.reprise.url,
      request([CHUNKED], '2\r\nabcdef\r\n', 'POST /v1/files HTTP/1.1'),
    );
    assert.deepEqual(answer.statuses, [400]);
    assert.equal(stage.upstream.count('/files'), 0);
  });

  for (const [what, bytes] of [
    ['a header', get('Host: h', `X: ${'a'.repeat(40_000)}`)],
    ['a header name', get('Host: h', `${'a'.repeat(40_000)}: x`)],
    ['a target', `GET /v1/${'a'.repeat(40_000)} HTTP/1.1\r\nHost: h\r\n\r\n`],
    ['a list of headers', get('Host: h', ...Array.from({ length: 5_000 }, () => 'name: value'))],
  ] as const) {
    it(`${what} too large: 431`, async () => {
      const answer = await sendRaw(stage.reprise.url, bytes);
      assert.deepEqual(answer.statuses, [431]);
      assert.equal(answer.json().error?.code, 'invalid_request');
    });
  }

  for (const first of ['TRACE /v1/models HTTP/1.1', 'CONNECT elsewhere:443 HTTP/1.1']) {
    it(`${first}: 405`, async () => {
      const answer = await sendRaw(stage.reprise.url, `${first}\r\nHost: h\r\nConnection: close\r\n\r\n`);
      assert.deepEqual(answer.statuses, [405]);
      assert.equal(answer.json().error?.code, 'method_not_allowed');
    });
  }

  it('garbage behind a request that is being answered is not taken for its answer', async () => {
    const gate = stage.upstream.hold();
    const sent = sendRaw(stage.reprise.url, `${get('Host: h', 'Authorization: a')}garbage\r\n\r\n`);
    const answer = await within(sent, 'the end');
    gate.release();
    assert.deepEqual(answer.statuses, []);
  });

  it('garbage behind a request that has been answered gets its own answer', async () => {
    const answer = await sendRaw(stage.reprise.url, get('Host: h'), 'garbage\r\n\r\n');
    assert.deepEqual(answer.statuses, [200, 400]);
  });

  it('an expectation nobody knows is not forwarded and stands in nobody’s way', async () => {
    const answer = await sendRaw(stage.reprise.url, get('Host: h', 'Expect: tea', 'Connection: close'));
    assert.deepEqual(answer.statuses, [200]);
    assert.ok(stage.upstream.calls.every(({ headers }) => headers.expect === undefined));
  });

  for (const host of ['h', 'h:8787', 'example.com:', '127.0.0.1:80', '[::1]:8787', 'my_service.local']) {
    it(`${host} is a Host`, async () => {
      const answer = await sendRaw(stage.reprise.url, get(`Host: ${host}`, 'Connection: close'));
      assert.deepEqual(answer.statuses, [200]);
    });
  }

  it('HTTP/1.0 needs no Host', async () => {
    const answer = await sendRaw(stage.reprise.url, 'GET /v1/models HTTP/1.0\r\n\r\n');
    assert.deepEqual(answer.statuses, [200]);
  });

  it('nor does it at the control plane', async () => {
    const answer = await sendRaw(stage.reprise.url, 'GET /health/live HTTP/1.0\r\n\r\n');
    assert.deepEqual(answer.statuses, [200]);
    const refused = await sendRaw(stage.reprise.url, 'GET /monitoring/nowhere HTTP/1.0\r\n\r\n');
    assert.deepEqual(refused.statuses, [404]);
  });

  it('what is no Host is told of at the control plane too', async () => {
    const asked = 'GET /health/live HTTP/1.1\r\nHost: h:99999\r\nConnection: close\r\n\r\n';
    const answer = await sendRaw(stage.reprise.url, asked);
    assert.deepEqual(answer.statuses, [400]);
    assert.match(answer.text, /"param":"host"/);
  });

  it('a head of 3,000 headers loses none of them', async () => {
    const lines = Array.from({ length: 3_000 }, (_, at) => `a${at % 7}: b`);
    const last = 'X-Cache-Namespace: the-last';
    const answer = await sendRaw(stage.reprise.url, get('Host: h', ...lines, last, 'Connection: close'));
    assert.match(answer.text, /^x-cache-key: models\/the-last\//m);
  });

  it('after all of it the proxy still answers, and has stored nothing of it', async () => {
    const answer = await stage.ask('/v1/chat/completions', {
      body: BODY,
      headers: { authorization: undefined, 'content-type': 'application/json' },
    });
    assert.equal(answer.headers.get('x-cache'), 'MISS');
    assert.equal((await stage.ask('/health/live')).status, 200);
  });
});
