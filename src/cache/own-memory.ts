import { exact } from '../codec/exact.ts';
import type { Entry, Facts, Tagged } from './entry.ts';

/**
 * The entry in memory of its own, and in no more than it needs. A text that was cut out of another keeps all of that alive, as a
 * view does its buffer: the name of the model alone would keep the answer's text (2 KB an entry, measured).
 */
export function inOwnMemory(entry: Entry): Entry {
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
    tags: entry.tags.map(([tag, since]): Tagged => [ownText(tag), since]),
    payload: { form, status, headers: headers.slice(), facts: ownFacts(facts), body: exact(body) },
  };
}

function ownFacts(facts: Facts): Facts {
  if (!Object.values(facts).some((value) => typeof value === 'string' && value.length >= CUT_OUT))
    return facts;
  const entries = Object.entries(facts);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? ownText(value) : value]),
  );
}

/** A text of the same characters, lone surrogates too, that is no part of another. */
function ownText(text: string): string {
  return text.length < CUT_OUT ? text : String(JSON.parse(JSON.stringify(text)));
}

// V8 copies what is shorter.
const CUT_OUT = 13;
