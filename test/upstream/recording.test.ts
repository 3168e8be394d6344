import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RepriseError } from '../../src/shared/errors.ts';
import { type Cursor, Recording } from '../../src/upstream/recording.ts';
import { ManualClock } from '../support/clock.ts';
import { within } from '../support/deadline.ts';

function setUp(maxBytes = 1_000_000_000) {
  const clock = new ManualClock();
  const told: string[] = [];
  const recording = new Recording({
    clock,
    maxBytes,
    onOverflow: () => told.push('overflow'),
    pause: () => told.push('pause'),
    resume: () => told.push('resume'),
  });
  return { clock, told, recording };
}

async function readAll(cursor: Cursor): Promise<string> {
  let text = '';
  for (;;) {
    const chunk = await within(cursor.next(), 'the next chunk');
    if (chunk === 'end') return text;
    text += chunk.toString();
  }
}

const bytes = (text: string) => Buffer.from(text);
const MB = Buffer.alloc(1_000_000, 'x');

describe('a recording', () => {
  it('gives every reader the same bytes, whenever it came', async () => {
    const { recording } = setUp();
    const early = readAll(recording.follow());
    recording.append(bytes('one '));
    recording.append(bytes('two '));
    const late = readAll(recording.follow());
    recording.append(bytes('three'));
    recording.complete();
    const after = readAll(recording.follow());
    assert.deepEqual(await Promise.all([early, late, after]), [
      'one two three',
      'one two three',
      'one two three',
    ]);
    assert.equal(recording.body().toString(), 'one two three');
  });

  it('gives what has come, then the error, when the upstream breaks', async () => {
    const { recording } = setUp();
    const cursor = recording.follow();
    recording.append(bytes('half'));
    recording.fail(new RepriseError('upstream_unreachable', 'broke'));
    assert.equal(String(await cursor.next()), 'half');
    await assert.rejects(cursor.next(), /broke/);
    await assert.rejects(readAll(recording.follow()), /broke/);
  });

  it('a reader that leaves is told nothing more, and the others are not harmed', async () => {
    const { recording } = setUp();
    const gone = recording.follow();
    const stays = readAll(recording.follow());
    gone.leave();
    recording.append(bytes('x'));
    recording.complete();
    assert.equal(await stays, 'x');
  });

  it('beyond its bound it says so once, and nobody new can follow what it no longer holds', async () => {
    const { recording, told } = setUp(10);
    const cursor = recording.follow();
    recording.append(bytes('12345678'));
    assert.deepEqual(told, []);
    recording.append(bytes('9012'));
    assert.deepEqual(told, ['overflow']);
    assert.equal(recording.overflowed, true);
    await cursor.next();
    await cursor.next();
    assert.throws(() => recording.follow(), /no longer holds/);
    assert.throws(() => recording.body(), /no longer holds/);
    recording.append(bytes('more'));
    recording.complete();
    assert.equal(await readAll(cursor), 'more');
  });

  it('many small chunks are too much, too: they cost more than their bytes', async () => {
    const { recording, told } = setUp();
    const fast = recording.follow();
    const slow = recording.follow();
    for (let count = 0; count < 100_000; count += 1) recording.append(bytes('x'));
    assert.deepEqual(told, []);
    recording.append(bytes('x'));
    assert.deepEqual(told, ['overflow', 'pause']);
    fast.leave();
    for (let count = 0; count < 97_001; count += 1) await slow.next();
    assert.deepEqual(told, ['overflow', 'pause', 'resume']);
  });

  it('beyond its bound the upstream waits for the slowest reader', async () => {
    const { recording, told } = setUp(10);
    const fast = recording.follow();
    const slow = recording.follow();
    for (let count = 0; count < 3; count += 1) {
      recording.append(MB);
      await fast.next();
    }
    assert.deepEqual(told, ['overflow', 'pause']);
    await slow.next();
    await slow.next();
    assert.deepEqual(told, ['overflow', 'pause', 'resume']);
    slow.leave();
    recording.complete();
    assert.equal(await fast.next(), 'end');
  });

  it('a reader that takes nothing for 30 s is cut off, so that it cannot hold the others up', async () => {
    const { clock, recording, told } = setUp(10);
    const fast = recording.follow();
    const stalled = recording.follow();
    recording.append(MB);
    recording.append(MB);
    await fast.next();
    await fast.next();
    clock.advance(29_999);
    assert.deepEqual(told, ['overflow', 'pause']);
    clock.advance(1);
    assert.deepEqual(told, ['overflow', 'pause', 'resume']);
    await assert.rejects(stalled.next(), /took nothing for too long/);
    recording.append(bytes('on'));
    assert.equal(String(await fast.next()), 'on');
  });

  it('a reader that takes something now and then is waited for, however slow it is', async () => {
    const { clock, recording, told } = setUp(10);
    const slow = recording.follow();
    const fast = recording.follow();
    for (let count = 0; count < 4; count += 1) {
      recording.append(MB);
      await fast.next();
    }
    for (let count = 0; count < 2; count += 1) {
      clock.advance(29_999);
      assert.equal(await slow.next(), MB);
    }
    clock.advance(29_999);
    assert.equal(await slow.next(), MB);
    assert.deepEqual(told, ['overflow', 'pause', 'resume']);
    // No longer so far behind that anything is held back for it: it may take its time.
    clock.advance(60_000);
    assert.equal(await slow.next(), MB);
    assert.equal(clock.pending, 0);
  });

  it('each of several stalled readers is cut off in its turn', async () => {
    const { clock, recording, told } = setUp(10);
    const stalled = [recording.follow(), recording.follow()];
    const ahead = recording.follow();
    for (let count = 0; count < 4; count += 1) recording.append(MB);
    await ahead.next();
    clock.advance(30_000);
    for (const cursor of stalled) await assert.rejects(cursor.next(), /took nothing for too long/);
    assert.deepEqual(told, ['overflow', 'pause']);
    clock.advance(30_000);
    await assert.rejects(ahead.next(), /took nothing for too long/);
    assert.deepEqual(told, ['overflow', 'pause', 'resume']);
  });

  it('costs a reader far behind no more for a chunk than one close by', async () => {
    const { recording } = setUp(1_000_000);
    const cursor = recording.follow();
    const COUNT = 200_000;
    const chunk = bytes('0123456789');
    for (let count = 0; count < COUNT; count += 1) recording.append(chunk);
    recording.complete();
    const before = performance.now();
    let taken = 0;
    while ((await cursor.next()) !== 'end') taken += 1;
    const took = performance.now() - before;
    assert.equal(taken, COUNT);
    // About 0.3 s; minutes if each chunk cost as much as there are chunks.
    assert.ok(took < 5_000, `${Math.round(took)} ms`);
  });

  it('is broken or complete once and for all', async () => {
    const complete = setUp().recording;
    complete.append(bytes('x'));
    complete.complete();
    complete.fail(new RepriseError('upstream_unreachable', 'too late'));
    assert.equal(await readAll(complete.follow()), 'x');
    const broken = setUp().recording;
    broken.fail(new RepriseError('upstream_unreachable', 'first'));
    broken.fail(new RepriseError('upstream_timeout', 'second'));
    await assert.rejects(readAll(broken.follow()), /first/);
  });
});
