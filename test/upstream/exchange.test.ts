import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createUpstreamClient } from '../../src/upstream/client.ts';
import type { Exchange } from '../../src/upstream/exchange.ts';
import { until, within } from '../support/deadline.ts';
import { readAll, startChat } from '../support/upstream/exchange.ts';
import { answering, cutAfterChunks, cutAfterHead, cutBeforeHead } from '../support/upstream/faults.ts';
import { startUpstream } from '../support/upstream.ts';

const client = createUpstreamClient({ connect: 2_000, headers: 60_000, idle: 60_000 }, {});
after(() => client.close());

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
    const { exchange, told } = startChat(client, upstream);
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
    const { exchange } = startChat(client, upstream);
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

  it('keeps bytes of its own: later ones cannot change them, and they keep nothing larger alive', async () => {
    await using upstream = await startUpstream();
    const chunks: Buffer[] = [];
    for (const text of ['a'.repeat(50_000), 'b', 'c'.repeat(50_000), 'd'.repeat(100)]) {
      upstream.answer(answering(200, text));
      const cursor = startChat(client, upstream).exchange.recording.follow();
      for (let chunk = await cursor.next(); chunk !== 'end'; chunk = await cursor.next()) chunks.push(chunk);
    }
    for (const chunk of chunks) {
      assert.equal(new Set(chunk).size, 1);
      assert.equal(chunk.buffer.byteLength, chunk.length);
    }
    assert.equal(Buffer.concat(chunks).length, 100_101);
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
      const exchange = startChat(client, upstream);
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
    const { told } = startChat(client, upstream);
    await until(() => told.length === 1, 'the failure');
  });
});

describe('an exchange that is not done at its deadline', () => {
  it('before the head is given up: all are told, and the connection is closed', async () => {
    await using upstream = await startUpstream();
    const gate = upstream.hold();
    const { clock, exchange, told } = startChat(client, upstream);
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
    const { clock, exchange, told } = startChat(client, upstream);
    const ends = endsOf(exchange);
    await until(() => told.includes('chunks'), 'some chunks');
    clock.advance(60_000);
    assert.deepEqual(await ends, { head: '200', reader: 'upstream_timeout' });
    await until(() => upstream.sockets() === 0, 'the connection is closed');
    assert.deepEqual(told, ['head 200', 'chunks', 'upstream_timeout']);
  });

  it('has none once it is complete', async () => {
    await using upstream = await startUpstream();
    const { clock, exchange, told } = startChat(client, upstream);
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
      const { clock, exchange, told } = startChat(client, upstream);
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
    const { exchange, told } = startChat(client, upstream);
    exchange.abort();
    await assert.rejects(exchange.head, { code: 'upstream_unreachable' });
    await readAll(startChat(client, upstream).exchange.recording.follow());
    assert.equal(upstream.count(), 1);
    assert.deepEqual(told, []);
  });

  it('after its end is as complete as before', async () => {
    await using upstream = await startUpstream();
    upstream.answer(answering(200, 'all'));
    const { exchange, told } = startChat(client, upstream);
    const cursor = exchange.recording.follow();
    await until(() => told.includes('end'), 'the end');
    exchange.abort();
    assert.equal(String(await readAll(cursor)), 'all');
    assert.equal((await exchange.head).status, 200);
  });
});
