import assert from 'node:assert/strict';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The paths of the files in `folder` whose names fit, sorted; there must be some. */
export function files(folder: string, pattern: RegExp): readonly string[] {
  const names = readdirSync(folder).filter((name) => pattern.test(name));
  assert.ok(names.length > 0, `no ${pattern} in ${folder}`);
  return names.sort().map((name) => join(folder, name));
}

/** Flips `count` bits of a file, anywhere. */
export function flipBits(file: string, count: number, random: () => number): void {
  const bytes = readFileSync(file);
  for (let flips = 0; flips < count; flips++) {
    const at = Math.floor(random() * bytes.length);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at);
  }
  writeFileSync(file, bytes);
}

/** Cuts a file to that share of its length. */
export function cut(file: string, share: number): void {
  truncateSync(file, Math.floor(readFileSync(file).length * share));
}
