import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createUpstreamClient } from '../../src/upstream/client.ts';
import { until, within } from '../support/deadline.ts';
import { fileContent, receiveUpload, type Upload } from '../support/upstream/files.ts';
import { listening } from '../support/upstream/listening.ts';
import { callTo } from '../support/upstream/sink.ts';
import { startUpstream } from '../support/upstream.ts';

const MB = 1_000_000;
const SIZE = 100 * MB;
// What the kernel holds on both ends of a connection is not in the process: some MB may be on their way at any time.
const ON_THE_WAY = 30 * MB;

const client = createUpstreamClient({ connect: 2_000, headers: 60_000, idle: 60_000 }, {});
after(() => client.close());

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes of buffers that are still in use, in the whole process: both ends of the call are in it. */
function bytesInUse(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** The greatest growth of {@link bytesInUse}, looked at again after every ten MB that `counted` counts. */
class Peak {
  readonly #start = bytesInUse();
  #counted = 0;
  #growth = 0;

  count(bytes: number): void {
    const before = this.#counted;
    this.#counted += bytes;
    if (Math.floor(before / (10 * MB)) === Math.floor(this.#counted / (10 * MB))) return;
    this.#growth = Math.max(this.#growth, bytesInUse() - this.#start);
  }

  assertBelow(bytes: number): void {
    assert.ok(this.#growth < bytes, `buffers grew by ${Math.round(this.#growth / MB)} MB`);
  }
}

/** The file's first `bytes` bytes, with a count of those that were asked for. */
function countedContent(bytes: number, count: (bytes: number) => void): Readable {
  function* counted() {
    for (const chunk of fileContent(bytes)) {
      count(chunk.length);
      yield chunk;
    }
  }
  return Readable.from(counted());
}

/** Resolves when `value` has been the same for so long that whoever changes it must be waiting. */
async function settled(value: () => number, label: string): Promise<void> {
  let last = value();
  let same = 0;
  await until(
    () => {
      same = value() === last ? same + 1 : 0;
      last = value();
      return same === 20;
    },
    label,
    10_000,
  );
}

function summaryOf(bytes: number): Upload {
  const hash = createHash('sha256');
  for (const chunk of fileContent(bytes)) hash.update(chunk);
  return { bytes, sha256: hash.digest('hex') };
}

describe('100 MB down', () => {
  it('arrive whole at a sink that pauses all the time, in bounded memory', async () => {
    await using upstream = await startUpstream();
    const hash = createHash('sha256');
    const peak = new Peak();
    const over = Promise.withResolvers<void>();
    let got = 0;
    let paused = false;
    const handle = client.send(
      callTo(upstream.origin, { method: 'GET', path: `/v1/files/f/content?bytes=${SIZE}`, body: null }),
      {
        head: (status) => assert.equal(status, 200),
        data(chunk) {
          assert.equal(paused, false, 'data while paused');
          hash.update(chunk);
          peak.count(chunk.length);
          const before = got;
          got += chunk.length;
          if (Math.floor(before / MB) === Math.floor(got / MB)) return;
          paused = true;
          handle.pause();
          setImmediate(() => {
            paused = false;
            handle.resume();
          });
        },
        end: over.resolve,
        error: over.reject,
      },
    );
    await within(over.promise, 'the end', 20_000);
    assert.deepEqual({ bytes: got, sha256: hash.digest('hex') }, summaryOf(SIZE));
    peak.assertBelow(30 * MB);
  });

  it('wait at the upstream while the sink is paused, also from before the head', async () => {
    await using upstream = await startUpstream();
    let sent = 0;
    upstream.answer(async (_request, response) => {
      const content = countedContent(SIZE, (bytes) => {
        sent += bytes;
      });
      await pipeline(content, response.writeHead(200));
    });
    const over = Promise.withResolvers<void>();
    let got = 0;
    const handle = client.send(callTo(upstream.origin), {
      head: () => undefined,
      data(chunk) {
        got += chunk.length;
        // Once more, in the middle of the answer.
        if (got - chunk.length < 40 * MB && got >= 40 * MB) handle.pause();
      },
      end: over.resolve,
      error: over.reject,
    });
    handle.pause();
    await until(() => sent > 0, 'the upstream sends');
    await settled(() => sent, 'the upstream waits');
    assert.equal(got, 0);
    assert.ok(sent < ON_THE_WAY, `${sent} bytes had gone out to nobody`);
    handle.resume();
    await until(() => got >= 40 * MB, '40 MB have come');
    await settled(() => sent, 'the upstream waits again');
    const held = got;
    assert.ok(sent < held + ON_THE_WAY, `${sent - held} bytes had gone out to nobody`);
    handle.resume();
    await within(over.promise, 'the end', 20_000);
    assert.equal(got, SIZE);
  });

  it('stop at once when the call is aborted while it is paused', async () => {
    await using upstream = await startUpstream();
    const events: string[] = [];
    const handle = client.send(
      callTo(upstream.origin, { method: 'GET', path: `/v1/files/f/content?bytes=${SIZE}`, body: null }),
      {
        head: () => events.push('head'),
        data() {
          events.push('data');
          handle.pause();
        },
        end: () => events.push('end'),
        error: () => events.push('error'),
      },
    );
    await until(() => events.length === 2, 'the first bytes');
    handle.abort();
    handle.resume();
    await until(() => upstream.sockets() === 0, 'the connection is closed');
    assert.deepEqual(events, ['head', 'data']);
  });
});

describe('100 MB up', () => {
  for (const [how, headers] of [
    ['with their length', ['content-length', String(SIZE)]],
    ['in chunks', []],
  ] as const) {
    it(`arrive whole ${how}, read no faster than they are sent, in bounded memory`, async () => {
      await using upstream = await startUpstream();
      const peak = new Peak();
      const body = countedContent(SIZE, (bytes) => peak.count(bytes));
      const chunks: Buffer[] = [];
      const over = Promise.withResolvers<void>();
      client.send(callTo(upstream.origin, { path: '/v1/files', headers: [...headers], body }), {
        head: (status) => assert.equal(status, 200),
        data: (chunk) => chunks.push(Buffer.from(chunk)),
        end: over.resolve,
        error: over.reject,
      });
      await within(over.promise, 'the answer', 20_000);
      const { bytes, sha256 } = JSON.parse(Buffer.concat(chunks).toString());
      assert.deepEqual({ bytes, sha256 }, summaryOf(SIZE));
      assert.equal(upstream.calls[0]?.headers['content-length'], headers[1]);
      peak.assertBelow(30 * MB);
    });
  }

  it('wait at their source while the upstream does not read', async () => {
    let arrived: IncomingMessage | undefined;
    const server = createServer((request, response) => {
      arrived = request;
      request.on('end', () => response.end());
    });
    using there = await listening(server);
    let asked = 0;
    const body = countedContent(SIZE, (bytes) => {
      asked += bytes;
    });
    const over = Promise.withResolvers<void>();
    client.send(callTo(`http://127.0.0.1:${there.port}`, { body }), {
      head: () => undefined,
      data: () => undefined,
      end: over.resolve,
      error: over.reject,
    });
    await until(() => arrived !== undefined, 'the call');
    await settled(() => asked, 'the source waits');
    assert.ok(asked < ON_THE_WAY, `${asked} bytes were read for nobody`);
    assert.ok(arrived !== undefined);
    const upload = receiveUpload(arrived);
    await within(over.promise, 'the answer', 20_000);
    assert.deepEqual(await upload, summaryOf(SIZE));
  });
});
