import type { Entry, Key } from '../cache/entry.ts';
import type { Level } from '../cache/tier.ts';

/** What an upstream charged for an answer, by its own word; 0 for what it did not say. */
export interface Usage {
  /** The model that answered, as the upstream names it; undefined where it does not. */
  readonly model: string | undefined;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of the prompt's tokens those that the upstream had in a cache of its own. */
  readonly cachedTokens: number;
  /** Of the prompt's tokens those that it put there, which some charge more for. */
  readonly cacheWriteTokens: number;
  /** The tier it was served in, which has its own prices; undefined for the usual one. */
  readonly serviceTier: string | undefined;
}

/** What a caller was spared because its answer, or a part of it, was there or on its way. */
export interface Spared {
  /** Whether no call of its own was made: 1, else 0. */
  readonly calls: 0 | 1;
  /** What the spared part once cost; undefined where that is not known. */
  readonly usage: Usage | undefined;
  /** Milliseconds that the call took which brought it; 0 where a call was made all the same. */
  readonly upstreamMs: number;
}

/** A span of a trace as W3C Trace Context names it, ids in lower-case hexadecimal digits. */
export interface Span {
  readonly traceId: string;
  readonly id: string;
  /** The span that it is part of; undefined for the first of its trace. */
  readonly parent: string | undefined;
  /** Bit 0: whether it is recorded. */
  readonly flags: number;
  /** The `tracestate` that goes with it. */
  readonly state: string | undefined;
}

/** What only traces tell of a request. */
export interface TracedRequest {
  readonly span: Span;
  /** The calls of others that it waited for. */
  readonly joined: readonly Span[];
  readonly scheme: 'http' | 'https';
  /** As the client named it. */
  readonly host: string | undefined;
  /** Without its query. */
  readonly path: string;
  /** The path as its endpoint or route writes it, with {names}. */
  readonly route: string | undefined;
  /** When it was over, in milliseconds since the epoch: who is told may be told later. */
  readonly at: number;
}

/** A call to an upstream, made for a request that is traced, is over. */
export interface Called {
  readonly kind: 'called';
  readonly span: Span;
  /** The upstream's name, and how it speaks. */
  readonly upstream: string;
  readonly dialect: string;
  /** The endpoint's name, of the API. */
  readonly endpoint: string | undefined;
  /** The model asked for; undefined where it was not read. */
  readonly model: string | undefined;
  readonly method: string;
  readonly origin: string;
  /** Without its query. */
  readonly path: string;
  /** Undefined if there was no answer. */
  readonly status: number | undefined;
  /** What it failed with: the code of an error of ours. */
  readonly error: string | undefined;
  /** What it cost, and how the answer's choices ended, as far as the answer was read. */
  readonly usage: Usage | undefined;
  readonly finish: readonly string[];
  /** Milliseconds of the whole call. */
  readonly ms: number;
  /** When it was over, in milliseconds since the epoch. */
  readonly at: number;
}

/** One data-plane request has been answered, or its caller has gone. */
export interface Answered {
  readonly kind: 'answered';
  /** The endpoint's name; `relay` for what is passed through. */
  readonly endpoint: string;
  /** The lifetime policy's name; undefined for what is passed through. */
  readonly type: string | undefined;
  /** The upstream's name; undefined where none was chosen. */
  readonly upstream?: string | undefined;
  /** The model asked for, or the route's name; undefined for what was not planned. */
  readonly model?: string | undefined;
  /** Empty for the default one; undefined for what was not planned. */
  readonly namespace?: string | undefined;
  readonly method: string;
  readonly status: number;
  /** The word of `x-cache`; `ERROR` for an error of ours, `RELAY` for what is passed through. */
  readonly outcome: string;
  readonly reason: string | undefined;
  readonly level: Level | undefined;
  readonly key: string | undefined;
  /** The keys of all its parts; none for what was not looked up. */
  readonly keys?: readonly Key[] | undefined;
  /** Items answered from the cache, and all items, repeats counted each. */
  readonly parts?: { readonly hits: number; readonly total: number } | undefined;
  /** What the whole answer cost, now or once; undefined where that is not known. */
  readonly usage?: Usage | undefined;
  readonly spared?: Spared | undefined;
  /** Milliseconds from the request's head to the answer's last byte. */
  readonly ms: number;
  /** Milliseconds to the answer's head; undefined for what is passed through, and for errors. */
  readonly headMs?: number | undefined;
  /** Milliseconds of its own upstream call; undefined where it made none, or what it made is not over. */
  readonly upstreamMs?: number | undefined;
  readonly requestId: string;
  /** Only where requests are traced. */
  readonly traced?: TracedRequest | undefined;
}

/** What a call asked, for who compares questions with each other. It holds prompts: it is not to be kept, logged or shown. */
export interface Question {
  /** All that two must have in common to be compared: who asks whom, at which path, in which key space. */
  readonly circle: string;
  /** Whether it is of a route of the profile, of whose fields nothing is known. */
  readonly isRoute: boolean;
  /** What of the query and the headers shapes the answer. */
  readonly query: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The content of the first part that was asked for. */
  readonly content: string;
}

/** What happens in the running proxy, for those who watch: log, figures, live views. */
export type Event =
  | Answered
  | Called
  /** A call to an upstream, made by the cache, is over. */
  | {
      readonly kind: 'fetched';
      readonly type: string;
      readonly upstream: string;
      /** The upstream's status; undefined if it gave none. */
      readonly status: number | undefined;
      /** `unstored`: only passed on; `failed`: there was no answer; `abandoned`: everybody who wanted it had left. */
      readonly outcome: 'stored' | 'unstored' | 'failed' | 'abandoned';
      /** Why it was not stored. */
      readonly reason: string | undefined;
      /** Milliseconds of the whole call, and to its head. */
      readonly ms: number;
      readonly headMs: number | undefined;
      /** What was stored. For who counts and compares; its payload is nobody else's to see. */
      readonly entries: readonly Entry[];
      /** Put together when it is asked for; undefined where there is none to compare. */
      readonly question?: () => Question;
    }
  /** An invalidation, or a dry run of one, has been carried out. */
  | {
      readonly kind: 'invalidated';
      readonly id: string;
      /** `api`, or `webhook:NAME`. */
      readonly by: string;
      readonly mode: 'purge' | 'expire';
      readonly dryRun: boolean;
      readonly matched: number;
      /** The tags that were meant, or the beginning of them; none where it was by something else. */
      readonly tags: readonly string[];
    }
  /** Somebody was refused for what it showed, or did not show, to prove who it is. */
  | { readonly kind: 'refused'; readonly at: 'control plane' | 'data plane' }
  /** Something an operator should look at has begun or ended. */
  | {
      readonly kind: 'alert';
      readonly id: string;
      readonly severity: 'info' | 'warning' | 'critical';
      readonly state: 'raised' | 'cleared';
      readonly message: string;
      /** When it was raised, in milliseconds since the epoch. */
      readonly since: number;
    }
  /** A delivery has come to a webhook that is there. */
  | {
      readonly kind: 'delivery';
      readonly webhook: string;
      /** The sender's name for what has happened; undefined where it was not read, empty where there are no names. */
      readonly event: string | undefined;
      /** `unmatched`: no rule is for its event. `refused`: the sender is wrong. `failed`: we are. */
      readonly outcome: 'accepted' | 'duplicate' | 'unmatched' | 'refused' | 'failed';
      /** Entries that were meant. */
      readonly invalidated: number;
      /** Why it was refused or failed. */
      readonly why: string | undefined;
    }
  /** Something works less well than it should, or does again. */
  | { readonly kind: 'degraded' | 'recovered'; readonly what: string; readonly why: string }
  /** Work nobody waited for has failed. */
  | { readonly kind: 'background-failed'; readonly label: string; readonly message: string };

/** Where events go through: those who emit know nothing of those who listen. */
export class Events {
  readonly #listeners = new Set<(event: Event) => void>();

  /** Calls `listener` with every event from now on; gives what ends that. */
  listen(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells everybody who listens, one after the other. Throws what one of them throws. */
  emit(event: Event): void {
    for (const listener of this.#listeners) listener(event);
  }
}
