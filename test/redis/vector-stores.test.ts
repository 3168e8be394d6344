import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Clock, systemClock } from '../../src/shared/clock.ts';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { startFleet } from '../support/fleet.ts';
import { chat, type Sent, send } from '../support/http.ts';
import { noRedis } from '../support/redis.ts';
import type { TestReprise } from '../support/reprise.ts';

const CHAT = '/v1/chat/completions';
const STORE = '/v1/vector_stores/vs_1';
const MINUTE = 60_000;

/** Time passes by itself, for what instances say to each other, and a minute when the test says so. */
class SkippingClock implements Clock {
  readonly #skipped = new ManualClock(0);

  now(): number {
    return systemClock.now() + this.#skipped.elapsed();
  }

  elapsed(): number {
    return systemClock.elapsed() + this.#skipped.elapsed();
  }

  after(...[ms, run]: Parameters<Clock['after']>): ReturnType<Clock['after']> {
    return ms < MINUTE ? systemClock.after(ms, run) : this.#skipped.after(ms, run);
  }

  skip(ms: number): void {
    this.#skipped.advance(ms);
  }
}

async function asked({ url }: TestReprise, path: string, sent: Sent): Promise<string> {
  const { headers, status } = await send(url + path, sent);
  assert.equal(status, 200);
  return `${headers.get('x-cache')} ${headers.get('x-cache-reason') ?? ''}`.trim();
}

const search = (instance: TestReprise, headers = {}) =>
  asked(instance, `${STORE}/search`, { body: { query: 'kettle' }, headers });

describe('a write to a vector store that comes to one of several instances', { skip: noRedis }, () => {
  for (const stops of [false, true])
    test(`keeps all from storing its searches for 60 s, also where it ${stops ? 'stops' : 'goes on'}`, async () => {
      const clock = new SkippingClock();
      await using fleet = await startFleet({ clock });
      await until(() => fleet.isComplete(), 'three instances that know each other');
      const [one, two, three] = fleet.instances;
      for (const instance of [one, two]) await search(instance);
      await send(`${one.url}${STORE}/files`, { body: { file_id: 'file-1' } });
      if (stops) await one.stop();
      for (let turn = 0; turn < 2; turn += 1) {
        for (const instance of [two, three])
          assert.equal(await search(instance), 'MISS vector-store-written');
        clock.skip(MINUTE / 2 - 1);
      }
      // What begins in that time is not stored after it either.
      const gate = fleet.upstream.hold();
      const late = search(two);
      await gate.arrived(1);
      clock.skip(2);
      gate.release();
      assert.equal(await late, 'MISS vector-store-written');
      assert.match(await search(two), /^MISS (absent|invalidated)$/);
      assert.equal(await search(two), 'HIT');
    });

  test('keeps all threads of all instances from it', async () => {
    await using fleet = await startFleet({ workers: 2 });
    await until(() => fleet.isComplete(), 'three instances that know each other');
    const [one, two, three] = fleet.instances;
    await send(`${one.url}${STORE}/files`, { body: { file_id: 'file-1' } });
    for (let turn = 0; turn < 4; turn += 1)
      for (const instance of [one, two, three])
        assert.equal(await search(instance), 'MISS vector-store-written');
  });

  test('keeps what others write later from such a search from being stored', async () => {
    const clock = new SkippingClock();
    await using fleet = await startFleet({ clock });
    await until(() => fleet.isComplete(), 'three instances that know each other');
    const [one, two, three] = fleet.instances;
    await send(`${one.url}${STORE}/files`, { body: { file_id: 'file-1' } });
    clock.skip(MINUTE - 1_000);
    const traced = (trace: string) => ({ 'x-cache-trace': trace });
    const prose = (instance: TestReprise, question: string, trace: string) =>
      asked(instance, CHAT, { body: chat(question), headers: traced(trace) });
    assert.equal(await search(three, traced('t1')), 'MISS vector-store-written');
    clock.skip(MINUTE);
    await prose(two, 'Which?', 't1');
    assert.match(await prose(two, 'Which?', 't1'), /^MISS/);
    await search(three, traced('t2'));
    await prose(two, 'And now?', 't2');
    assert.equal(await prose(two, 'And now?', 't2'), 'HIT');
  });
});
