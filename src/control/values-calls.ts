import type { Entry } from '../cache/entry.ts';
import { listedOf } from '../cache/listed.ts';
import { type Directives, readDirectives } from '../policy/directives.ts';
import { RepriseError } from '../shared/errors.ts';
import { MAX_TAGS } from '../shared/tag.ts';
import { type Ask, behind, type ControlCall, controlCall } from './call.ts';
import { checkType } from './condition.ts';
import { mistake } from './fields.ts';
import { entryJson } from './listing-calls.ts';
import type { ValueName, Values } from './values.ts';

/** What calls for values work with. */
export interface ValuesCallContext {
  readonly values: Values;
  /** Bytes of the largest value. */
  readonly maxEntry: number;
  /** The names of the profile's types. */
  readonly types: () => Iterable<string>;
}

/** `GET`, `PUT` and `DELETE /cache/values/{type}/{key}`: the application's own values. */
export function valuesCall({ values, maxEntry, types }: ValuesCallContext): ControlCall {
  return controlCall('admin', `${VALUES}*`, {
    async GET(ask) {
      const { name, directives } = read(ask, types());
      // Nothing but what is kept can be had here: who wants it fresh from its source is told that there is none.
      const found = directives.refresh ? undefined : await values.get(name, directives);
      if (found === undefined) throw absent(name);
      const { entry, level, stale, ageMs } = found;
      const headers = {
        ...Object.fromEntries(entry.payload.headers),
        'x-cache': stale ? 'STALE' : 'HIT',
        'x-cache-level': level,
        'x-cache-key': entry.key.shown,
        age: String(Math.max(0, Math.floor(ageMs / 1000))),
        ...CAREFUL,
      };
      return new Response(new Uint8Array(entry.payload.body), { headers });
    },
    async PUT(ask) {
      const { name, directives } = read(ask, types());
      const { ttlMs } = directives;
      const tags = [...new Set(directives.tags)];
      if (tags.length > MAX_TAGS) throw mistake('x-cache-tags', `${tags.length} tags`, `at most ${MAX_TAGS}`);
      const begun = await values.begin(name);
      const body = await ask.readBody(maxEntry, 'setting server.max_entry');
      const headers = KEPT.flatMap((header): [string, string][] => {
        const value =
          ask.header(header) ?? (header === 'content-type' ? 'application/octet-stream' : undefined);
        return value === undefined ? [] : [[header, value]];
      });
      const entry = await values.put(name, { begun, headers, body, ttlMs, tags });
      return entry === undefined ? Response.json({ stored: false }) : Response.json(told(entry));
    },
    async DELETE(ask) {
      const { name } = read(ask, types());
      if (!(await values.delete(name))) throw absent(name);
      return Response.json({ deleted: true });
    },
  });
}

const VALUES = '/cache/values/';

/** What of a value's headers is kept: how its bytes are to be read. */
const KEPT = ['content-type', 'content-encoding'];

/** A value is whatever the application was given: to a browser it is data, of no origin, and nobody's to keep. */
const CAREFUL = {
  'cache-control': 'private, no-cache',
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
};

const LONGEST_KEY = 1_024;

function read(
  ask: Ask,
  types: Iterable<string>,
): { readonly name: ValueName; readonly directives: Directives } {
  const directives = readDirectives(ask.header);
  const tail = behind(2, ask.path);
  const slash = tail.indexOf('/');
  if (slash < 1 || slash === tail.length - 1) {
    throw new RepriseError('not_found', `A value is at ${VALUES}TYPE/KEY, not at ${ask.path.slice(0, 200)}.`);
  }
  const type = checkType(decoded('type', tail.slice(0, slash)), types);
  const key = decoded('key', tail.slice(slash + 1));
  const bytes = Buffer.byteLength(key);
  if (bytes > LONGEST_KEY) throw mistake('key', key, `at most ${LONGEST_KEY} bytes, not ${bytes}`);
  return { name: { type, namespace: directives.namespace, key }, directives };
}

function decoded(field: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw mistake(field, text, 'percent-encoded UTF-8');
  }
}

function told(entry: Entry): Readonly<Record<string, unknown>> {
  return { stored: true, ...entryJson(listedOf(entry)) };
}

function absent({ type, key }: ValueName): RepriseError {
  return new RepriseError(
    'not_found',
    `There is no value ${JSON.stringify(key.slice(0, 200))} of type ${type}.`,
  );
}
