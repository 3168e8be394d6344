import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { RepriseError } from '../../src/shared/errors.ts';
import { createUpstreamClient, type UpstreamCall } from '../../src/upstream/client.ts';
import { failureOf } from '../../src/upstream/failure.ts';
import { within } from '../support/deadline.ts';
import { LOCALHOST } from '../support/upstream/certificate.ts';
import { cutAfterHead, cutBeforeHead, silent } from '../support/upstream/faults.ts';
import { listening } from '../support/upstream/listening.ts';
import { callTo, collect } from '../support/upstream/sink.ts';
import { startUpstream } from '../support/upstream.ts';

/** What a call fails with whose upstream is waited for only so many milliseconds. */
async function failureOfCall(call: UpstreamCall, ms = 5_000): Promise<RepriseError> {
  const client = createUpstreamClient({ connect: ms, headers: ms, idle: ms }, {});
  const told = collect(client, call);
  try {
    await within(told.done, 'the error', 10_000);
  } finally {
    await client.close();
  }
  assert.ok(told.error !== undefined, `an answer of ${told.status}`);
  assert.equal(told.events.filter((event) => event === 'error').length, 1);
  return told.error;
}

describe('a failed call says which upstream, what happened and what to do', () => {
  it('when nothing listens there', async () => {
    const { code, status, message } = await failureOfCall(callTo('http://127.0.0.1:9'));
    assert.deepEqual([code, status], ['upstream_unreachable', 502]);
    assert.equal(
      message,
      'The upstream http://127.0.0.1:9 cannot be reached: nothing listens there. Check that it runs and that the setting base_url is right.',
    );
  });

  it('when nobody knows its name', async () => {
    const { code, message } = await failureOfCall(callTo('http://nowhere.invalid'));
    assert.equal(code, 'upstream_unreachable');
    assert.match(message, /its host name is unknown|the name service does not answer/);
  });

  it('when it closes the connection before it has answered', async () => {
    await using upstream = await startUpstream();
    upstream.answer(cutBeforeHead);
    const { code, message } = await failureOfCall(callTo(upstream.origin));
    assert.equal(code, 'upstream_unreachable');
    assert.match(message, /cannot be reached: it closed the connection before it answered\./);
  });

  it('when it breaks off its answer', async () => {
    await using upstream = await startUpstream();
    upstream.answer(cutAfterHead);
    const { code, message } = await failureOfCall(callTo(upstream.origin));
    assert.equal(code, 'upstream_unreachable');
    assert.match(message, /broke off its answer before it was complete \(\w+\)\.$/);
  });

  it('when its certificate is signed by nobody', async () => {
    using server = await listening(createTlsServer(LOCALHOST));
    const { code, message } = await failureOfCall(callTo(`https://localhost:${server.port}`));
    assert.equal(code, 'upstream_unreachable');
    assert.match(message, /cannot be reached: its certificate is self-signed\./);
  });

  for (const [what, greeting] of [
    ['another protocol', 'SSH-2.0-OpenSSH\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}`],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    ],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['nothing', ''],
  ] as const) {
    it(`when it speaks ${what}`, async () => {
      using server = await listening(
        createServer((socket) => void socket.on('data', () => socket.end(greeting))),
      );
      const { code, message } = await failureOfCall(callTo(`http://127.0.0.1:${server.port}`));
      assert.equal(code, 'upstream_unreachable');
      assert.match(message, new RegExp(`127\\.0\\.0\\.1:${server.port}`));
    });
  }

  for (const [what, body] of [
    ['a chunk shorter than it says', 'transfer-encoding: chunked\r\n\r\n5\r\nab'],
    ['a chunk without a length', 'transfer-encoding: chunked\r\n\r\nxyz\r\nab\r\n'],
    ['less than its length', 'content-length: 5\r\n\r\nab'],
  ] as const) {
    it(`when its answer is ${what}`, async () => {
      using server = await listening(
        createServer((socket) => void socket.on('data', () => socket.end(`HTTP/1.1 200 OK\r\n${body}`))),
      );
      const { code, message } = await failureOfCall(callTo(`http://127.0.0.1:${server.port}`));
      assert.equal(code, 'upstream_unreachable');
      assert.match(message, /broke off its answer before it was complete/);
    });
  }
});

describe('a call that takes too long is 504 upstream_timeout', () => {
  it('when the connection does not come to stand', async () => {
    // Takes the connection and never answers the greeting of TLS.
    using server = await listening(createServer());
    const { code, status, message } = await failureOfCall(callTo(`https://127.0.0.1:${server.port}`), 50);
    assert.deepEqual([code, status], ['upstream_timeout', 504]);
    assert.match(message, /did not answer in time\. Its waiting times are the settings upstreams/);
  });

  it('when no answer begins', async () => {
    await using upstream = await startUpstream();
    upstream.answer(silent);
    const { code, message } = await failureOfCall(callTo(upstream.origin), 50);
    assert.equal(code, 'upstream_timeout');
    assert.match(message, /did not answer in time\./);
  });

  it('when an answer stops', async () => {
    await using upstream = await startUpstream();
    upstream.answer((_request, response) => void response.writeHead(200).write('a'));
    const { code, message } = await failureOfCall(callTo(upstream.origin), 50);
    assert.equal(code, 'upstream_timeout');
    assert.match(message, /sent nothing more for too long\./);
  });
});

describe("a call that cannot be sent is 400 invalid_request: the request's own fault", () => {
  for (const [what, more] of [
    ['a header that may not be sent', { headers: ['x-a', 'a\nb'] }],
    ['a header name that is none', { headers: ['x a', 'b'] }],
    ['a path with a blank', { path: '/v1/a b' }],
    ['a length that is none', { headers: ['content-length', 'x'] }],
    ['a body longer than it says', { headers: ['content-length', '1'] }],
    [
      'a stream shorter than it says',
      { headers: ['content-length', '9'], body: Readable.from([Buffer.from('ab')]) },
    ],
  ] as const) {
    it(`for ${what}`, async () => {
      await using upstream = await startUpstream();
      const call = callTo(upstream.origin, {
        ...more,
        headers: [...('headers' in more ? more.headers : [])],
      });
      const { code, status } = await failureOfCall(call);
      assert.deepEqual([code, status], ['invalid_request', 400]);
      assert.equal(upstream.count(), 0);
    });
  }
});

describe('a failure is read from whatever was thrown', () => {
  const coded = (code: string) => Object.assign(new Error('secret'), { code });
  for (const [what, thrown, reason] of [
    [
      'of several addresses tried, the first',
      new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')]),
      /nothing listens there/,
    ],
    [
      'the cause of an error without a code',
      new TypeError('secret', { cause: coded('EHOSTUNREACH') }),
      /there is no way to its host/,
    ],
    ['a code that nobody foresaw', coded('ESTRANGE'), /cannot be reached: ESTRANGE\./],
    ['an error without a code', new RangeError('secret'), /cannot be reached: RangeError\./],
    ['what is no error', 'secret', /cannot be reached: unknown error\./],
    ['no error at all', new AggregateError([]), /cannot be reached: AggregateError\./],
  ] as const) {
    it(what, () => {
      const error = failureOf(thrown, 'http://host', 'before-answer');
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /secret/);
      assert.equal(error.cause, thrown);
    });
  }

  it('whichever timer ran out', () => {
    for (const code of [
      'UND_ERR_CONNECT_TIMEOUT',
      'UND_ERR_HEADERS_TIMEOUT',
      'UND_ERR_BODY_TIMEOUT',
      'ETIMEDOUT',
    ])
      for (const stage of ['before-answer', 'in-answer'] as const)
        assert.equal(failureOf(coded(code), 'http://host', stage).code, 'upstream_timeout');
  });
});
