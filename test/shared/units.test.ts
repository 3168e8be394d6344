import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/shared/units.ts';

test('durations are read in milliseconds', () => {
  const read = ['500ms', '30s', '10m', '24h', '7d', '0', '0s', '007s'].map(parseDuration);
  assert.deepEqual(read, [500, 30_000, 600_000, 86_400_000, 604_800_000, 0, 0, 7000]);
});

test('sizes are read in bytes, a MB being 10^6', () => {
  const read = ['512B', '16KB', '200MB', '2GB', '1TB', '0'].map(parseSize);
  assert.deepEqual(read, [512, 16_000, 200_000_000, 2_000_000_000, 1_000_000_000_000, 0]);
});

test('what is no duration or size is not guessed at', () => {
  const wrong = [
    '',
    ' ',
    '5',
    '-1s',
    '+1s',
    '1.5h',
    '1e3s',
    '1 s',
    ' 1s',
    '1s ',
    '1s\n',
    '1S',
    '1h30m',
    's',
    '٣s',
    '0x1s',
  ];
  for (const text of wrong) assert.equal(parseDuration(text), undefined, JSON.stringify(text));
  for (const text of ['5', '1mb', '1MiB', '1M', '1.5GB', '-1B', '1 MB', 'MB', '1MB\n']) {
    assert.equal(parseSize(text), undefined, JSON.stringify(text));
  }
});

test('what cannot be counted exactly is refused', () => {
  assert.equal(parseDuration('9007199254740991ms'), Number.MAX_SAFE_INTEGER);
  assert.equal(parseDuration('9007199254740992ms'), undefined);
  assert.equal(parseDuration('9007199254740991d'), undefined);
  assert.equal(parseSize('9007199254740991TB'), undefined);
});

test('every duration and size is read as it is printed', () => {
  const whole = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(10_000).map((n) => n * 60_000),
    fc.nat(10_000).map((n) => n * 1_000_000),
  );
  fc.assert(
    fc.property(whole, (value) => {
      assert.equal(parseDuration(formatDuration(value)), value);
      assert.equal(parseSize(formatSize(value)), value);
    }),
  );
});

test('a printed duration or size has the largest unit that fits', () => {
  assert.deepEqual([90_000, 86_400_000, 1500, 0].map(formatDuration), ['90s', '1d', '1500ms', '0s']);
  assert.deepEqual([200_000_000, 1_000_001, 0].map(formatSize), ['200MB', '1000001B', '0B']);
});
