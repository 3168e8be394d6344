import assert from 'node:assert/strict';
import type { Api } from '../../src/openai/outcome.ts';
import { type Recorded, Recorder } from '../../src/openai/recorder.ts';

/** What a recorder makes of a stream that comes in pieces of `size` bytes. */
export function record(api: Api, stream: Buffer, size = stream.length || 1): Recorded | undefined {
  const recorder = new Recorder(api, 1_000_000);
  let result: Recorded | undefined;
  for (let at = 0; at < stream.length; at += size) {
    const now = recorder.push(stream.subarray(at, at + size));
    assert.ok(now === undefined || result === undefined, 'said once');
    result ??= now;
  }
  const late = recorder.end();
  assert.ok(late === undefined || result === undefined, 'said once');
  return result ?? late;
}

/** The record of a stream that is whole. */
export function recorded(api: Api, stream: Buffer, size?: number): Recorded & { kind: 'whole' } {
  const result = record(api, stream, size);
  assert.equal(result?.kind, 'whole');
  return result;
}
