import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { it } from 'node:test';
import { type OpenRequest as Request, readBody, readHead } from '../../src/http/request.ts';
import { within } from '../support/deadline.ts';

/** What `read` gives for the one request that `client` sends, on a connection that stays open until it is told. */
async function received<T>(
  client: (socket: Socket) => void,
  read: (request: Request) => T | Promise<T>,
): Promise<T> {
  const done = Promise.withResolvers<T>();
  const server = createServer((incoming, response) => {
    // In the event itself, as the listener does: no byte of the body is lost.
    const reading = (async () => await read(readHead(incoming)))();
    void reading.then(done.resolve, done.reject).finally(() => response.destroy());
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address();
  assert(typeof address === 'object' && address !== null);
  const socket = connect(address.port, '127.0.0.1');
  // The server cuts the connection when it has read what it wants.
  socket.on('error', () => socket.destroy());
  try {
    client(socket);
    return await within(done.promise, 'a request read');
  } finally {
    socket.destroy();
    server.close();
  }
}

const HEAD = 'POST /v1/x?y=1 HTTP/1.1\r\nHost: h\r\n';
const sized = (body: string, size = body.length) => `${HEAD}Content-Length: ${size}\r\n\r\n${body}`;
const chunked = (...chunks: string[]) =>
  `${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}`;
const textOf = async (request: Request) => (await readBody(request, { limit: 10 })).toString();

it('a head is read as it was sent; lines of one name are joined', async () => {
  const head = `${HEAD}X-Cache-Tags: a\r\nx-cache-tags: b\r\nX-Once: é\r\n\r\n`;
  const request = await received(
    (socket) => socket.write(head, 'latin1'),
    (read) => read,
  );
  assert.equal(request.method, 'POST');
  assert.deepEqual([request.path, request.query], ['/v1/x', 'y=1']);
  assert.equal(request.header('x-cache-tags'), 'a, b');
  assert.equal(request.header('x-once'), 'é');
  assert.equal(request.header('x-absent'), undefined);
  assert.equal(request.header('__proto__'), undefined);
  assert.deepEqual(request.rawHeaders.slice(2), ['X-Cache-Tags', 'a', 'x-cache-tags', 'b', 'X-Once', 'é']);
});

for (const target of [
  'http://elsewhere/v1/x',
  '*',
  '//elsewhere/',
  '/v1/../x',
  '/v1/%2e%2e/x',
  '/a\\b',
  '/a%00',
]) {
  it(`a request for ${target} is not taken`, async () => {
    const reading = received(
      (socket) => socket.write(`OPTIONS ${target} HTTP/1.1\r\nHost: h\r\n\r\n`),
      () => assert.fail('taken'),
    );
    await assert.rejects(reading, { code: 'invalid_request', status: 400 });
  });
}

it('a body is read whole, however it comes, up to its limit', async () => {
  for (const [sent, body] of [
    [sized('0123456789'), '0123456789'],
    [sized(''), ''],
    [`${HEAD}\r\n`, ''],
    [`${chunked('01234', '56789')}0\r\n\r\n`, '0123456789'],
    [`${chunked()}0\r\n\r\n`, ''],
  ] as const) {
    assert.equal(await received((socket) => socket.write(sent), textOf), body);
  }
});

it('a body that comes byte by byte is the same one', async () => {
  const body = await received((socket) => {
    socket.setNoDelay(true);
    for (const byte of sized('0123456789')) socket.write(byte);
  }, textOf);
  assert.equal(body, '0123456789');
});

it('a body over the limit is refused by what it says of itself, before any of it has come', async () => {
  await assert.rejects(
    received((socket) => socket.write(sized('', 11)), textOf),
    { code: 'request_too_large', status: 413, message: /10 bytes/ },
  );
});

it('a body over the limit is refused as soon as it is, though it never ends', async () => {
  await assert.rejects(
    received((socket) => socket.write(chunked('01234', '567890')), textOf),
    { code: 'request_too_large' },
  );
});

it('a body that is cut short is none', async () => {
  for (const sent of [sized('0123', 9), chunked('0123')]) {
    const reading = received((socket) => {
      socket.write(sent, () => socket.end());
    }, textOf);
    await assert.rejects(reading, { code: 'invalid_request', status: 400 }, sent);
  }
});

it('a body whose connection is ended from this side is none either', async () => {
  const reading = received(
    (socket) => socket.write(sized('0123', 9)),
    (request) => {
      const body = readBody(request, { limit: 10 });
      request.stream.destroy();
      return body;
    },
  );
  await assert.rejects(reading, { code: 'invalid_request' });
});
