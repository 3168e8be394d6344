import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answered } from '../../src/observe/events.ts';
import { EventsToTell, eventsIn, type SentEvent } from '../../src/workers/told-events.ts';
import { answered, keyNamed } from '../support/answered.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`seed ${seed}`);

/** A small generator (mulberry32). */
function dice(from: number): (sides: number) => number {
  let state = from;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}

const KEYS = ['a', 'b'].map((name) => [keyNamed(name)]);
const USAGE = { model: 'm', promptTokens: 1, completionTokens: 2, cachedTokens: 0, cacheWriteTokens: 0 };

/** Events of few kinds, so that most are like one before. */
function eventOf(roll: (sides: number) => number, at: number): SentEvent {
  if (roll(10) === 0) return { kind: 'degraded', what: `part ${roll(3)}`, why: 'so' };
  const ms = roll(3);
  const usage = { ...USAGE, serviceTier: undefined, promptTokens: roll(2) };
  const more: Partial<Answered> = {
    ...(roll(8) === 0 ? { keys: [] } : { keys: KEYS[roll(2)] ?? [] }),
    outcome: ['HIT', 'STALE'][roll(2)] ?? '',
    level: (['l1', 'l2'] as const)[roll(2)],
    status: [200, 404][roll(2)] ?? 200,
    parts: { hits: 1, total: 1 + roll(2) },
    usage: roll(3) === 0 ? undefined : usage,
    spared: roll(3) === 0 ? undefined : { calls: 1, usage, upstreamMs: roll(2) },
    ms,
    headMs: roll(5) === 0 ? undefined : ms,
    ...(roll(6) === 0 && { upstreamMs: 1 }),
    requestId: `req_${at}`,
  };
  return answered('a', more);
}

test('events come as they were told, in their order, and hits that are alike as little more than numbers', () => {
  const roll = dice(seed);
  const gathered = new EventsToTell();
  for (let round = 0; round < 200; round += 1) {
    const events = Array.from({ length: roll(60) }, (_, at) => eventOf(roll, at));
    for (const event of events) gathered.add(event);
    const told = structuredClone(gathered.take());
    assert.deepEqual([...eventsIn(told)], events, `seed ${seed}, round ${round}`);
    assert.equal(told.events.length, events.length);
  }
  assert.deepEqual(gathered.take(), { events: [], ms: [], requestIds: [] });
});

test('a thousand hits of one answer are told by one event, however it was asked for', () => {
  const gathered = new EventsToTell();
  for (let at = 0; at < 1_000; at += 1) {
    const keys = [keyNamed('a')];
    gathered.add(answered('a', { keys, outcome: 'HIT', ms: at, headMs: at, requestId: `req_${at}` }));
  }
  const { events } = gathered.take();
  assert.deepEqual(
    events.map((event) => typeof event),
    ['object', ...new Array(999).fill('number')],
  );
});
