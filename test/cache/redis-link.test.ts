import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { RedisConnection } from '../../src/cache/redis-client.ts';
import { RedisAway, RedisLink } from '../../src/cache/redis-link.ts';
import { ManualClock } from '../support/clock.ts';

/** A connection that answers when it is told to. */
class FakeConnection implements RedisConnection {
  isDestroyed = false;
  readonly waiting: ((answer: unknown) => void)[] = [];
  readonly onLost: (cause: unknown) => void;

  constructor(onLost: (cause: unknown) => void) {
    this.onLost = onLost;
  }

  send(): Promise<unknown> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async subscribe(): Promise<void> {}

  async scan(): Promise<void> {}

  destroy(): void {
    this.isDestroyed = true;
  }
}

function linked(greet: () => Promise<void> = async () => {}) {
  const clock = new ManualClock();
  const connections: FakeConnection[] = [];
  const told: (string | undefined)[] = [];
  const link = new RedisLink({
    clock,
    timeoutMs: 50,
    greet,
    onChange: (why) => told.push(why),
    async connect(onLost) {
      const connection = new FakeConnection(onLost);
      connections.push(connection);
      return connection;
    },
  });
  const ask = () =>
    link.ask('k', ['GET', 'k']).then(String, (thrown) => (thrown instanceof RedisAway ? 'away' : 'other'));
  const pass = async (ms: number) => {
    clock.advance(ms);
    // What is late is judged after everything that came has been read.
    for (let at = 0; at < 5; at += 1) await turn();
  };
  return { link, clock, connections, told, ask, pass };
}

test('nobody waits longer than the timeout, and an answer that is there by then counts', async () => {
  const { link, connections, told, ask, pass } = linked();
  assert.equal(await ask(), 'away');
  await link.open();
  assert.deepEqual([link.isUp, link.outage, told], [true, undefined, [undefined]]);
  const [inTime, late] = [ask(), ask()];
  connections[0]?.waiting[0]?.('one');
  await pass(50);
  assert.deepEqual([await inTime, await late], ['one', 'away']);
  assert.ok(link.isUp);
});

test('while an answer is late nobody waits for another, until one has come in time', async () => {
  const { link, connections, told, ask, pass } = linked();
  await link.open();
  const waiting = connections[0]?.waiting ?? [];
  await pass(2_000);
  const many = Array.from({ length: 20 }, () => ask());
  await pass(50);
  assert.deepEqual(new Set(await Promise.all(many)), new Set(['away']));
  assert.deepEqual([link.isUp, link.isPrompt, link.outages], [true, false, 1]);
  assert.deepEqual([link.outage, told[1]], ['no answer within 50 ms', 'no answer within 50 ms']);
  assert.equal(await ask(), 'away');
  // It is asked once more at once, and that comes late as well; then again a while later.
  await pass(0);
  assert.equal(waiting.length, 21);
  await pass(60);
  for (const answer of waiting) answer('late');
  await pass(0);
  await pass(99);
  assert.deepEqual([link.isPrompt, waiting.length], [false, 21]);
  await pass(1);
  waiting[21]?.('in time');
  await pass(0);
  assert.deepEqual([link.isPrompt, link.outage, told.at(-1)], [true, undefined, undefined]);
  const answered = ask();
  waiting[22]?.('again');
  assert.equal(await answered, 'again');
  // One that is late now and then is asked less and less often.
  for (const pause of [200, 400, 800, 1_000, 1_000]) {
    const late = ask();
    await pass(50);
    assert.equal(await late, 'away');
    const asked: number = waiting.length;
    await pass(pause - 1);
    assert.equal(waiting.length, asked);
    await pass(1);
    waiting[asked]?.('in time');
    await pass(0);
    assert.ok(link.isPrompt);
  }
  assert.deepEqual([link.outages, connections.length], [6, 1]);
});

test('one that answers nothing any more is given up for another connection', async () => {
  const { link, connections, ask, pass } = linked();
  await link.open();
  await pass(2_000);
  const late = ask();
  await pass(50);
  assert.equal(await late, 'away');
  await pass(0);
  await pass(2_000);
  assert.deepEqual([link.isUp, link.outages, connections[0]?.isDestroyed], [false, 1, true]);
  await pass(100);
  assert.deepEqual([link.isUp, link.isPrompt, connections.length], [true, true, 2]);
});

test('what answers in time but takes its time is asked for no leases, and then for nothing', async () => {
  const { link, connections, ask, pass } = linked();
  await link.open();
  await pass(2_000);
  const waiting = connections[0]?.waiting ?? [];
  const askFor = async (ms: number) => {
    const asked = ask();
    await pass(ms);
    waiting.at(-1)?.('there');
    await asked;
  };
  for (let at = 0; at < 30; at += 1) await askFor(16);
  assert.deepEqual([link.isPrompt, link.isBrisk], [true, true]);
  for (let at = 0; at < 30; at += 1) await askFor(24);
  assert.deepEqual([link.isPrompt, link.isBrisk], [true, false]);
  await askFor(26);
  assert.deepEqual([link.isUp, link.isPrompt, link.outage], [true, false, 'answers take more than 25 ms']);
});

test('who has waited for half of the timeout waits for nothing more, and one such answer is not told', async () => {
  const { link, connections, told, ask, pass } = linked();
  await link.open();
  const waiting = connections[0]?.waiting ?? [];
  const slow = async (at: number) => {
    await pass(45);
    waiting[at]?.('slow');
    // Once to hear it, and once to ask again.
    for (let turns = 0; turns < 2; turns += 1) await pass(0);
  };
  const first = ask();
  await slow(0);
  assert.deepEqual([await first, await ask(), waiting.length], ['slow', 'away', 2]);
  waiting[1]?.('in time');
  await pass(0);
  assert.deepEqual(
    [link.isPrompt, link.outages, link.outage, told.filter(Boolean)],
    [true, 0, undefined, []],
  );
  const second = ask();
  await slow(2);
  await slow(3);
  assert.equal(await second, 'slow');
  assert.deepEqual([link.outages, told.filter(Boolean)], [1, ['answers take more than 25 ms']]);
  await pass(100);
  waiting[4]?.('in time');
  await pass(0);
  assert.deepEqual([link.isPrompt, told.at(-1)], [true, undefined]);
  // It counts as an outage also where the next one never comes.
  const third = ask();
  await slow(5);
  assert.equal(await third, 'slow');
  await pass(2_000);
  assert.deepEqual([link.isUp, link.outages, told.at(-1)], [false, 2, 'no answer within 2000 ms']);
});

test('what a batch was late with is no reason to ask for nothing, but for a short question, and for no lease', async () => {
  const { link, connections, ask, pass } = linked();
  await link.open();
  await pass(2_000);
  const waiting = connections[0]?.waiting ?? [];
  const askForMany = async () => {
    const batch = link.ask('k', ['MGET', ...Array.from({ length: 16 }, (_, at) => `k${at}`)]);
    await pass(30);
    waiting.at(-1)?.('there');
    await batch;
  };
  await askForMany();
  assert.deepEqual([link.isPrompt, link.isBrisk, waiting.length], [true, false, 2]);
  // It was the batch.
  waiting.at(-1)?.('in time');
  await pass(0);
  assert.deepEqual([link.isPrompt, link.isBrisk], [true, true]);
  // It was Redis.
  await askForMany();
  await pass(30);
  waiting[3]?.('slow as well');
  await pass(0);
  assert.deepEqual([link.isPrompt, await ask()], [false, 'away']);
});

test('a connection that is lost is followed by another, and one that cannot be greeted is not used', async () => {
  let fails = true;
  const { link, connections, ask, pass } = linked(async () => {
    if (fails) throw new Error('not ours');
  });
  await link.open();
  assert.deepEqual([link.isUp, link.outage, link.outages], [false, 'not ours', 0]);
  fails = false;
  await pass(100);
  assert.ok(link.isUp);
  connections[1]?.onLost(new Error('reset'));
  assert.deepEqual([link.isUp, link.outage], [false, 'reset']);
  assert.equal(await ask(), 'away');
  await pass(200);
  assert.deepEqual([link.isUp, connections.length], [true, 3]);
  // What an earlier connection has to say concerns nobody any more.
  connections[0]?.onLost(new Error('late'));
  assert.ok(link.isUp);
  link.close();
  await pass(10_000);
  assert.deepEqual([link.isUp, connections.length, connections[2]?.isDestroyed], [false, 3, true]);
});
