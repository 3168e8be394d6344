import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import {
  brotliCompressSync,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { createUpstreamClient } from '../../src/upstream/client.ts';
import { until, within } from '../support/deadline.ts';
import { readAll, startChat } from '../support/upstream/exchange.ts';
import { answering } from '../support/upstream/faults.ts';
import { startUpstream } from '../support/upstream.ts';

const MB = 1_000_000;
const TEXT = Buffer.from('Grüße '.repeat(10_000));

const client = createUpstreamClient({ connect: 2_000, headers: 60_000, idle: 60_000 }, {});
after(() => client.close());

/** The exchange of a call that is answered with these bytes, said to be in this coding. */
async function answered(body: Buffer, coding: string, status = 200, more: Record<string, string> = {}) {
  const upstream = await startUpstream();
  const headers = { 'content-encoding': coding, 'content-length': String(body.length), ...more };
  upstream.answer(answering(status, body, headers));
  const started = startChat(client, upstream);
  const names = async () => (await within(started.exchange.head, 'the head')).headers.map(([name]) => name);
  return { ...started, upstream, names, [Symbol.asyncDispose]: () => upstream.close() };
}

describe('an answer in a content coding', () => {
  for (const [coding, body] of [
    ['gzip', gzipSync(TEXT)],
    ['X-GZIP', gzipSync(TEXT)],
    ['gzip', Buffer.concat([gzipSync(TEXT.subarray(0, 999)), gzipSync(TEXT.subarray(999))])],
    ['deflate', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['zstd', zstdCompressSync(TEXT)],
  ] as const) {
    it(`${coding}: readers get what was coded, and no word of the coding`, async () => {
      await using call = await answered(body, coding, 200, { etag: '"1"', 'x-more': '1' });
      const { recording } = call.exchange;
      assert.deepEqual(await readAll(recording.follow()), TEXT);
      assert.deepEqual(recording.body(), TEXT);
      assert.deepEqual(call.told, ['head 200', 'chunks', 'end']);
      const names = await call.names();
      assert.ok(names.includes('x-more'));
      for (const name of ['content-encoding', 'content-length', 'etag'])
        assert.ok(!names.includes(name), name);
    });
  }

  it('identity is none: length and all else stay', async () => {
    await using call = await answered(TEXT, 'Identity', 200, { etag: '"1"' });
    assert.deepEqual(await readAll(call.exchange.recording.follow()), TEXT);
    const names = await call.names();
    assert.ok(names.includes('content-length') && names.includes('etag'));
    assert.ok(!names.includes('content-encoding'));
  });

  for (const [what, coding, status] of [
    ['a coding that is not known', 'compress', 200],
    ['one coding upon another', 'gzip, gzip', 200],
    ['a range of the coded bytes', 'gzip', 206],
  ] as const) {
    it(`${what} comes as it is`, async () => {
      await using call = await answered(gzipSync(TEXT), coding, status);
      assert.deepEqual(await readAll(call.exchange.recording.follow()), gzipSync(TEXT));
      const names = await call.names();
      assert.ok(names.includes('content-length') && names.includes('content-encoding'));
    });
  }

  it('of no bytes is empty', async () => {
    await using call = await answered(Buffer.alloc(0), 'gzip');
    assert.deepEqual(await readAll(call.exchange.recording.follow()), Buffer.alloc(0));
    assert.deepEqual(call.told, ['head 200', 'end']);
  });

  for (const [what, coding, body] of [
    ['cut short', 'gzip', gzipSync(TEXT).subarray(0, -5)],
    ['cut short', 'br', brotliCompressSync(TEXT).subarray(0, -5)],
    ['cut short', 'zstd', zstdCompressSync(TEXT).subarray(0, -5)],
    ['damaged', 'gzip', Buffer.concat([gzipSync(TEXT).subarray(0, -8), Buffer.alloc(8)])],
    ['in another coding', 'gzip', TEXT],
  ] as const) {
    it(`${coding} that is ${what} is a broken answer`, async () => {
      await using call = await answered(body, coding);
      const reading = readAll(call.exchange.recording.follow());
      await assert.rejects(reading, { code: 'upstream_unreachable', message: /cannot be unpacked as/ });
      assert.equal(call.told.at(-1), 'upstream_unreachable');
      assert.equal(call.told.filter((told) => told === 'upstream_unreachable').length, 1);
    });
  }

  it('padding behind the coded bytes is dropped, and not waited for', async () => {
    await using upstream = await startUpstream();
    upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.write(Buffer.concat([gzipSync(TEXT), Buffer.alloc(512)]));
    });
    const { exchange } = startChat(client, upstream);
    assert.deepEqual(await readAll(exchange.recording.follow()), TEXT);
    await until(() => upstream.sockets() === 0, 'the connection is closed');
  });

  it('comes live: what has been flushed can be read before the rest is there', async () => {
    await using upstream = await startUpstream();
    const gate = upstream.hold();
    upstream.answer(async (_request, response, turn) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write('first ');
      gzip.flush();
      await turn.pass();
      gzip.end('last');
    });
    gate.let(1);
    const cursor = startChat(client, upstream).exchange.recording.follow();
    assert.equal(String(await within(cursor.next(), 'the first')), 'first ');
    gate.release();
    assert.equal(String(await readAll(cursor)), 'last');
  });

  it('a connection that breaks breaks it, and an abort ends it', async () => {
    await using upstream = await startUpstream();
    upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.write(gzipSync(TEXT).subarray(0, 50));
      setImmediate(() => response.destroy());
    });
    const broken = startChat(client, upstream);
    await assert.rejects(readAll(broken.exchange.recording.follow()), { code: 'upstream_unreachable' });
    upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync(TEXT).subarray(0, 50));
    });
    const aborted = startChat(client, upstream);
    await within(aborted.exchange.head, 'the head');
    aborted.exchange.abort();
    await until(() => upstream.sockets() === 0, 'the connection is closed');
    assert.ok(!aborted.told.includes('end'));
  });

  it('a bomb is unpacked no further than its slowest reader has read, and then to its end', async () => {
    const size = 300 * MB;
    await using call = await answered(gzipSync(Buffer.alloc(size)), 'gzip');
    const cursor = call.exchange.recording.follow();
    // The deadline's timer, and that of the reader who is waited for.
    await until(() => call.clock.pending === 2, 'unpacking waits');
    const used = process.memoryUsage().arrayBuffers;
    let got = 0;
    let most = 0;
    for (let chunk = await cursor.next(); chunk !== 'end'; chunk = await cursor.next()) {
      got += chunk.length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - used);
    }
    assert.equal(got, size);
    assert.ok(most < 150 * MB, `buffers grew by ${Math.round(most / MB)} MB`);
    assert.deepEqual(call.told, ['head 200', 'chunks', 'overflow', 'chunks', 'end']);
  });
});
