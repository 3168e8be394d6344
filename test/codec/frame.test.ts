import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import type { Codec } from '../../src/codec/compress.ts';
import { frame, unframe } from '../../src/codec/frame.ts';
import { bombs, forge } from '../support/bombs.ts';

const digest = createHash('sha256').update('a key').digest();
const other = createHash('sha256').update('another').digest();
const meta = {
  shown: 'chat/default/m/1',
  born: 1_767_225_600_000,
  headers: [['content-type', 'application/json']],
};
const body = Buffer.from('{"choices":[{"message":{"content":"Grüße, 世界"}}]}'.repeat(20));
const CODECS: readonly Codec[] = ['none', 'gzip', 'zstd'];
const MAX = 1_000_000;

describe('a record frame', () => {
  for (const codec of CODECS) {
    test(`gives back what was put into it (${codec})`, () => {
      assert.deepEqual(unframe(frame(digest, meta, body, codec), digest, MAX), { ok: true, meta, body });
    });

    test(`decodes nothing when cut at any byte, or with bytes after its end (${codec})`, () => {
      const whole = frame(digest, meta, body, codec);
      for (let length = 0; length < whole.length; length++) {
        assert.equal(unframe(whole.subarray(0, length), digest, MAX).ok, false, `cut at ${length}`);
      }
      assert.equal(unframe(Buffer.concat([whole, Buffer.of(0)]), digest, MAX).ok, false);
    });

    test(`decodes nothing when any bit of any byte is flipped (${codec})`, () => {
      const whole = frame(digest, meta, body, codec);
      for (let at = 0; at < whole.length; at++) {
        for (let bit = 1; bit < 256; bit <<= 1) {
          const flipped = Buffer.from(whole);
          flipped.writeUInt8(whole.readUInt8(at) ^ bit, at);
          assert.equal(unframe(flipped, digest, MAX).ok, false, `bit ${bit} of byte ${at}`);
        }
      }
    });
  }

  test('is a miss under another key, whole as it is', () => {
    assert.deepEqual(unframe(frame(digest, meta, body, 'none'), other, MAX), {
      ok: false,
      problem: 'digest',
    });
  });

  test('is a miss in a version, a codec or with flags that are not known', () => {
    for (const at of [3, 8, 9]) {
      const whole = frame(digest, meta, body, 'none');
      whole.writeUInt8(77, at);
      whole.writeUInt32BE(crc32(whole.subarray(8)), 4);
      const unframed = unframe(whole, digest, MAX);
      assert.ok(!unframed.ok && unframed.problem.startsWith('unknown'), JSON.stringify(unframed));
    }
  });

  test('is refused before a byte is unpacked where it claims a larger body than is allowed', () => {
    const bomb = frame(digest, meta, Buffer.alloc(200_000), 'gzip');
    assert.ok(bomb.length < 2_000);
    assert.deepEqual(unframe(bomb, digest, 100_000), { ok: false, problem: 'too large' });
  });

  test('is refused where its payload unpacks to more or less than it claims', () => {
    for (const codec of ['gzip', 'zstd'] as const) {
      for (const claimed of [10, 4_999, 5_001, 900_000]) {
        const lying = frame(digest, meta, Buffer.alloc(5_000, 'x'), codec);
        lying.writeUInt32BE(claimed, 14);
        lying.writeUInt32BE(crc32(lying.subarray(8)), 4);
        assert.deepEqual(
          unframe(lying, digest, MAX),
          { ok: false, problem: 'unreadable' },
          `${codec}, ${claimed}`,
        );
      }
    }
  });

  for (const [name, bomb] of Object.entries(bombs())) {
    test(`that holds ${name} is refused at once and in bounded memory`, () => {
      for (const claimed of [0, 1, 1_000, MAX]) {
        const record = forge(frame(digest, null, Buffer.alloc(0), 'none'), bomb, claimed);
        assert.ok(record.length < 500_000, `${record.length} bytes`);
        const before = process.memoryUsage().rss;
        const began = performance.now();
        assert.deepEqual(unframe(record, digest, MAX), { ok: false, problem: 'unreadable' });
        const grown = process.memoryUsage().rss - before;
        assert.ok(grown < 32_000_000, `${grown} bytes more`);
        assert.ok(performance.now() - began < 250, `${performance.now() - began} ms`);
      }
    });
  }
});
