import { exact } from '../codec/exact.ts';
import type { Entry, Facts, Tagged } from './entry.ts';

/**
 * The entry in memory of its own, and in no more than it needs. A text that was cut out of another keeps all of that alive, as a
 * view does its buffer: the name of the model alone would keep the answer's text (2 KB an entry, measured). Only its tags it has in common with others, where
 * they are the same as `known`: a batch's entries all have the same, and to look into a hundred lists takes longer than into one.
 */
export function inOwnMemory(entry: Entry, known: readonly Tagged[] = []): Entry {
  const { key, born, freshUntil, staleUntil, keepUntil, stamp, payload } = entry;
  const { form, status, headers, facts, body } = payload;
  return {
    key,
    // Field by field, and arrays anew: objects that are spread and arrays that have grown take more than what is in them.
    born,
    freshUntil,
    staleUntil,
    keepUntil,
    stamp,
    tags: areSame(entry.tags, known)
      ? known
      : entry.tags.map(([tag, since]): Tagged => [ownText(tag), since]),
    payload: { form, status, headers: headers.slice(), facts: ownFacts(facts), body: exact(body) },
  };
}

function areSame(tags: readonly Tagged[], others: readonly Tagged[]): boolean {
  return (
    tags.length === others.length &&
    tags.every(([tag, since], at) => tag === others[at]?.[0] && since === others[at][1])
  );
}

function ownFacts(facts: Facts): Facts {
  for (const name in facts) if (isCutOut(facts[name])) return copied(facts);
  return facts;
}

function copied(facts: Facts): Facts {
  const own = Object.entries(facts).map(([name, value]) => [name, isCutOut(value) ? ownText(value) : value]);
  return Object.fromEntries(own);
}

/** A text of the same characters, lone surrogates too, that is no part of another. */
function ownText(text: string): string {
  return isCutOut(text) ? String(JSON.parse(JSON.stringify(text))) : text;
}

/** Whether a value may be part of a larger text: V8 copies what is shorter than 13 characters. */
function isCutOut(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 13;
}
