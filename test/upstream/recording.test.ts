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
});
