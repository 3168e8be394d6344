import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../src/codec/crc32c.ts';

// RFC 3720, appendix B.4, written as numbers, and the check value that catalogues of CRCs give.
const VECTORS: readonly (readonly [bytes: Buffer, crc: number])[] = [
  [Buffer.from('123456789'), 0xe3069283],
  [Buffer.alloc(32), 0x8a9136aa],
  [Buffer.alloc(32, 0xff), 0x62a8ab43],
  [Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
  [Buffer.from(Array.from({ length: 32 }, (_, at) => 31 - at)), 0x113fdb5c],
  [Buffer.alloc(0), 0],
];

test('CRC-32C of known bytes, also amid others', () => {
  for (const [bytes, crc] of VECTORS) {
    assert.equal(crc32c(bytes, 0, bytes.length), crc);
    assert.equal(crc32c(Buffer.concat([Buffer.of(7), bytes, Buffer.of(9)]), 1, 1 + bytes.length), crc);
  }
});

test('the same as bit by bit, whatever the length and the place', () => {
  const bytes = Buffer.from(Array.from({ length: 80 }, (_, at) => (at * 167 + 13) % 256));
  for (let from = 0; from < 10; from += 1) {
    for (let to = from; to <= bytes.length; to += 1) {
      assert.equal(crc32c(bytes, from, to), bitByBit(bytes.subarray(from, to)), `${from} to ${to}`);
    }
  }
});

function bitByBit(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
