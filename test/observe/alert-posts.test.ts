import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type AlertDraft, AlertPosts } from '../../src/observe/alert-posts.ts';
import { type Event, Events } from '../../src/observe/events.ts';
import { ManualClock } from '../support/clock.ts';

/** Posts that the test answers: the last of `answers` from then on. */
function posting(...answers: readonly (number | Error | 'silence')[]) {
  const clock = new ManualClock();
  const events = new Events();
  const told: string[] = [];
  events.listen((event: Event) => {
    if (event.kind === 'degraded' || event.kind === 'recovered') told.push(`${event.kind}: ${event.why}`);
  });
  const sent: AlertDraft[] = [];
  const rest = [...answers];
  const posts = new AlertPosts({
    clock,
    events,
    host: 'shop-1',
    async send(draft, signal) {
      sent.push(draft);
      const answer = rest.length > 1 ? rest.shift() : rest[0];
      if (answer instanceof Error) throw answer;
      if (typeof answer === 'number') return answer;
      return await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('did not answer in time')));
      });
    },
  });
  const alert = (id: string, state: 'raised' | 'cleared' = 'raised') =>
    events.emit({
      kind: 'alert',
      id,
      severity: 'warning',
      message: `${id} is so`,
      state,
      since: clock.now(),
    });
  return {
    clock,
    posts,
    sent,
    told,
    alert,
    /** Lets time pass, a second at a time, and what waits for it happen. */
    async pass(ms: number) {
      for (let passed = 0; passed <= ms; passed += 1_000) {
        await turn();
        clock.advance(1_000);
      }
      await turn();
    },
  };
}

test('an alert is posted when it is raised and when it is cleared, in this order', async () => {
  const { sent, alert, pass, clock, posts } = posting(204);
  const since = new Date(clock.now()).toISOString();
  alert('disk-space');
  alert('disk-space', 'cleared');
  await pass(0);
  assert.deepEqual(
    sent.map(({ event }) => event),
    ['alert.raised', 'alert.cleared'],
  );
  assert.deepEqual(JSON.parse(sent[0]?.payload ?? ''), {
    type: 'alert.raised',
    timestamp: since,
    data: { id: 'disk-space', severity: 'warning', since, message: 'disk-space is so', host: 'shop-1' },
  });
  assert.notEqual(sent[0]?.id, sent[1]?.id);
  assert.deepEqual(posts.counts, { delivered: 2, failed: 0, dropped: 0 });
});

test('what fails is tried again under its id, with the time of the attempt; what comes after it waits', async () => {
  const { sent, alert, pass, posts, told } = posting(500, new Error('no route'), 302, 200);
  alert('a');
  alert('b');
  await pass(10_000);
  const [first, ...others] = sent;
  assert.deepEqual(
    others.map(({ id }) => id === first?.id),
    [true, true, true, false],
  );
  assert.deepEqual(
    sent.slice(0, 4).map(({ now }) => now - (first?.now ?? 0)),
    [0, 1_000, 3_000, 7_000],
  );
  assert.deepEqual(posts.counts, { delivered: 2, failed: 3, dropped: 0 });
  assert.deepEqual(told, ['degraded: the answer has status 500', 'recovered: after 3 attempts']);
});

test('an answer that does not come is waited for fifteen seconds', async () => {
  const { sent, alert, pass, told } = posting('silence', 200);
  alert('a');
  await pass(14_000);
  assert.equal(sent.length, 1);
  await pass(3_000);
  assert.equal(sent.length, 2);
  assert.equal(told[0], 'degraded: did not answer in time');
});

test('an alert is given up after an hour of attempts, of which there is one a minute', async () => {
  const { sent, alert, pass, posts } = posting(503);
  alert('a');
  await pass(3_700_000);
  assert.deepEqual([posts.counts.delivered, posts.counts.dropped], [0, 1]);
  assert.ok(sent.length > 60 && sent.length < 70, `${sent.length} attempts`);
  await pass(600_000);
  assert.equal(posts.counts.failed, sent.length);
});

test('of more than a hundred the oldest that waits is dropped', async () => {
  const { sent, alert, pass, posts } = posting(503, 200);
  for (let at = 0; at < 105; at += 1) alert(`${at}`);
  await pass(2_000);
  assert.deepEqual(posts.counts, { delivered: 100, failed: 1, dropped: 5 });
  assert.match(sent.at(-1)?.payload ?? '', /"104"/);
});

test('a stop sends what waits, and does not wait for a receiver that is gone', async () => {
  const waiting = posting(503, 200);
  waiting.alert('a');
  waiting.alert('b');
  await waiting.pass(0);
  await waiting.posts.close();
  assert.equal(waiting.posts.counts.delivered, 2);

  const gone = posting('silence');
  gone.alert('a');
  gone.alert('b');
  const closed = gone.posts.close();
  gone.clock.advance(3_000);
  await closed;
  assert.deepEqual(gone.posts.counts, { delivered: 0, failed: 1, dropped: 2 });
  gone.alert('c');
  assert.equal(gone.sent.length, 1);
  assert.equal(gone.clock.pending, 0);
});
