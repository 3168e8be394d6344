import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { within } from '../support/deadline.ts';
import { type Answer, chat } from '../support/http.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { answering, cutBeforeHead, silent } from '../support/upstream/faults.ts';

const CHAT = '/v1/chat/completions';
const MINUTE = 60_000;

/** A way of being dead, which counts how often it is asked. */
interface Death {
  /** What a caller without an entry gets. */
  readonly status: number;
  /** Kills the upstream. Gives what tells how many calls were made to it since. */
  kill(stage: Stage): Promise<() => number>;
  /** Whether a call hangs until its time is over. */
  readonly hangs: boolean;
}

/** An upstream that is there and answers in this way. */
function answers(handler: Parameters<Stage['upstream']['answer']>[0], status: number, hangs = false): Death {
  return {
    status,
    hangs,
    async kill({ upstream }) {
      const before = upstream.calls.length;
      upstream.answer(handler);
      return () => upstream.calls.length - before;
    },
  };
}

const DEATHS: ReadonlyMap<string, Death> = new Map([
  ['that closes every connection', answers(cutBeforeHead, 502)],
  ['that answers 500', answers(answering(500, '{}'), 500)],
  ['that answers 503 and asks for patience', answers(answering(503, '', { 'retry-after': '1' }), 503)],
  ['that never answers', answers(silent, 504, true)],
  [
    'that is not there',
    {
      status: 502,
      hangs: false,
      async kill({ upstream }) {
        await upstream.close();
        let refused = 0;
        const count = (message: unknown) => {
          if (JSON.stringify(message).includes(new URL(upstream.origin).port)) refused += 1;
        };
        subscribe('undici:client:connectError', count);
        return () => {
          unsubscribe('undici:client:connectError', count);
          return refused;
        };
      },
    },
  ],
]);

/** The answer of a dead upstream's proxy; if the call hangs, time passes until it is given up. */
async function answered(stage: Stage, clock: ManualClock, death: Death, name: string): Promise<Answer> {
  const before = stage.upstream.calls.length;
  let over = false;
  const asked = stage.ask(CHAT, { body: chat(name) }).finally(() => {
    over = true;
  });
  if (death.hangs) {
    while (!over && stage.upstream.calls.length === before) await new Promise(setImmediate);
    if (!over) clock.advance(30_000);
  }
  return await within(asked, name);
}

for (const [which, death] of DEATHS) {
  describe(`an upstream ${which}`, () => {
    it('50 stale answers on a dead upstream cost at most 3 calls to it', async () => {
      const clock = new ManualClock();
      await using stage = await setStage({ clock, upstreamSettings: { timeouts: { total: '30s' } } });
      for (let at = 0; at < 50; at += 1) await stage.ask(CHAT, { body: chat(`q${at}`) });
      clock.advance(31 * MINUTE);
      const calls = await death.kill(stage);
      for (let at = 0; at < 50; at += 1) {
        const answer = await answered(stage, clock, death, `q${at}`);
        assert.deepEqual([answer.status, answer.headers.get('x-cache')], [200, 'STALE']);
        clock.advance(200);
      }
      const made = calls();
      assert.ok(made >= 1 && made <= 3, `${made} calls`);
    });

    it('1,000 calls without an entry make five calls, and then one for each probe', async () => {
      const clock = new ManualClock();
      await using stage = await setStage({ clock, upstreamSettings: { timeouts: { total: '30s' } } });
      const calls = await death.kill(stage);
      const statuses = new Map<number, number>();
      for (let at = 0; at < 1_000; at += 1) {
        const { status, headers } = await answered(stage, clock, death, `q${at}`);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (at > 5 && status === 503 && death.status !== 503)
          assert.match(headers.get('retry-after') ?? '', /^[12]$/);
        clock.advance(10);
      }
      // 10 s in all, two for each probe; those that hang stretch it.
      const made = calls();
      assert.ok(made >= 5 && made <= 10, `${made} calls`);
      if (death.status !== 503) assert.equal(statuses.get(death.status), made);
      assert.ok((statuses.get(503) ?? 0) >= 990);
    });
  });
}

describe('an upstream that is dead for many at once', () => {
  it('is asked by no more than ask before the first failures are known, and not again', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    const gate = stage.upstream.hold();
    stage.upstream.answer(cutBeforeHead);
    const first = Array.from({ length: 40 }, (_, at) => stage.ask(CHAT, { body: chat(`a${at}`) }));
    await within(gate.arrived(40), 'forty calls');
    gate.release();
    for (const { status } of await Promise.all(first)) assert.equal(status, 502);
    const more = Array.from({ length: 500 }, (_, at) => stage.ask(CHAT, { body: chat(`b${at}`) }));
    for (const { status } of await Promise.all(more)) assert.equal(status, 503);
    assert.equal(stage.upstream.calls.length, 40);
  });

  it('is asked by one of them when a probe is due, and by all once that has succeeded', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    stage.upstream.answer(cutBeforeHead);
    for (let at = 0; at < 5; at += 1) await stage.ask(CHAT, { body: chat(`a${at}`) });
    clock.advance(2_000);
    stage.upstream.answer(undefined);
    const gate = stage.upstream.hold();
    const asked = Array.from({ length: 100 }, (_, at) => stage.ask(CHAT, { body: chat(`b${at}`) }));
    await within(gate.arrived(1), 'the probe');
    let refused = 0;
    for (const answer of asked) void answer.then(({ status }) => status === 503 && refused++);
    while (refused < 99) await new Promise(setImmediate);
    assert.equal(stage.upstream.calls.length, 6);
    gate.release();
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    const after = Array.from({ length: 100 }, (_, at) => stage.ask(CHAT, { body: chat(`c${at}`) }));
    for (const { status } of await Promise.all(after)) assert.equal(status, 200);
  });
});

describe('an upstream that answers 429 to everything', () => {
  it('is asked once a key and rest, while the old answers are served; it counts as up', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    for (let at = 0; at < 50; at += 1) await stage.ask(CHAT, { body: chat(`q${at}`) });
    clock.advance(31 * MINUTE);
    stage.upstream.answer(answering(429, '{}', { 'retry-after': '1' }));
    for (let round = 1; round <= 20; round += 1) {
      for (let at = 0; at < 50; at += 1) {
        const { headers } = await stage.ask(CHAT, { body: chat(`q${at}`) });
        assert.equal(headers.get('x-cache'), 'STALE');
      }
      clock.advance(500);
      // retry_after_failure is 5 s: ten rounds.
      assert.equal(stage.upstream.calls.length, 50 + 50 * Math.ceil(round / 10));
    }
    const ready = await stage.ask('/health/ready');
    assert.equal(ready.json().status, 'ok');
    stage.upstream.answer(undefined);
    clock.advance(5_000);
    assert.equal((await stage.ask(CHAT, { body: chat('q0') })).headers.get('x-cache'), 'MISS');
  });

  it('passes its 429 and retry-after on to who has no entry, and never opens the breaker', async () => {
    await using stage = await setStage();
    stage.upstream.answer(answering(429, '{"error":{}}', { 'retry-after': '7' }));
    for (let at = 0; at < 20; at += 1) {
      const { status, headers } = await stage.ask(CHAT, { body: chat(`q${at}`) });
      assert.deepEqual([status, headers.get('retry-after')], [429, '7']);
    }
    assert.equal(stage.upstream.calls.length, 20);
  });
});
