import { createLocalJWKSet, errors, flattenedVerify, type JSONWebKeySet } from 'jose';
import { RepriseError } from '../../shared/errors.ts';
import { isRecord } from '../../shared/plain.ts';
import type { FetchJwks } from './scheme.ts';

const MINUTE = 60_000;
/** A key that its owner has withdrawn is trusted no longer than this. */
const TRUSTED_FOR = 60 * MINUTE;
/** After a failure it is tried again soon, since the sender will. */
const REST_AFTER_FAILURE = 5_000;

type Keys = ReturnType<typeof createLocalJWKSet>;

/** The keys that an issuer publishes at `/.well-known/jwks.json`: fetched when they are needed, kept, and fetched again for a key not yet known. */
export class IssuerKeys {
  readonly #url: string;
  readonly #fetchJwks: FetchJwks;
  #keys: Keys | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;
  /** A fetch under way, for all who wait for it. */
  #fetching: Promise<void> | undefined;

  constructor(issuer: string, fetchJwks: FetchJwks) {
    this.#url = new URL('/.well-known/jwks.json', issuer).href;
    this.#fetchJwks = fetchJwks;
  }

  /**
   * Whether `jws`, a detached JSON Web Signature (RFC 7515 appendix F), is one of `body` by the issuer (RS256 only). Rejects
   * with `upstream_unreachable` if there are no keys to tell by. `now` is in milliseconds since the epoch.
   */
  async hasSigned(jws: string, body: Buffer, now: number): Promise<boolean> {
    const [, header, signature] = DETACHED.exec(jws) ?? [];
    if (header === undefined || signature === undefined) return false;
    if (now - this.#fetchedAt > TRUSTED_FOR) await this.#fetch(now);
    const used = this.#keys;
    const outcome = await this.#verify({ protected: header, payload: body, signature });
    if (outcome !== 'unknown-key') return outcome === 'good';
    await this.#fetch(now);
    if (this.#keys === used) return false;
    return (await this.#verify({ protected: header, payload: body, signature })) === 'good';
  }

  async #verify(jws: { protected: string; payload: Buffer; signature: string }): Promise<Outcome> {
    if (this.#keys === undefined) throw this.#unavailable();
    try {
      await flattenedVerify(jws, this.#keys, { algorithms: ['RS256'] });
      return 'good';
    } catch (thrown) {
      return thrown instanceof errors.JWKSNoMatchingKey ? 'unknown-key' : 'bad';
    }
  }

  /** Fetches the keys, at most once a minute: whoever sends rubbish must not make us a nuisance. */
  async #fetch(now: number): Promise<void> {
    if (this.#fetching === undefined) {
      if (now < this.#notBefore) return;
      this.#fetching = this.#load(now).finally(() => {
        this.#fetching = undefined;
      });
    }
    await this.#fetching;
  }

  async #load(now: number): Promise<void> {
    this.#notBefore = now + REST_AFTER_FAILURE;
    const keys = keysIn(await this.#fetchJwks(this.#url).catch(() => undefined));
    if (keys === undefined) return;
    this.#keys = keys;
    this.#fetchedAt = now;
    this.#notBefore = now + MINUTE;
  }

  #unavailable(): RepriseError {
    return new RepriseError(
      'upstream_unreachable',
      `The keys that this delivery's signature is checked with cannot be had from ${this.#url}.`,
    );
  }
}

type Outcome = 'good' | 'bad' | 'unknown-key';

const DETACHED = /^([A-Za-z0-9_-]+)\.\.([A-Za-z0-9_-]+)$/;

function keysIn(jwks: unknown): Keys | undefined {
  if (!isRecord(jwks) || !Array.isArray(jwks.keys)) return undefined;
  // What is not a key in there is passed over when a key is looked for.
  const set: JSONWebKeySet = { keys: jwks.keys.filter(isRecord) };
  return createLocalJWKSet(set);
}
