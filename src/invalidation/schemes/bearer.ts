import { hmacOf, isAmong } from './digest.ts';
import { headerOf, readerOf } from './place.ts';
import type { Scheme, SchemeSettings } from './scheme.ts';

/** A token in a header, `Authorization: Bearer …` unless the settings say otherwise. It vouches for the sender, not for the body. */
export function bearer(settings: SchemeSettings): Scheme {
  const { secret: tokens, header: name = 'authorization', event, id } = settings;
  const prefix = settings.prefix ?? (settings.header === undefined ? 'Bearer ' : '');
  return {
    verify({ header }) {
      const written = header(name);
      if (written === undefined) return { kind: 'refused', why: `has no header ${name}` };
      // The scheme's name is case-insensitive (RFC 9110 §11.1).
      const isPrefixed = written.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();
      const given = written.slice(prefix.length).trim();
      return isPrefixed && isOneOf(given, tokens) ? { kind: 'genuine' } : { kind: 'refused', why: WRONG };
    },
    event: event === undefined ? () => '' : readerOf(event),
    id: id === undefined ? () => undefined : readerOf(id),
    sign(draft) {
      const [token] = tokens;
      if (token === undefined) return undefined;
      return {
        body: draft.payload,
        headers: [...headerOf(event, draft.event), ...headerOf(id, draft.id), [name, prefix + token]],
      };
    },
  };
}

const WRONG = 'has a token that is not the one agreed upon';

/** Compares digests, which are of one length, so that the time taken tells nothing of a token, not even how long it is. */
function isOneOf(given: string, tokens: readonly string[]): boolean {
  return isAmong(
    [hmacOf(PURPOSE, [given])],
    tokens.map((token) => hmacOf(PURPOSE, [token])),
  );
}

const PURPOSE = 'reprise webhook token';
