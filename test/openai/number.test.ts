import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalNumber } from '../../src/openai/number.ts';

// A failure prints the seed and path that find it again: pass them on as fc.assert's `seed` and `path`.
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`seed ${seed}`);

test('numbers are compared by their exact decimal value', () => {
  const equal = [
    ['1', '1.0', '1e0', '10e-1', '0.1E+1', '1000e-3'],
    ['0', '-0', '0.0', '-0.0e5', '0e99999999999999999999'],
    ['1200', '12e2', '1.2e3', '1200.00'],
    ['-10', '-1e1', '-100E-1'],
    ['9007199254740993', '9007199254740993.0', '900719925474099.3e1'],
    ['1e-400', '0.1e-399'],
    ['1e999999999999999', '10e999999999999998'],
  ];
  const texts = equal.map((spellings) => {
    const [text, ...others] = new Set(spellings.map(canonicalNumber));
    assert.deepEqual(others, [], spellings.join(' '));
    return text;
  });
  assert.equal(new Set(texts).size, equal.length);
  assert.notEqual(canonicalNumber('9007199254740993'), canonicalNumber('9007199254740992'));
  assert.notEqual(canonicalNumber('0.1'), canonicalNumber('0.10000000000000000555'));
  assert.notEqual(canonicalNumber('1e400'), canonicalNumber('1e401'));
  assert.notEqual(canonicalNumber('1e9007199254740993'), canonicalNumber('1e9007199254740992'));
  const huge = '9'.repeat(30);
  assert.notEqual(canonicalNumber(`1e${huge}`), canonicalNumber(`1e-${huge}`));
});

test('a number of a million digits takes no time', { timeout: 2_000 }, () => {
  const zeros = '0'.repeat(1_000_000);
  assert.equal(canonicalNumber(`1${zeros}`), '1e1000000');
  assert.equal(canonicalNumber(`0.${zeros}1`), '1e-1000001');
  assert.equal(canonicalNumber(`1${zeros}1${zeros}e-1000000`), `1${zeros}1`);
  canonicalNumber(`1e${'9'.repeat(1_000_000)}`);
});

test('every int64 keeps apart from its neighbours', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 2n });
  fc.assert(
    fc.property(int64, (value) => {
      assert.notEqual(canonicalNumber(String(value)), canonicalNumber(String(value + 1n)));
    }),
    { seed, numRuns: 2_000 },
  );
});

test('a canonical number is its own canonical form and has the same value', () => {
  const digits = fc.stringMatching(/^[0-9]{1,25}$/);
  const whole = digits.map((text) => text.replace(/^0+(?=.)/, ''));
  const raw = fc
    .tuple(fc.constantFrom('', '-'), whole, fc.option(digits), fc.option(fc.integer({ min: -99, max: 99 })))
    .map(([sign, integer, fraction, exponent]) => {
      const decimals = fraction === null ? '' : `.${fraction}`;
      return `${sign}${integer}${decimals}${exponent === null ? '' : `e${exponent}`}`;
    });
  fc.assert(
    fc.property(raw, raw, (one, other) => {
      const canonical = canonicalNumber(one);
      assert.equal(canonicalNumber(canonical), canonical, one);
      assert.equal(Number(canonical), Number(one) + 0, one);
      assert.equal(canonical === canonicalNumber(other), exact(one) === exact(other), `${one} ${other}`);
      assert.equal(canonicalNumber(`${one.includes('e') ? one : `${one}e0`}`), canonical, one);
    }),
    { seed, numRuns: 5_000 },
  );
});

/** The number times 10^200, which makes an integer of all that are generated here. */
function exact(raw: string): bigint {
  const [mantissa = '', exponent = '0'] = raw.split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return BigInt(whole + fraction) * 10n ** BigInt(200 + Number(exponent) - fraction.length);
}
