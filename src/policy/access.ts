import type { Touches } from '../openai/objects.ts';

/** A request's headers by their lower-case names; several lines joined by `, `. */
export type HeaderOf = (name: string) => string | undefined;

/** Who may ask, and whose entries they are served. */
export interface Access {
  /** Who sends these headers. Throws `unauthorized` for nobody known and `rate_limited` for one that comes too often. */
  identify(header: HeaderOf): Caller;
}

/** Who sends a request. */
export interface Caller {
  /** Whom an upstream's answer answers: two callers with the same one ask with the same credential. */
  readonly asker: string;
  /** Whose traces its traces are: calls of two callers with the same one may belong to one trace. */
  readonly circle: string;
  /** The headers as the rest may see them: without the key of a caller that is known by it. */
  visible(header: HeaderOf): HeaderOf;
  /** Throws `forbidden` unless the caller may send what is no cacheable endpoint's; `path` as sent, without the query. */
  mayRelay(method: string, path: string): void;
  /** What a cacheable endpoint's request that touches this is entitled to. Throws `forbidden` if it may not be sent. */
  entitle(touches: Touches): Entitlement;
  /** The upstream answered the caller's own call; `realm` is undefined where it is not known. */
  answered(realm: string | undefined, status: number): void;
}

/** Which entries a request may be served. */
export interface Entitlement {
  /** Whose they are: a part of their key. */
  readonly scope: string;
  /**
   * Whether they, and calls under way for them, may be shown to the caller now; in a shared scope possibly not yet. A realm is
   * an upstream, an endpoint and a model.
   */
  trusted(realm: string): boolean;
}
