import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unsnap } from '../../src/codec/snappy.ts';

const MAX = 1_000_000;

/** Packed bytes from their hexadecimal digits and texts. */
function packed(...pieces: readonly string[]): Buffer {
  return Buffer.concat(
    pieces.map((piece) => Buffer.from(piece, /^(?:[0-9a-f]{2})+$/.test(piece) ? 'hex' : 'latin1')),
  );
}

describe('what Snappy packed', () => {
  test('comes back from literals and copies, also from copies that reach into themselves', () => {
    assert.equal(unsnap(packed('00'), MAX).toString(), '');
    assert.equal(unsnap(packed('05', '10', 'Hello'), MAX).toString(), 'Hello');
    // One-byte offset: 7 bytes from 3 back. Two-byte and four-byte offsets: 5 bytes from 3 back.
    assert.equal(unsnap(packed('0a', '08', 'xyz', '0d03'), MAX).toString(), 'xyzxyzxyzx');
    assert.equal(unsnap(packed('08', '08', 'xyz', '120300'), MAX).toString(), 'xyzxyzxy');
    assert.equal(unsnap(packed('08', '08', 'xyz', '1303000000'), MAX).toString(), 'xyzxyzxy');
    const long = 'l'.repeat(300);
    assert.equal(unsnap(packed('ac02', 'f42b01', long), MAX).toString(), long);
  });

  test('is refused where it is cut, reaches too far, or says that it holds more than is allowed', () => {
    for (const wrong of [
      packed(),
      packed('80'),
      packed('05'),
      packed('05', '10', 'Hell'),
      packed('04', '10', 'Hello'),
      packed('06', '10', 'Hello'),
      packed('0a', '08', 'xyz', '0d04'),
      packed('0a', '08', 'xyz', '0d00'),
      packed('09', '08', 'xyz', '0d03'),
      packed('0a', '08', 'xyz', '0d'),
      packed('ffffffff0f'),
    ])
      assert.throws(() => unsnap(wrong, MAX), RangeError, wrong.toString('hex'));
    assert.throws(() => unsnap(packed('05', '10', 'Hello'), 4), RangeError);
  });
});
