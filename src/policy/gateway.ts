import { CREDENTIAL_HEADERS, protocolKey } from '../openai/credential-headers.ts';
import type { Touches } from '../openai/objects.ts';
import type { CallPattern } from '../shared/call-pattern.ts';
import { type Cell, ownCell } from '../shared/cell.ts';
import type { Clock } from '../shared/clock.ts';
import { RepriseError } from '../shared/errors.ts';
import type { Rate } from '../shared/units.ts';
import type { Access, Caller, Entitlement, HeaderOf } from './access.ts';
import { hashOf } from './client-key.ts';
import { RateLimit } from './rate-limit.ts';
import type { Scopes } from './scope.ts';

/** A client key that was issued. */
export interface IssuedKey {
  readonly name: string;
  /** What `hashOf` gives of it. */
  readonly hash: string;
  /** Keys of one tenant may share entries; a key without one is its own. */
  readonly tenant?: string | undefined;
  readonly rate?: Rate | undefined;
  /** What it may call beside the cacheable endpoints. */
  readonly allow: readonly CallPattern[];
  /** Whether it may name objects of the upstream's account. */
  readonly objects: boolean;
}

/**
 * Callers with keys issued here: the upstream's own key is the operator's, and none of them has it. `fullAt` is what the
 * {@link RateLimit} of each key counts with, by the key's place in the list.
 */
export function gatewayAccess(
  keys: readonly IssuedKey[],
  share: 'tenant' | 'all',
  scopes: Scopes,
  clock: Clock,
  fullAt: (key: number) => Cell = () => ownCell(0),
): Access {
  // By its hash: how long a look-up takes says nothing of a key, of whose hash nobody can choose the beginning.
  const holders = new Map(
    keys.map((key, index) => {
      const limit = key.rate && new RateLimit(key.rate, clock, fullAt(index));
      return [key.hash, new Holder(key, share, scopes, limit)];
    }),
  );
  return {
    identify(header) {
      const presented = presentedKey(header);
      const holder = presented === undefined ? undefined : holders.get(hashOf(presented));
      if (holder === undefined) throw unknownKey(presented !== undefined);
      holder.count();
      return holder;
    },
  };
}

/** The key in a request's headers, as the SDKs of OpenAI, Azure and others send it; those in browsers put it elsewhere. */
function presentedKey(header: HeaderOf): string | undefined {
  const bearer = /^bearer +(\S+) *$/i.exec(header('authorization') ?? '')?.[1];
  return bearer ?? header('api-key') ?? header('x-api-key') ?? protocolKey(header('sec-websocket-protocol'));
}

function unknownKey(presented: boolean): RepriseError {
  const what = presented ? 'The API key is not one that was issued here' : 'There is no API key';
  return new RepriseError(
    'unauthorized',
    `${what}. Send the key that this service's operator gave you as "authorization: Bearer KEY".`,
    { param: 'authorization' },
  );
}

/** The holder of an issued key. */
class Holder implements Caller {
  // They all ask the upstream with one credential, the operator's.
  readonly asker = 'operator';
  readonly circle: string;
  readonly #key: IssuedKey;
  readonly #limit: RateLimit | undefined;
  readonly #own: string;
  readonly #shared: string;

  constructor(key: IssuedKey, share: 'tenant' | 'all', scopes: Scopes, limit: RateLimit | undefined) {
    this.#key = key;
    this.#limit = limit;
    this.#own = scopes.shared('key', key.hash);
    this.circle = key.tenant === undefined ? this.#own : scopes.shared('tenant', key.tenant);
    this.#shared = share === 'all' ? scopes.shared('all') : this.circle;
  }

  /** Counts a request. Throws `rate_limited` for one too many. */
  count(): void {
    const waitMs = this.#limit?.take() ?? 0;
    if (waitMs === 0) return;
    throw new RepriseError(
      'rate_limited',
      `The API key "${this.#key.name}" has used up its rate; there is room again in ${Math.ceil(waitMs)} ms.`,
      { retryAfterS: Math.max(1, Math.ceil(waitMs / 1000)) },
    );
  }

  visible(header: HeaderOf): HeaderOf {
    return (name) => (CREDENTIALS.has(name) ? undefined : header(name));
  }

  mayRelay(method: string, path: string): void {
    if (this.#key.allow.some((covers) => covers(method, path))) return;
    throw new RepriseError(
      'forbidden',
      `The API key "${this.#key.name}" may not call ${method.slice(0, 20)} ${path.slice(0, 200)}: it is none of the cached endpoints, and no "allow" of the key covers it.`,
    );
  }

  entitle(touches: Touches): Entitlement {
    if (touches === 'object' && !this.#key.objects) throw this.#nameless();
    return { scope: touches === 'nothing' ? this.#shared : this.#own, trusted: () => true };
  }

  answered(): void {}

  #nameless(): RepriseError {
    return new RepriseError(
      'forbidden',
      `The API key "${this.#key.name}" may not name objects of the upstream's account (a file, a store, an earlier response …), and this request does, or cannot be read so far as to rule that out.`,
    );
  }
}

const CREDENTIALS: ReadonlySet<string> = new Set(CREDENTIAL_HEADERS);
