import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Bulletin, type Notice } from '../../src/workers/bulletin.ts';
import { Leases } from '../../src/workers/leases.ts';
import { pack, unpack } from '../../src/workers/parcel.ts';
import { type Calls, Wire } from '../../src/workers/wire.ts';
import { until, within } from '../support/deadline.ts';
import { sampleEntry } from '../support/entries.ts';

type Other = {
  double(of: number): number;
  later(of: number): Promise<number>;
  fails(said: undefined): never;
  note(what: string): void;
  bytes(said: { readonly bytes: ArrayBuffer }): number;
  line(said: { readonly port: MessagePort }): void;
};

/** Both ends of a wire, of which the other one can do what {@link Other} says. */
function wired(t: TestContext) {
  const { port1, port2 } = new MessageChannel();
  const noted: string[] = [];
  const calls: Other = {
    double: (of) => 2 * of,
    later: async (of) => of,
    fails() {
      throw new Error('no');
    },
    note: (what) => void noted.push(what),
    bytes: ({ bytes }) => bytes.byteLength,
    line: ({ port }) => port.close(),
  };
  const failures: string[] = [];
  const failed = (label: string, message: string) => void failures.push(`${label}: ${message}`);
  const near = new Wire<Other>(port1, {}, failed);
  const far = new Wire<Calls>(port2, calls, failed);
  t.after(() => near.close());
  return { near, far, noted, failures };
}

describe('a wire', () => {
  it('carries calls out in their order, and answers those that ask', async (t) => {
    const { near, noted, failures } = wired(t);
    near.tell('note', 'a');
    const asked = [near.ask('double', 1), near.ask('later', 7)];
    near.tell('note', 'b');
    assert.deepEqual(await within(Promise.all(asked), 'answers'), [2, 7]);
    assert.deepEqual(noted, ['a', 'b']);
    await assert.rejects(near.ask('fails', undefined), /no/);
    assert.deepEqual(failures, []);
    near.tell('fails', undefined);
    await until(() => failures.length > 0, 'the failure');
    assert.deepEqual(failures, ['between threads: fails: no']);
  });

  it('can receive at once what was sent', (t) => {
    const { near, far, noted } = wired(t);
    for (const what of ['a', 'b', 'c']) near.tell('note', what);
    assert.deepEqual(noted, []);
    far.drain();
    assert.deepEqual(noted, ['a', 'b', 'c']);
  });

  it('hands bytes over instead of copying them', async (t) => {
    const { near } = wired(t);
    const bytes = new ArrayBuffer(1_000);
    assert.equal(await near.ask('bytes', { bytes }), 1_000);
    assert.equal(bytes.byteLength, 0);
  });

  it('answers nobody for ever: whoever asks when the other side is gone, or goes, is told', async (t) => {
    const { near, far } = wired(t);
    const asked = near.ask('later', 1);
    near.close();
    await assert.rejects(asked, /gone/);
    await assert.rejects(near.ask('double', 1), /gone/);
    await assert.rejects(far.ask('anything', undefined as never), /gone/);
  });

  it('closes the ports that it can hand to nobody any more: who is at their other end is told', async (t) => {
    const { near } = wired(t);
    const { port1, port2 } = new MessageChannel();
    const closed = new Promise((resolve) => port1.on('close', resolve));
    near.close();
    near.tell('line', { port: port2 });
    await within(closed, 'the end of it');
  });
});

describe('a parcel', () => {
  it('brings entries whole, each body in memory of its own, and leaves those they were made of', () => {
    const large = Buffer.alloc(100_000, 'x');
    const entries = ['a', 'b', 'c'].map((name, at) => {
      const entry = sampleEntry(name, { born: 1 });
      return { ...entry, payload: { ...entry.payload, body: large.subarray(at * 10, at * 10 + at * 500) } };
    });
    const came = unpack(structuredClone(pack(entries)));
    assert.deepEqual(came, entries);
    assert.deepEqual(
      came.map(({ payload }) => payload.body.buffer.byteLength),
      [0, 500, 1_000],
    );
    assert.deepEqual(unpack(pack([])), []);
  });
});

describe('a bulletin', () => {
  function three(t: TestContext) {
    const address = { name: `test ${Math.random()}`, count: new SharedArrayBuffer(4) };
    const heard: Notice[][] = [[], [], []];
    const bulletins = heard.map((own) => new Bulletin(address, (notice) => own.push(notice)));
    t.after(() => {
      for (const bulletin of bulletins) bulletin.close();
    });
    return { bulletins, heard };
  }
  const dropped = (id: string): Notice => ({ kind: 'dropped', ids: [id] });

  it('is with all others when it is posted, in the order of each, and not with who posted it', (t) => {
    const { bulletins, heard } = three(t);
    bulletins[0]?.post(dropped('a'));
    bulletins[1]?.post(dropped('b'));
    bulletins[0]?.post(dropped('c'));
    for (const bulletin of bulletins) bulletin.catchUp();
    assert.deepEqual(heard[2], ['a', 'b', 'c'].map(dropped));
    assert.deepEqual(heard[1], ['a', 'c'].map(dropped));
    assert.deepEqual(heard[0], [dropped('b')]);
  });

  it('is taken by and by also by those who never ask, and once', async (t) => {
    const { bulletins, heard } = three(t);
    bulletins[0]?.post(dropped('a'));
    await until(() => heard[1]?.length === 1, 'the notice');
    bulletins[1]?.catchUp();
    assert.equal(heard[1]?.length, 1);
  });
});

describe('leases', () => {
  it('of several takers the last one counts, and whoever waits for an earlier one is told of its end', async () => {
    const leases = new Leases<string>();
    const first = leases.take('x', 'a', 1);
    const waiting = leases.over(first.number);
    const second = leases.take('x', 'b', 2);
    leases.release(first.number);
    await within(waiting, 'the end of the first');
    assert.equal(leases.of('x'), second);
    leases.free('b');
    await within(leases.over(second.number), 'the end of the second');
    assert.equal(leases.of('x'), undefined);
  });

  it('are found by their numbers while they last, and what they were for is known for a while after', () => {
    const leases = new Leases<string>();
    const { number } = leases.take('x', 'a', 1);
    assert.deepEqual([leases.at(number)?.owner, leases.hasEnded('x')], ['a', false]);
    leases.release(number);
    assert.deepEqual([leases.at(number), leases.hasEnded('x')], [undefined, true]);
    for (let at = 0; at < 1_000; at += 1) leases.release(leases.take(`${at}`, 'a', 1).number);
    assert.deepEqual([leases.hasEnded('x'), leases.hasEnded('0')], [false, true]);
  });
});
