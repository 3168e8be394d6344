import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { pack, unpack } from '../../src/codec/compress.ts';

const text = Buffer.from('A cache answers what was asked before. '.repeat(100));

describe('packing', () => {
  for (const codec of ['gzip', 'zstd'] as const) {
    test(`makes text smaller and gives it back, in memory of exactly its size (${codec})`, () => {
      const packed = pack(text, codec);
      assert.ok(packed !== undefined && packed.length < text.length / 4);
      const back = unpack(packed, codec, text.length);
      assert.deepEqual(back, text);
      assert.equal(back.buffer.byteLength, text.length);
    });

    test(`is left out where it does not pay: small, incompressible or very large bodies (${codec})`, () => {
      assert.equal(pack(text.subarray(0, 511), codec), undefined);
      assert.notEqual(pack(text.subarray(0, 512), codec), undefined);
      assert.equal(pack(randomBytes(4_000), codec), undefined);
      assert.equal(pack(Buffer.alloc(300_000), codec), undefined);
    });

    test(`throws where the packed bytes are cut or yield another length (${codec})`, () => {
      const packed = pack(text, codec);
      assert.ok(packed);
      assert.throws(() => unpack(packed.subarray(0, packed.length - 9), codec, text.length));
      assert.throws(() => unpack(packed, codec, text.length - 1));
      assert.throws(() => unpack(packed, codec, text.length + 1));
    });
  }

  test('by gzip is what every other gzip reads', () => {
    const packed = pack(text, 'gzip');
    assert.ok(packed);
    assert.deepEqual(gunzipSync(packed), text);
  });

  test('by none does nothing', () => {
    assert.equal(pack(text, 'none'), undefined);
    assert.deepEqual(unpack(text, 'none', text.length), text);
    assert.throws(() => unpack(text, 'none', text.length + 1));
  });
});
