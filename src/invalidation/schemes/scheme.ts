import type { Node } from '../../openai/json.ts';

/** A delivery to a webhook as it came: whoever sent it, nothing of it is believed yet. */
export interface Delivery {
  /** A header by its lower-case name; undefined if it is absent. */
  readonly header: (name: string) => string | undefined;
  /** The body's bytes: signatures are over these, and not over what they may be parsed into. */
  readonly body: Buffer;
}

/** What a delivery turns out to be. */
export type Verdict =
  /** It comes from who holds the secret. */
  | { readonly kind: 'genuine' }
  /** It only tries whether anybody is there, and says nothing. */
  | { readonly kind: 'ping' }
  /** It does not, or cannot be told to; `why` is a sentence without its subject, such as `has no header x-signature`. */
  | { readonly kind: 'refused'; readonly why: string };

/** What a webhook's sender and we have agreed upon. What is not said has the scheme's default. */
export interface SchemeSettings {
  /** Shared secrets, any of which may have signed; the first is the one that test deliveries are signed with. */
  readonly secret: readonly string[];
  /** Origin of who publishes the keys of signatures (scheme saleor). */
  readonly issuer?: string | undefined;
  /** Name of the header with the signature or the token (schemes hmac and bearer). */
  readonly header?: string | undefined;
  /** What stands in that header before it. */
  readonly prefix?: string | undefined;
  readonly encoding?: 'hex' | 'base64' | undefined;
  readonly algorithm?: 'sha256' | 'sha512' | undefined;
  /** What is signed: a text with `{body}` and possibly `{timestamp}` and `{id}`. */
  readonly signed?: string | undefined;
  /** Where a signed timestamp stands, and how many milliseconds it may be from now. */
  readonly timestamp?: { readonly header: string; readonly tolerance: number } | undefined;
  readonly event?: Place | undefined;
  readonly id?: Place | undefined;
}

/** Where a delivery says something of itself: a header by its lower-case name, or a JSONPath into its payload. */
export interface Place {
  readonly header?: string | undefined;
  readonly json?: string | undefined;
}

/** Gives the JSON Web Key Set (RFC 7517 §5) at a URL. Rejects if it cannot be had. */
export type FetchJwks = (url: string) => Promise<unknown>;

/** A delivery to be signed, for trying a webhook out. */
export interface Draft {
  readonly event: string;
  readonly id: string;
  /** A JSON text. */
  readonly payload: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A delivery as its sender would make it. */
export interface SignedDraft {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** One way in which senders prove who they are and say what has happened. */
export interface Scheme {
  /**
   * Whether a delivery is genuine, at `now` (milliseconds since the epoch). Rejects only where the sender's keys cannot be had;
   * otherwise whatever is sent gets its verdict.
   */
  verify(delivery: Delivery, now: number): Verdict | Promise<Verdict>;
  /** What has happened, in the sender's words; empty where the scheme has no events, undefined where it is not said. */
  event(delivery: Delivery, payload: Node): string | undefined;
  /** What the sender calls this delivery, at every attempt alike; undefined if nothing. */
  id(delivery: Delivery, payload: Node): string | undefined;
  /** A delivery as the sender would make it; undefined if the profile has nothing to sign it with. */
  sign(draft: Draft): SignedDraft | undefined;
}
