import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Flights } from '../../src/cache/flights.ts';
import { MemoryTier } from '../../src/cache/memory.ts';
import { Store } from '../../src/cache/store.ts';
import { Scopes } from '../../src/policy/scope.ts';
import { ChaosTier } from '../support/chaos-tier.ts';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { openDisk } from '../support/disk.ts';
import { sampleEntry } from '../support/entries.ts';
import { chat } from '../support/http.ts';
import { type Stage, setStage } from '../support/stage.ts';

const CHAT = '/v1/chat/completions';
const MB = 1_000_000;

/** Does `work`, and resolves when it leaves less than so many bytes in use: buffers are given back some turns after their garbage is out. */
async function growsLessThan(bytes: number, work: () => void | Promise<void>): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  await work();
  await until(() => used() - before < bytes, `${bytes} bytes`);
}

/** Sends `head` and then `pieces`, each in a write of its own as fast as they are taken; gives what came back. */
async function sendRaw(stage: Stage, head: string, pieces: Iterable<string>): Promise<string> {
  const { hostname, port } = new URL(stage.reprise.url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (data) => {
    answer += data.toString('latin1');
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(head);
  for (const piece of pieces) {
    if (!socket.write(piece)) await Promise.race([new Promise((go) => socket.once('drain', go)), closed]);
    if (socket.destroyed) break;
  }
  await within(closed, 'the answer', 30_000);
  return answer;
}

describe('what must always hold of faults', () => {
  it("5. A cache fault is never a client's failure, whichever of its operations fails, and how", async () => {
    for (const faults of [{ raise: 0.5 }, { raise: 1 }, { raise: 0.2, miss: 0.3, delay: 0.5, drop: 0.3 }]) {
      const clock = new ManualClock();
      const lower = new ChaosTier(new MemoryTier({ maxEntries: 100, maxBytes: 1e7 }, clock), 7, faults);
      const store = new Store(new MemoryTier({ maxEntries: 10, maxBytes: 1e7 }, clock), [lower]);
      for (let at = 0; at < 500; at += 1) {
        const entry = sampleEntry(`entry ${at % 50}`, { born: clock.now() });
        store.put([entry]);
        const held = store.peek(entry.key.id) ?? (await store.find(entry.key.id));
        assert.deepEqual(held?.entry, entry);
        const { id } = sampleEntry(`entry ${(at * 7) % 50}`, { born: 0 }).key;
        const found = store.peek(id) ?? (await store.find(id)) ?? (await store.findMany([id]))[0];
        assert.ok(found === undefined || found.entry.key.id === id);
        if (at % 11 === 0) store.delete(id);
        if (at % 50 === 0) await store.sweep();
      }
      assert.ok(store.figures().faults > 0);
      await store.close();
    }
  });
});

describe('what must always hold of bytes', () => {
  it('8. Bytes are bounded: in memory, whatever the sizes of entries', () => {
    const clock = new ManualClock();
    const memory = new MemoryTier({ maxEntries: 1_000, maxBytes: 100_000 }, clock);
    for (let at = 0; at < 2_000; at += 1) {
      memory.set(sampleEntry(`entry ${at}`, { born: clock.now(), body: Buffer.alloc((at * 37) % 9_000) }));
      assert.ok(memory.figures().bytes <= 100_000);
    }
  });

  it('8. Bytes are bounded: on disk and in the queue before it, however fast entries come', async (t) => {
    const clock = new ManualClock();
    const tier = await openDisk(t, { clock, maxBytes: MB, maxQueue: 200_000 });
    await growsLessThan(10 * MB, () => {
      for (let at = 0; at < 20_000; at += 1)
        tier.set(sampleEntry(`entry ${at}`, { born: clock.now(), body: Buffer.alloc(2_000, `${at}`) }));
    });
    await tier.flush();
    assert.ok(tier.figures().bytes <= MB);
  });

  it('8. Bytes are bounded: what is noted of keys and of credentials, however many there are', async () => {
    const flights = new Flights<number>();
    const scopes = new Scopes(Buffer.alloc(32));
    await growsLessThan(60 * MB, () => {
      for (let at = 0; at < 100_000; at += 1) {
        flights.separate(`id ${at}`, 1);
        flights.rest(`id ${at}`, 1);
      }
      // As large as a request's headers may be.
      for (let at = 0; at < 1_500; at += 1) scopes.of(() => `${at} ${'k'.repeat(4_000)}`);
    });
    assert.equal(flights.rests('id 0', 0), false);
    assert.equal(flights.rests('id 99999', 0), true);
  });

  it('8. Bytes are bounded: a body larger than is read whole, with its length or without', async () => {
    await using stage = await setStage({ profile: { server: { max_body: '1KB' } } });
    const large = await stage.ask(CHAT, { body: chat('x'.repeat(2_000)) });
    assert.equal(large.status, 413);
    assert.equal((large.json() as { error: { code: string } }).error.code, 'request_too_large');
    const head = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n`;
    const chunked = await sendRaw(stage, head, Array(20).fill(`64\r\n${'x'.repeat(100)}\r\n`));
    assert.match(chunked, /^HTTP\/1.1 413 /);
    assert.equal(stage.upstream.calls.length, 0);
  });

  it('8. Bytes are bounded: a body whose every byte is a chunk of its own takes little more than it is', async () => {
    await using stage = await setStage();
    const head = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n`;
    const before = process.memoryUsage().rss;
    const bytes = Array(100).fill('1\r\nx\r\n'.repeat(10_000));
    assert.match(await sendRaw(stage, head, [...bytes, '0\r\n\r\n']), /x-cache-reason: body-not-json/);
    // What V8 has once taken it gives back late: this is about the most that was in use.
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 200 * MB, `${grown} bytes for 1 MB`);
  });

  it('8. Bytes are bounded: a body of millions of values is passed on unread', async () => {
    await using stage = await setStage();
    const body = `{"model":"m","messages":[],"x":[0${',0'.repeat(4_000_000)}]}`;
    const answer = await stage.ask(CHAT, { body });
    assert.deepEqual(
      [answer.status, answer.headers.get('x-cache'), answer.headers.get('x-cache-reason')],
      [200, 'BYPASS', 'too-many-values'],
    );
    assert.equal(stage.upstream.calls[0]?.body.length, body.length);
  });

  it('8. Bytes are bounded: headers, and what of a request is shown in headers and logs', async () => {
    await using stage = await setStage();
    const long = 'm'.repeat(100_000);
    const answer = await stage.ask(CHAT, { body: { ...chat('x'), model: long } });
    assert.equal(answer.status, 200);
    assert.ok((answer.headers.get('x-cache-key') ?? '').length < 1_000);
    const named = { 'x-cache-namespace': 'n'.repeat(20_000) };
    assert.ok([200, 400].includes((await stage.ask(CHAT, { body: chat('x'), headers: named })).status));
    assert.equal(
      (await stage.ask(CHAT, { body: chat('x'), headers: { 'x-long': 'x'.repeat(40_000) } })).status,
      431,
    );
    await stage.ask(`/nowhere/${'p'.repeat(20_000)}`);
    await stage.ask('/v1/chat/completions', { body: '{"a":'.repeat(10_000) });
    for (const event of stage.reprise.events) assert.ok(JSON.stringify(event).length < 2_000);
  });
});
