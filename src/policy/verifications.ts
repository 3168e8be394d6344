import type { Clock } from '../shared/clock.ts';
import { setLatest } from '../shared/set-latest.ts';

// Above these bounds the oldest goes: whoever is forgotten is verified again by a call of its own.
const MAX_CREDENTIALS = 10_000;
const MAX_REALMS = 200;

/**
 * Which credentials an upstream has lately taken, and for what: a realm is an upstream, an endpoint and a model. Only what the
 * upstream answered counts, never what the cache did, so a credential that was withdrawn is found out after `ttlMs`.
 */
export class Verifications {
  readonly #ttlMs: number;
  readonly #clock: Clock;
  /** For each credential the realms, with when they end (monotonic milliseconds). Both in the order of their last change. */
  readonly #known = new Map<string, Map<string, number>>();

  constructor(ttlMs: number, clock: Clock) {
    this.#ttlMs = ttlMs;
    this.#clock = clock;
  }

  /** Whether the upstream has taken this credential in this realm within the time. */
  holds(credential: string, realm: string): boolean {
    const until = this.#known.get(credential)?.get(realm);
    return until !== undefined && this.#clock.elapsed() < until;
  }

  /**
   * The upstream answered this credential, in this realm if that is known. A 2xx verifies it; 401 says that it is none any more, anywhere; 403 and 404 (which
   * is how OpenAI says `model_not_found`) that it is not for this.
   */
  answered(credential: string, realm: string | undefined, status: number): void {
    if (status === 401) this.#known.delete(credential);
    if (realm === undefined) return;
    if (status === 403 || status === 404) this.#known.get(credential)?.delete(realm);
    if (status >= 200 && status < 300) this.#note(credential, realm);
  }

  #note(credential: string, realm: string): void {
    const realms = this.#known.get(credential) ?? new Map<string, number>();
    setLatest(this.#known, credential, realms, MAX_CREDENTIALS);
    setLatest(realms, realm, this.#clock.elapsed() + this.#ttlMs, MAX_REALMS);
  }
}
