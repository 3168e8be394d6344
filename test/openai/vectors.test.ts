import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../src/demo/random.ts';
import { dimensionsOf, isFiniteVector, vectorFrom, vectorText } from '../../src/openai/vectors.ts';
import { between, oracleVector } from '../support/embeddings.ts';

/** float32 little-endian bytes of 1, -2 and 0.5, by IEEE 754. */
const BYTES = Buffer.from('0000803f000000c00000003f', 'hex');

describe('a vector', () => {
  it('is read from JSON numbers as float32 little-endian', () => {
    assert.deepEqual(vectorFrom([1, -2, 0.5]), BYTES);
  });

  it('is read from base64 of float32 little-endian', () => {
    assert.deepEqual(vectorFrom('AACAPwAAAMAAAAA/'), BYTES);
  });

  it('is printed as base64 and as the double that each float32 equals', () => {
    assert.equal(vectorText(BYTES, 'base64'), '"AACAPwAAAMAAAAA/"');
    assert.equal(vectorText(BYTES, 'float'), '[1,-2,0.5]');
    const vector = vectorFrom([0.0023064255, 1e-7, 3e38]) ?? assert.fail();
    assert.equal(
      vectorText(vector, 'float'),
      '[0.002306425478309393,1.0000000116860974e-7,3.0000000054977558e+38]',
    );
  });

  it('keeps the sign of zero through both encodings', () => {
    const vector = vectorFrom([0, -0]) ?? assert.fail();
    assert.equal(vector.toString('hex'), '0000000000000080');
    assert.equal(vectorText(vector, 'float'), '[0,-0]');
  });

  it('keeps every bit of base64, NaN payloads too, and prints null where JSON has no number', () => {
    const odd = Buffer.from('0100c07f0000807f000080ff', 'hex');
    const vector = vectorFrom(odd.toString('base64')) ?? assert.fail();
    assert.deepEqual(vector, odd);
    assert.equal(vectorText(vector, 'base64'), `"${odd.toString('base64')}"`);
    assert.equal(vectorText(vector, 'float'), '[null,null,null]');
    assert.equal(isFiniteVector(vector), false);
    assert.equal(isFiniteVector(BYTES), true);
  });

  it('has memory of exactly its size', () => {
    for (const embedding of [[1, 2], 'AACAPwAAAMAAAAA/']) {
      const vector = vectorFrom(embedding) ?? assert.fail();
      assert.equal(vector.buffer.byteLength, vector.length);
    }
    assert.equal(dimensionsOf(BYTES), 3);
  });

  it('is read where its bytes lie unaligned in a larger buffer', () => {
    const shifted = Buffer.concat([Buffer.from([9]), BYTES]).subarray(1);
    assert.equal(vectorText(shifted, 'float'), '[1,-2,0.5]');
  });

  const unusable: [string, unknown][] = [
    ['an empty array', []],
    ['empty text', ''],
    ['a member that is no number', [1, '2']],
    ['a null member', [1, null]],
    ['nested numbers', [[1], [2]]],
    ['a number beyond float32', [1e39]],
    ['base64 of three bytes', 'AAAA'],
    ['base64 without its padding', 'AACAPw'],
    ['the URL alphabet', 'AACAPwAAAMAAAAA_'],
    ['a line break in base64', 'AACAPwAA\nAMAAAA/'],
    ['a character outside the alphabet', 'AACAPwAA*MAAAAA/'],
    ['trailing bits that are not zero', 'AACAP1=='.replace('1', 'x')],
    ['text beyond ASCII', 'é'.repeat(16)],
    ['an object', {}],
    ['null', null],
  ];
  for (const [name, embedding] of unusable) {
    it(`is not read from ${name}`, () => assert.equal(vectorFrom(embedding), undefined));
  }

  it('comes back bit for bit through either encoding', (context) => {
    const seed = Date.now() >>> 0;
    context.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed);
    for (let round = 0; round < 200; round += 1) {
      const vector = oracleVector('m', String(round + seed), between(random, 1, 300));
      for (const encoding of ['float', 'base64'] as const) {
        assert.deepEqual(vectorFrom(JSON.parse(vectorText(vector, encoding))), vector);
      }
    }
  });
});
