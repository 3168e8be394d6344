import { hash } from 'node:crypto';
import type { Question } from './events.ts';
import { type Leaf, leavesOf } from './leaves.ts';
import { type Noise, withoutNoise } from './noise.ts';

/** What is kept of a question to compare others with: digests of 48 bits, and no text but the names of fields. */
export interface Sketch {
  /** All of it without its noise: equal for two that differ in nothing else. */
  readonly whole: number;
  /** The noise, leaf by leaf; of two sketches with an equal `whole` the same leaves in the same order. */
  readonly noise: readonly Held<Noise>[];
  /** Values that stand beside what is asked. */
  readonly fields: readonly (Held<'value'> & {
    /** All but this value: equal for two that differ in nothing else. */
    readonly rest: number;
  })[];
}

/** A thing that a question holds. */
export interface Held<Kind> {
  /** The leaf's path. */
  readonly path: string;
  readonly kind: Kind;
  readonly value: number;
}

/** Characters, and leaves, above which a question is not compared. */
export const MOST_CHARACTERS = 100_000;
const MOST_LEAVES = 512;
/** Of one question the first fields, and noises, that are looked at. */
const MOST_FIELDS = 24;
const MOST_NOISES = 8;

/** The sketch of a question; undefined for one that is too long. `now` is in milliseconds since the epoch. */
export function sketchOf(question: Question, now: number): Sketch | undefined {
  const { circle, isRoute, query, headers, content } = question;
  if (content.length > MOST_CHARACTERS) return undefined;
  const read = leavesOf(content, MOST_LEAVES);
  if (read === undefined) return undefined;
  const leaves = [
    ...read,
    ...[...new URLSearchParams(query)].map(([name, text]) => around('query', name, text)),
    ...headers.map(([name, text]) => around('header', name, text)),
  ];
  const noise: Held<Noise>[] = [];
  const beside: (Held<'value'> & { readonly place: string })[] = [];
  let whole = digestOf(circle);
  for (const { path, place, text } of leaves) {
    const quiet = withoutNoise(text, now);
    const value = digestOf(`${place}\n${quiet.text}`);
    whole = (whole + value) % DIGESTS;
    for (const [kind, found] of quiet.noise)
      if (noise.length < MOST_NOISES) noise.push({ path, kind, value: digestOf(found) });
    if (isRoute || !isAsked(path)) beside.push({ path, kind: 'value', value, place });
  }
  const fields = beside.slice(0, MOST_FIELDS).map(({ place, ...field }) => {
    const without = digestOf(`without ${place}`);
    return { ...field, rest: (whole - field.value + without + DIGESTS) % DIGESTS };
  });
  return { whole, noise, fields };
}

/** Whether a leaf of one of the API's requests is of what is asked, and of whom. */
function isAsked(path: string): boolean {
  return ASKED.has(path.split(/[.[]/, 1)[0] ?? '');
}

const ASKED: ReadonlySet<string> = new Set([
  '',
  'model',
  'messages',
  'input',
  'instructions',
  'prompt',
  'suffix',
  'prediction',
  'query',
  'filters',
  'documents',
  'tools',
  'functions',
  'response_format',
  'text',
]);

function around(what: string, name: string, text: string): Leaf {
  const path = `${what}:${name.slice(0, 64)}`;
  return { path, place: path, text };
}

const DIGESTS = 2 ** 48;

function digestOf(text: string): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 12), 16);
}
