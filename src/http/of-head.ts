import type { Dialect } from '../openai/dialect.ts';
import { type Directives, readDirectives } from '../policy/directives.ts';
import type { createKeyring } from '../policy/key.ts';
import { type Header, shapingHeaders } from '../policy/shaping.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Head } from './heads.ts';

type Keyring = ReturnType<typeof createKeyring>;

/** What keys depend on beside a head that itself says all the rest. */
interface KeyedBy {
  readonly upstream: Upstream;
  readonly type: string;
  readonly scope: string;
}

/**
 * What a head says of all its requests, whatever their bodies: read once for as long as the head is kept. Headers that are of one
 * request have no part in it.
 */
export class OfHead {
  readonly directives: Directives;
  #shaping: { readonly dialect: Dialect; readonly headers: readonly Header[] } | undefined;
  #keyring: (KeyedBy & { readonly keyring: Keyring }) | undefined;

  /** Throws what {@link readDirectives} throws. */
  constructor(head: Head) {
    this.directives = readDirectives(head.header);
  }

  /** The headers, in name, value, name, value …, that shape answers of this dialect. */
  shaping(dialect: Dialect, rawHeaders: readonly string[]): readonly Header[] {
    if (this.#shaping?.dialect !== dialect) {
      this.#shaping = { dialect, headers: shapingHeaders(dialect, headerPairs(rawHeaders)) };
    }
    return this.#shaping.headers;
  }

  /** The keyring for these; `make` makes it if it is not the last one asked for. */
  keyring({ upstream, type, scope }: KeyedBy, make: () => Keyring): Keyring {
    const last = this.#keyring;
    if (last?.upstream === upstream && last.type === type && last.scope === scope) return last.keyring;
    const keyring = make();
    this.#keyring = { upstream, type, scope, keyring };
    return keyring;
  }
}

const known = new WeakMap<Head, OfHead>();

/** What a head says. Throws `invalid_request` for one of our headers that cannot be read. */
export function ofHead(head: Head): OfHead {
  let said = known.get(head);
  if (said === undefined) {
    said = new OfHead(head);
    // Another each time is not found again.
    if (head.seed !== undefined) known.set(head, said);
  }
  return said;
}

/** Name and value pairs with lower-case names, from name, value, name, value …. */
export function headerPairs(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    pairs.push([(raw[at] ?? '').toLowerCase(), raw[at + 1] ?? '']);
  return pairs;
}
