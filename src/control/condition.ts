import type { Condition } from '../cache/condition.ts';
import { nearest } from '../config/nearest.ts';
import { GLOB_EXPECTED, parseGlob } from '../shared/glob.ts';
import { isTag, TAG_EXPECTED } from '../shared/tag.ts';
import { type Fields, mistake, textsIn } from './fields.ts';

/** The fields that together say which entries are meant, as calls name them. */
export const CONDITION_FIELDS = ['keys', 'pattern', 'tags', 'type', 'namespace', 'model'] as const;

/** The most members of one list. */
export const MOST_MEMBERS = 10_000;

/** Characters of the longest tag: what the CDNs take that know tags. */
export const LONGEST_TAG = 1_024;

/**
 * Which entries `fields` mean; undefined where they say nothing. `names` tells under which name a call has a field where that
 * is another. Throws `invalid_request` for what no entry could fulfil by a mistake: an unknown type, a pattern that is none.
 */
export function readCondition(
  fields: Fields,
  types: Iterable<string>,
  names: Partial<Record<(typeof CONDITION_FIELDS)[number], string>> = {},
): Condition | undefined {
  // An iterator can be gone through once, and each of several types is looked for.
  const known = [...types];
  const read = (field: (typeof CONDITION_FIELDS)[number], longest: number, most = MOST_MEMBERS) =>
    textsIn(fields, names[field] ?? field, { most, longest });
  const condition: Condition = {
    ...said('keys', read('keys', LONGEST_KEY)),
    // A pattern is told by its own reader when it is too long; many are a mistake, since all of them are tried on each entry.
    ...said('patterns', read('pattern', Number.POSITIVE_INFINITY, MOST_PATTERNS)?.map(checkPattern)),
    ...said(
      'tags',
      read('tags', LONGEST_TAG)?.map((tag) => checkTag(tag, names.tags ?? 'tags')),
    ),
    ...said(
      'types',
      read('type', LONGEST_NAME)?.map((type) => checkType(type, known)),
    ),
    ...said('namespaces', read('namespace', LONGEST_NAME)),
    ...said('models', read('model', LONGEST_NAME)),
  };
  return Object.keys(condition).length === 0 ? undefined : condition;
}

/** Gives the type back. Throws `invalid_request` for one that is not known, naming the nearest. */
export function checkType(type: string, types: Iterable<string>): string {
  const known = [...types];
  if (known.includes(type)) return type;
  throw mistake('type', type, `a type of the profile; the nearest is ${nearest(type, known)}`);
}

function checkTag(tag: string, field: string): string {
  if (isTag(tag)) return tag;
  throw mistake(field, tag, TAG_EXPECTED);
}

const MOST_PATTERNS = 100;
/** A shown key has four segments: two names, a label of up to 128 characters, percent-encoded, and a digest. */
const LONGEST_KEY = 4_096;
const LONGEST_NAME = 256;

function checkPattern(pattern: string): string {
  if (parseGlob(pattern) === undefined) throw mistake('pattern', pattern, GLOB_EXPECTED);
  return pattern;
}

function said<Name extends keyof Condition>(name: Name, members: readonly string[] | undefined): Condition {
  return members === undefined ? {} : { [name]: members };
}
