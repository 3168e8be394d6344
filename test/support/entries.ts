import { createHash } from 'node:crypto';
import type { Entry, Form, Tagged } from '../../src/cache/entry.ts';
import { stampOf } from '../../src/shared/stamps.ts';

/** What of a sample entry matters to a test; the rest is filled in. */
export interface Sample {
  readonly born: number;
  /** Milliseconds from `born`; default one hour. */
  readonly fresh?: number;
  /** Milliseconds from `born`; default two hours. */
  readonly keep?: number;
  readonly body?: string | Buffer;
  readonly form?: Form;
  readonly tags?: readonly Tagged[];
}

/** The id of the sample called `name`. */
export function idOf(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}

/** An entry as an endpoint would make one; its id comes from `name`, and so does its body if none is given. */
export function sampleEntry(name: string, sample: Sample): Entry {
  const {
    born,
    fresh = 3_600_000,
    keep = Math.max(fresh, 7_200_000),
    form = 'json',
    tags = [],
    body = `{"of":"${name}"}`,
  } = sample;
  return {
    key: { id: idOf(name), shown: `chat/default/gpt-x/${name}`, type: 'chat' },
    born,
    freshUntil: born + fresh,
    staleUntil: born + fresh,
    keepUntil: born + keep,
    stamp: stampOf(born),
    tags,
    payload: {
      form,
      status: 200,
      headers: [['content-type', 'application/json']],
      facts: { model: 'gpt-x', tokens: 12 },
      body: Buffer.from(body),
    },
  };
}
