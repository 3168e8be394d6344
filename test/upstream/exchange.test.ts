import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, describe, it } from 'node:test';
import { createUpstreamClient } from '../../src/upstream/client.ts';
import { type Exchange, startExchange } from '../../src/upstream/exchange.ts';
import type { Cursor } from '../../src/upstream/recording.ts';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { answering, cutAfterChunks, cutAfterHead, cutBeforeHead } from '../support/upstream/faults.ts';
import { fileContent } from '../support/upstream/files.ts';
import { callTo } from '../support/upstream/sink.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const MB = 1_000_000;

const client = createUpstreamClient({ connect: 2_000, headers: 60_000, idle: 60_000 }, {});
after(() => client.close());

/** A streamed chat as an exchange, with what its hooks were told, in order. */
function start(upstream: Upstream, maxRecorded = MB) {
  const clock = new ManualClock();
  const told: string[] = [];
  const body = Buffer.from('{"model":"m","messages":[],"stream":true}');
  const exchange = startExchange({
    client,
    call: callTo(upstream.origin, { path: '/v1/chat/completions', body }),
    clock,
    deadlineMs: 60_000,
    maxRecorded,
    hooks: {
      head: ({ status }) => told.push(`head ${status}`),
      chunk: () => told.at(-1) !== 'chunks' && told.push('chunks'),
      overflow: () => told.push('overflow'),
      end: () => told.push('end'),
      error: ({ code }) => told.push(code),
    },
  });
  return { clock, told, exchange };
}

/** Everything a cursor still gives. Rejects as the cursor does. */
async function readAll(cursor: Cursor): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = await within(cursor.next(), 'the next chunk');
    if (chunk === 'end') return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}

/** How the head and a reader of an exchange end. */
async function endsOf({ head, recording }: Exchange): Promise<{ head: string; reader: string }> {
  const cursor = recording.follow();
  return {
    head: await within(
      head.then(
        ({ status }) => String(status),
        (error) => error.code,
      ),
      'the head',
    ),
    reader: await readAll(cursor).then(
      () => 'end',
      (error) => error.code,
    ),
  };
}

describe('an exchange', () => {
  it('lets its hooks see everything before any reader can', async () => {
    await using upstream = await startUpstream();
    upstream.answer(answering(200, 'all'));
    const { exchange, told } = start(upstream);
    const cursor = exchange.recording.follow();
    assert.deepEqual(told, []);
    await within(exchange.head, 'the head');
    assert.equal(told[0], 'head 200');
    assert.equal(String(await within(cursor.next(), 'the chunk')), 'all');
    assert.equal(told[1], 'chunks');
    assert.equal(await within(cursor.next(), 'the end'), 'end');
    assert.equal(told[2], 'end');
  });

  it('gives who comes late, and who comes when all is over, the same bytes as who came first', async () => {
    await using upstream = await startUpstream();
    const gate = upstream.holdChunks(4);
    const { exchange } = start(upstream);
    const first = exchange.recording.follow();
    const begun = await within(first.next(), 'the first chunk');
    assert.ok(begun !== 'end');
    await within(gate.arrived(1), 'four chunks are out');
    const late = readAll(exchange.recording.follow());
    gate.release();
    const whole = Buffer.concat([begun, await readAll(first)]);
    assert.match(whole.toString(), /^data: \{.*data: \[DONE\]\n\n$/s);
    assert.deepEqual(await late, whole);
    assert.deepEqual(await readAll(exchange.recording.follow()), whole);
    assert.deepEqual(exchange.recording.body(), whole);
    assert.equal(upstream.count(), 1);
  });

  it('keeps bytes of its own, which later ones on the same connection cannot change', async () => {
    await using upstream = await startUpstream();
    const answers: Buffer[] = [];
    for (const letter of ['a', 'b', 'c']) {
      upstream.answer(answering(200, letter.repeat(50_000)));
      const { exchange } = start(upstream);
      await readAll(exchange.recording.follow());
      answers.push(exchange.recording.body());
    }
    assert.deepEqual(
      answers.map((body) => new Set(body.toString()).size),
      [1, 1, 1],
    );
    // Not a view on something larger, which it would keep alive.
    for (const body of answers) assert.ok(body.buffer.byteLength <= 2 * body.length);
  });
});

describe('an exchange that breaks', () => {
  for (const [when, fault, told, ends] of [
    ['before the head', cutBeforeHead, ['upstream_unreachable'], { head: 'upstream_unreachable' }],
    ['after the head', cutAfterHead, ['head 200', 'upstream_unreachable'], { head: '200' }],
    ['after two chunks', cutAfterChunks(2), ['head 200', 'chunks', 'upstream_unreachable'], { head: '200' }],
  ] as const) {
    it(`${when}: hooks, head and readers are told, each once`, async () => {
      await using upstream = await startUpstream();
      upstream.answer(fault);
      const exchange = start(upstream);
      const early = endsOf(exchange.exchange);
      assert.deepEqual(await early, { ...ends, reader: 'upstream_unreachable' });
      assert.deepEqual(exchange.told, told);
      await assert.rejects(readAll(exchange.exchange.recording.follow()), { code: 'upstream_unreachable' });
      assert.equal(exchange.clock.pending, 0);
      assert.equal(upstream.count(), 1);
    });
  }

  it('and that nobody waits for harms nothing', async () => {
    await using upstream = await startUpstream();
    upstream.answer(cutBeforeHead);
    const { told } = start(upstream);
    await until(() => told.length === 1, 'the failure');
  });
});

describe('an exchange that is not done at its deadline', () => {
  it('before the head is given up: all are told, and the connection is closed', async () => {
    await using upstream = await startUpstream();
    const gate = upstream.hold();
    const { clock, exchange, told } = start(upstream);
    const ends = endsOf(exchange);
    await within(gate.arrived(1), 'the call');
    clock.advance(59_999);
    assert.deepEqual(told, []);
    clock.advance(1);
    assert.deepEqual(told, ['upstream_timeout']);
    assert.deepEqual(await ends, { head: 'upstream_timeout', reader: 'upstream_timeout' });
    await assert.rejects(
      exchange.head,
      /was not done within 60 s \(setting upstreams\.\*\.timeouts\.total\)/,
    );
    await until(() => upstream.sockets() === 0, 'the connection is closed');
    assert.deepEqual(told, ['upstream_timeout']);
  });

  it('within its body is given up too', async () => {
    await using upstream = await startUpstream();
    upstream.holdChunks(2);
    const { clock, exchange, told } = start(upstream);
    const ends = endsOf(exchange);
    await until(() => told.includes('chunks'), 'some chunks');
    clock.advance(60_000);
    assert.deepEqual(await ends, { head: '200', reader: 'upstream_timeout' });
    await until(() => upstream.sockets() === 0, 'the connection is closed');
    assert.deepEqual(told, ['head 200', 'chunks', 'upstream_timeout']);
  });

  it('has none once it is complete', async () => {
    await using upstream = await startUpstream();
    const { clock, exchange, told } = start(upstream);
    await readAll(exchange.recording.follow());
    assert.equal(clock.pending, 0);
    assert.equal(told.at(-1), 'end');
  });
});

describe('an exchange that is aborted', () => {
  it('tells who waits, but not its hooks, and closes the connection', async () => {
    await using upstream = await startUpstream();
    for (const hold of [() => upstream.hold(), () => upstream.holdChunks(2)]) {
      const gate = hold();
      const { clock, exchange, told } = start(upstream);
      const ends = endsOf(exchange);
      await within(gate.arrived(1), 'the call');
      const known = [...told];
      exchange.abort();
      assert.equal((await ends).reader, 'upstream_unreachable');
      await until(() => upstream.sockets() === 0, 'the connection is closed');
      assert.deepEqual(told, known);
      assert.equal(clock.pending, 0);
    }
  });

  it('at once is never sent', async () => {
    await using upstream = await startUpstream();
    const { exchange, told } = start(upstream);
    exchange.abort();
    await assert.rejects(exchange.head, { code: 'upstream_unreachable' });
    await readAll(start(upstream).exchange.recording.follow());
    assert.equal(upstream.count(), 1);
    assert.deepEqual(told, []);
  });

  it('after its end is as complete as before', async () => {
    await using upstream = await startUpstream();
    upstream.answer(answering(200, 'all'));
    const { exchange, told } = start(upstream);
    const cursor = exchange.recording.follow();
    await until(() => told.includes('end'), 'the end');
    exchange.abort();
    assert.equal(String(await readAll(cursor)), 'all');
    assert.equal((await exchange.head).status, 200);
  });
});

describe('an answer larger than what is kept', () => {
  const SIZE = 60 * MB;
  const WHOLE = Buffer.concat([...fileContent(SIZE)]);

  /** An upstream that answers with {@link SIZE} bytes, and how many of them it has sent. */
  async function startLarge() {
    const upstream = await startUpstream();
    const count = { sent: 0 };
    function* counted() {
      for (const chunk of fileContent(SIZE)) {
        count.sent += chunk.length;
        yield chunk;
      }
    }
    upstream.answer((_request, response) => pipeline(Readable.from(counted()), response.writeHead(200)));
    return { upstream, count };
  }

  /** Reads all that `cursor` gives, as it comes, and counts it. */
  function drain(cursor: Cursor) {
    const count = { bytes: 0, over: false };
    void (async () => {
      for (let chunk = await cursor.next(); chunk !== 'end'; chunk = await cursor.next())
        count.bytes += chunk.length;
      count.over = true;
    })();
    return count;
  }

  /** Resolves when the upstream is held back for a reader, which is timed: that timer is beside the deadline's. */
  const heldBack = (clock: ManualClock) => until(() => clock.pending === 2, 'the slowest reader is timed');

  it('reaches all who came in time whole, each at its own pace, and is said to be too large once', async () => {
    const { upstream } = await startLarge();
    await using _upstream = upstream;
    const { exchange, told } = start(upstream);
    const readers = [exchange.recording.follow(), exchange.recording.follow(), exchange.recording.follow()];
    const [fast, , gone] = readers;
    gone?.leave();
    const bodies = await Promise.all(
      readers.slice(0, 2).map(async (cursor) => {
        const chunks: Buffer[] = [];
        for (;;) {
          const chunk = await within(cursor.next(), 'the next chunk');
          if (chunk === 'end') return Buffer.concat(chunks);
          chunks.push(chunk);
          if (cursor !== fast) await new Promise(setImmediate);
        }
      }),
    );
    for (const body of bodies) assert.ok(body.equals(WHOLE));
    assert.deepEqual(told, ['head 200', 'chunks', 'overflow', 'chunks', 'end']);
    assert.throws(() => exchange.recording.follow(), /no longer holds its beginning/);
  });

  it('waits at the upstream for the slowest reader; who takes nothing for 30 s is cut off, and the others go on', async () => {
    const { upstream, count } = await startLarge();
    await using _upstream = upstream;
    const { clock, exchange, told } = start(upstream);
    const stalled = exchange.recording.follow();
    const fast = drain(exchange.recording.follow());
    await heldBack(clock);
    clock.advance(29_999);
    await until(() => fast.bytes > MB, 'the fast one has all there is');
    // What the slowest may lack, and the chunk that went beyond; the kernel has some more.
    assert.ok(fast.bytes < 1.2 * MB, `${fast.bytes} bytes were held for the slowest`);
    assert.ok(count.sent < 20 * MB, `${count.sent} bytes had been sent`);
    assert.equal(exchange.recording.overflowed, true);
    clock.advance(1);
    await until(() => fast.over, 'the fast one is through');
    assert.equal(fast.bytes, SIZE);
    await assert.rejects(within(stalled.next(), 'the cut'), /took nothing for too long/);
    assert.deepEqual(told, ['head 200', 'chunks', 'overflow', 'chunks', 'end']);
  });

  it('of a reader who leaves, nothing is held back', async () => {
    const { upstream } = await startLarge();
    await using _upstream = upstream;
    const { clock, exchange } = start(upstream);
    const stalled = exchange.recording.follow();
    const fast = drain(exchange.recording.follow());
    await heldBack(clock);
    stalled.leave();
    await until(() => fast.over, 'the fast one is through');
    assert.equal(fast.bytes, SIZE);
    assert.equal(clock.pending, 0);
  });
});
