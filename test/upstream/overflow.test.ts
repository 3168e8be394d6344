import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, describe, it } from 'node:test';
import { createUpstreamClient } from '../../src/upstream/client.ts';
import type { Cursor } from '../../src/upstream/recording.ts';
import type { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { startChat } from '../support/upstream/exchange.ts';
import { fileContent } from '../support/upstream/files.ts';
import { startUpstream } from '../support/upstream.ts';

const MB = 1_000_000;

const client = createUpstreamClient({ connect: 2_000, headers: 60_000, idle: 60_000 }, {});
after(() => client.close());

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
    const { exchange, told } = startChat(client, upstream);
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
    const { clock, exchange, told } = startChat(client, upstream);
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
    const { clock, exchange } = startChat(client, upstream);
    const stalled = exchange.recording.follow();
    const fast = drain(exchange.recording.follow());
    await heldBack(clock);
    stalled.leave();
    await until(() => fast.over, 'the fast one is through');
    assert.equal(fast.bytes, SIZE);
    assert.equal(clock.pending, 0);
  });
});
