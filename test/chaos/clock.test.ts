import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { chat, send } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { startReprise } from '../support/reprise.ts';
import { oneRoute, type Stage, setStage } from '../support/stage.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';
const [MINUTE, HOUR] = [60_000, 3_600_000];
// Chat answers are fresh for 30 minutes and kept for an hour more in case of errors.
const LIFE = 30 * MINUTE;

/** Sets the wall clock, as an operator would. */
function set(clock: ManualClock, byMs: number): void {
  clock.setWall(clock.now() + byMs);
}

/** Asks for the chat answer called `name`; gives what the cache did and the age it said. */
async function ask(stage: Stage, name: string): Promise<readonly [outcome: string, age: string | undefined]> {
  const { status, headers } = await stage.ask(CHAT, { body: chat(name) });
  assert.equal(status, 200);
  return [headers.get('x-cache') ?? '', headers.get('age')];
}

describe('the clock of the machine is set, while the proxy runs', () => {
  test('back by an hour: an entry ages on as before, and lives no longer than its time', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    await ask(stage, 'x');
    clock.advance(10 * MINUTE);
    set(clock, -HOUR);
    assert.deepEqual(await ask(stage, 'x'), ['HIT', '600']);
    clock.advance(LIFE - 10 * MINUTE - 1);
    assert.deepEqual(await ask(stage, 'x'), ['HIT', '1799']);
    clock.advance(1);
    assert.deepEqual(await ask(stage, 'x'), ['MISS', undefined]);
    assert.equal(stage.upstream.calls.length, 2);
  });

  test('forward by an hour: an entry is older by that, and new ones live their time', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    await ask(stage, 'x');
    set(clock, HOUR);
    assert.deepEqual(await ask(stage, 'x'), ['MISS', undefined]);
    clock.advance(LIFE - 1);
    assert.deepEqual(await ask(stage, 'x'), ['HIT', '1799']);
    clock.advance(1);
    assert.deepEqual(await ask(stage, 'x'), ['MISS', undefined]);
  });

  test('forward and back again: what was stored in between lives its time, not an hour more', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    set(clock, HOUR);
    await ask(stage, 'between');
    set(clock, -HOUR);
    await ask(stage, 'after');
    clock.advance(LIFE - 1);
    for (const name of ['between', 'after']) assert.deepEqual(await ask(stage, name), ['HIT', '1799']);
    clock.advance(1);
    for (const name of ['between', 'after']) assert.equal((await ask(stage, name))[0], 'MISS');
  });

  for (const [direction, byMs] of [
    ['back', -HOUR],
    ['forward', HOUR],
  ] as const) {
    test(`${direction} by an hour: a key whose refresh failed rests for its 5 seconds, no more and no less`, async () => {
      const clock = new ManualClock();
      await using stage = await setStage({ clock, upstreamSettings: { breaker: { failures: 100 } } });
      await ask(stage, 'x');
      clock.advance(LIFE);
      stage.upstream.answer((_request, response) => sendJson(response, 429, { error: { message: 'slow' } }));
      assert.equal((await ask(stage, 'x'))[0], 'STALE');
      assert.equal(stage.upstream.calls.length, 2);
      // Forward by less than what the entry is kept for.
      set(clock, byMs / 2);
      clock.advance(4_999);
      assert.equal((await ask(stage, 'x'))[0], 'STALE');
      assert.equal(stage.upstream.calls.length, 2);
      clock.advance(1);
      assert.equal((await ask(stage, 'x'))[0], 'STALE');
      assert.equal(stage.upstream.calls.length, 3);
    });

    test(`${direction} by an hour: a key whose answers are personal is not joined for its two minutes`, async () => {
      const clock = new ManualClock();
      await using stage = await setStage({ clock, ...oneRoute() });
      const answerWith = (headers: Readonly<Record<string, string>>) =>
        stage.upstream.answer((_request, response) => {
          response.writeHead(200, { 'content-type': 'text/plain', ...headers });
          response.end('a lamp');
        });
      const look = () => stage.ask('/catalog/1', { headers: { authorization: undefined } });
      const askTwice = async (arriving: number) => {
        const gate = stage.upstream.hold();
        const both = [look(), look()];
        await within(gate.arrived(arriving), `${arriving} calls`);
        await until(() => stage.reprise.running() === 2, 'both callers');
        gate.release();
        await Promise.all(both);
      };
      answerWith({ 'cache-control': 'private' });
      await look();
      set(clock, byMs);
      clock.advance(119_999);
      await askTwice(2);
      assert.equal(stage.upstream.calls.length, 3);
      answerWith({});
      clock.advance(120_000);
      await askTwice(1);
      assert.equal(stage.upstream.calls.length, 4);
    });
  }
});

test('the clock set back by an hour before a restart: what was born in the future is gone for good', async () => {
  await using upstream = await startUpstream();
  const clock = new ManualClock();
  const first = await startReprise({ upstream: upstream.url, clock });
  const old = { body: chat('an hour and a half ago') };
  const young = { body: chat('just now') };
  const headers = { 'x-cache-ttl': '24h' };
  await send(first.url + CHAT, { ...old, headers });
  clock.advance(1.5 * HOUR);
  await send(first.url + CHAT, { ...young, headers });
  await first.stop();

  const later = new ManualClock(clock.now() - HOUR);
  const second = await startReprise({ upstream: upstream.url, clock: later, folder: first.folder });
  const outcome = async (url: string, sent: object) => {
    const answer = await send(url + CHAT, sent);
    assert.equal(answer.status, 200);
    return [answer.headers.get('x-cache'), answer.headers.get('age')];
  };
  assert.deepEqual(await outcome(second.url, old), ['HIT', '1800']);
  const only = { ...young, headers: { 'cache-control': 'only-if-cached' } };
  assert.equal((await send(second.url + CHAT, only)).status, 504);
  // When the clock gets to where it was, it is no less gone.
  later.advance(HOUR + 5 * MINUTE);
  assert.equal((await send(second.url + CHAT, only)).status, 504);
  assert.deepEqual(await outcome(second.url, young), ['MISS', undefined]);
  assert.deepEqual(await outcome(second.url, young), ['HIT', '0']);
  await second.stop();
  await rm(first.folder, { recursive: true });
});
