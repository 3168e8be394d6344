import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { type Answer, chat, open } from '../support/http.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { cutBeforeHead } from '../support/upstream/faults.ts';

const CHAT = '/v1/chat/completions';
const MINUTE = 60_000;

/** What a client sees of an answer: status, and the code of an error of ours. */
function seen({ status, body }: Answer): string {
  return status === 503 ? `503 ${JSON.parse(body.toString()).error.code}` : String(status);
}

const ready = async (stage: Stage) =>
  ((await stage.ask('/health/ready')).json() as { status: string }).status;

/** A stage with room for one call, and one to wait; and that one call, held at the upstream. */
async function setBusy(concurrency: object = {}, more: object = {}) {
  const clock = new ManualClock();
  const stage = await setStage({
    clock,
    upstreamSettings: { concurrency: { max: 1, queue: 1, ...concurrency }, ...more },
  });
  const gate = stage.upstream.hold();
  const first = stage.ask(CHAT, { body: chat('first') });
  await within(gate.arrived(1), 'the first call');
  return { clock, stage, gate, first };
}

/** Resolves when so many calls wait for their turn, each with a timer beside those that run (`others`). */
const queued = (clock: ManualClock, count: number, others: number) =>
  until(() => clock.pending === count + others, `${count} calls wait`);

/** Timers that are always there in these tests: the sweep's, the two of monitoring, and the running call's deadline. */
const RUNNING = 4;

describe('an upstream with a bound on its calls', () => {
  it('is sent so many at once, and the others in the order in which they came', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock, upstreamSettings: { concurrency: { max: 3 } } });
    const gate = stage.upstream.hold();
    const answers: Promise<Answer>[] = [];
    for (let at = 0; at < 20; at += 1) {
      answers.push(stage.ask(CHAT, { body: chat(`q${at}`) }));
      if (at < 3) await within(gate.arrived(at + 1), `call ${at} is at the upstream`);
      else await queued(clock, at - 2, RUNNING + 2);
    }
    assert.equal(stage.upstream.calls.length, 3);
    for (let passed = 1; passed <= 17; passed += 1) {
      gate.let(1);
      await within(gate.arrived(3 + passed), 'the next one');
      assert.equal(stage.upstream.calls.length, 3 + passed);
    }
    gate.release();
    for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
    const asked = stage.upstream.calls.map((call) => JSON.stringify(call.json().messages));
    assert.deepEqual(
      asked.map((text) => Number(/q(\d+)/.exec(text)?.[1])),
      Array.from({ length: 20 }, (_, at) => at),
    );
  });

  it('answers 503 overloaded at once beyond the queue, and to who has waited too long; it is no failure', async () => {
    const { clock, stage, gate, first } = await setBusy();
    await using _stage = stage;
    const second = stage.ask(CHAT, { body: chat('second') });
    await queued(clock, 1, RUNNING);
    clock.advance(12_500);
    for (let time = 0; time < 9; time += 1) {
      const third = await stage.ask(CHAT, { body: chat('third') });
      assert.equal(seen(third), '503 overloaded');
      assert.equal(third.headers.get('retry-after'), '13');
      assert.equal(third.headers.get('x-should-retry'), undefined);
      assert.match(third.body.toString(), /settings upstreams\.default\.concurrency/);
    }
    clock.advance(17_500);
    const late = await within(second, 'the second');
    assert.equal(seen(late), '503 overloaded');
    assert.equal(late.headers.get('retry-after'), '30');
    assert.equal(stage.upstream.calls.length, 1);
    assert.equal(await ready(stage), 'ok');
    gate.release();
    assert.equal(seen(await first), '200');
    assert.equal(seen(await stage.ask(CHAT, { body: chat('fourth') })), '200');
  });

  it('waiting is no part of the timeouts: they begin when the call goes out', async () => {
    const timeouts = { total: '20s' };
    const { clock, stage, gate, first } = await setBusy({ queue: 1, wait: '60s' }, { timeouts });
    await using _stage = stage;
    const second = stage.ask(CHAT, { body: chat('second') });
    await queued(clock, 1, RUNNING);
    clock.advance(19_000);
    gate.let(1);
    await first;
    await within(gate.arrived(2), 'the second call');
    clock.advance(19_000);
    gate.let(1);
    assert.equal(seen(await within(second, 'the second')), '200');
    const third = stage.ask(CHAT, { body: chat('third') });
    await within(gate.arrived(3), 'the third call');
    clock.advance(20_000);
    assert.equal((await within(third, 'the third')).status, 504);
  });

  it('hits and joined calls take no place', async () => {
    const { stage, gate, first } = await setBusy({ queue: 0 });
    await using _stage = stage;
    const joined = Array.from({ length: 50 }, () => stage.ask(CHAT, { body: chat('first') }));
    await until(() => stage.reprise.running() === 51, 'all have joined');
    gate.let(1);
    for (const answer of [await first, ...(await Promise.all(joined))]) assert.equal(answer.status, 200);
    const second = stage.ask(CHAT, { body: chat('second') });
    await within(gate.arrived(2), 'the second call');
    assert.equal((await stage.ask(CHAT, { body: chat('first') })).headers.get('x-cache'), 'HIT');
    gate.release();
    assert.equal(seen(await second), '200');
  });

  it('a stream holds its place to its end; relayed and bypassing calls hold one too', async () => {
    await using stage = await setStage({ upstreamSettings: { concurrency: { max: 1, queue: 0 } } });
    const gate = stage.upstream.holdChunks(2);
    const stream = await open(stage.reprise.url + CHAT, { body: chat('x', { stream: true }) });
    const others = [
      ['POST', CHAT, chat('y'), {}],
      ['POST', CHAT, chat('y'), { 'cache-control': 'no-store' }],
      ['GET', '/v1/files', undefined, {}],
      ['POST', '/v1/files', 'x'.repeat(3_000_000), {}],
    ] as const;
    for (const [method, path, body, headers] of others) {
      const answer = await stage.ask(path, { method, headers, ...(body && { body }) });
      assert.equal(seen(answer), '503 overloaded', `${method} ${path}`);
    }
    gate.release();
    for await (const _ of stream.chunks);
    for (const [method, path, body, headers] of others) {
      const answer = await stage.ask(path, { method, headers, ...(body && { body }) });
      assert.notEqual(answer.status, 503, `${method} ${path}`);
    }
  });

  it('serves what is stale instead of waiting in vain: at once if the queue is full, else when the wait is over', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({
      clock,
      upstreamSettings: { concurrency: { max: 1, queue: 1 } },
    });
    for (const name of ['a', 'b', 'c']) await stage.ask(CHAT, { body: chat(name) });
    clock.advance(31 * MINUTE);
    const gate = stage.upstream.hold();
    const first = stage.ask(CHAT, { body: chat('a') });
    await within(gate.arrived(1), 'the first call');
    const second = stage.ask(CHAT, { body: chat('b') });
    await queued(clock, 1, RUNNING);
    assert.equal((await stage.ask(CHAT, { body: chat('c') })).headers.get('x-cache'), 'STALE');
    clock.advance(30_000);
    assert.equal((await within(second, 'the second')).headers.get('x-cache'), 'STALE');
    // It rests now, as after any refresh that failed.
    assert.equal((await stage.ask(CHAT, { body: chat('b') })).headers.get('x-cache'), 'STALE');
    assert.equal(stage.upstream.calls.length, 4);
    gate.release();
    assert.equal((await first).headers.get('x-cache'), 'MISS');
  });

  it('a call whose caller leaves while it waits frees its place and never reaches the upstream', async () => {
    const { clock, stage, gate, first } = await setBusy();
    await using _stage = stage;
    for (const [path, headers] of [
      [CHAT, {}],
      [CHAT, { 'cache-control': 'no-store' }],
      ['/v1/images/generations', {}],
    ] as const) {
      let leave = () => {};
      const gone = open(stage.reprise.url + path, { body: chat('gone'), headers }, (how) => {
        leave = how;
      });
      await queued(clock, 1, RUNNING);
      leave();
      await assert.rejects(gone);
      await queued(clock, 0, RUNNING);
    }
    const second = stage.ask(CHAT, { body: chat('second') });
    await queued(clock, 1, RUNNING);
    gate.release();
    assert.deepEqual([seen(await first), seen(await second)], ['200', '200']);
    assert.equal(stage.upstream.calls.length, 2);
    await until(() => stage.reprise.running() === 0, 'nothing runs');
  });

  it('that goes down meanwhile is not asked by those who waited: each is told when its turn comes', async () => {
    const { clock, stage, gate, first } = await setBusy(
      { queue: 20 },
      { breaker: { failures: 1, probe: '2s' } },
    );
    await using _stage = stage;
    const others = Array.from({ length: 20 }, (_, at) => stage.ask(CHAT, { body: chat(`q${at}`) }));
    await queued(clock, 20, RUNNING);
    stage.upstream.answer(cutBeforeHead);
    gate.release();
    assert.equal(seen(await first), '502');
    for (const answer of await Promise.all(others)) {
      assert.equal(seen(answer), '503 upstream_unavailable');
      assert.equal(answer.headers.get('retry-after'), '2');
    }
    assert.equal(stage.upstream.calls.length, 1);
    stage.upstream.answer(undefined);
    assert.equal(seen(await stage.ask(CHAT, { body: chat('too soon') })), '503 upstream_unavailable');
    clock.advance(2_000);
    assert.equal(seen(await stage.ask(CHAT, { body: chat('probe') })), '200');
  });

  it('places are given up once, however a call ends', async () => {
    await using stage = await setStage({
      upstreamSettings: { concurrency: { max: 2, queue: 0 }, breaker: { failures: 1_000_000 } },
    });
    const ways = [undefined, cutBeforeHead, 'leave'] as const;
    for (let time = 0; time < 60; time += 1) {
      const way = ways[time % ways.length];
      const body = chat(`q${time}`, { stream: time % 2 === 0 });
      const path = time % 5 === 0 ? '/v1/images/generations' : CHAT;
      if (way === 'leave') {
        const gate = stage.upstream.hold();
        let leave = () => {};
        const gone = open(stage.reprise.url + path, { body }, (how) => {
          leave = how;
        });
        await within(gate.arrived(1), 'the call');
        leave();
        await assert.rejects(gone);
        gate.release();
      } else {
        stage.upstream.answer(way);
        assert.notEqual((await stage.ask(path, { body })).status, 503);
        stage.upstream.answer(undefined);
      }
      await until(() => stage.reprise.running() === 0, 'nothing runs');
    }
    const gate = stage.upstream.hold();
    const both = ['a', 'b'].map((name) => stage.ask(CHAT, { body: chat(name) }));
    await within(gate.arrived(2), 'two calls');
    assert.equal(seen(await stage.ask(CHAT, { body: chat('c') })), '503 overloaded');
    gate.release();
    for (const answer of await Promise.all(both)) assert.equal(answer.status, 200);
  });
});
