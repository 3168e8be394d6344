import type { Payload } from '../cache/entry.ts';
import type { Dialect } from '../openai/dialect.ts';
import type { Touches } from '../openai/objects.ts';
import type { Condition } from '../policy/condition.ts';

/** Everything that shapes an answer, and nothing about who asks: the same input always gives the same plan. */
export interface PlanInput {
  /** Upper-case HTTP method. */
  readonly method: string;
  /** The path's variables, percent-decoded, by their names in the endpoint's pattern. `model` is the one asked. */
  readonly params: ReadonlyMap<string, string>;
  /** The query string as sent, without `?`; empty if there is none. */
  readonly query: string;
  /** The body as sent; empty if there is none. */
  readonly body: Buffer;
  /** A request header by its lower-case name; several lines joined by `, `. */
  readonly header: (name: string) => string | undefined;
  readonly dialect: Dialect;
  /** Whether a stream may be asked for its usage although the caller did not (`stream_options.include_usage`). */
  readonly injectUsage: boolean;
  /** The JSON text of the caller's `metadata`, where the body's is not as it was sent. */
  readonly metadata?: string;
}

/** The request is forwarded as it is, and neither looked up nor stored; `reason` is shown in `x-cache-reason`. */
export interface Bypass {
  readonly kind: 'bypass';
  readonly reason: string;
  /** What of the upstream's account it touches; see {@link Plan.touches}. */
  readonly touches: Touches;
  /** The body to forward, in plain, where that is not the one that came: what is ours of it is left out. */
  readonly forwarded?: Buffer;
}

/** One separately cached piece of a request. */
export interface Part {
  /** Injective text of everything in the request's body that shapes this part's answer. */
  readonly content: string;
  /** The tags of this part beside those of the whole request. */
  readonly tags?: readonly string[];
}

/** What an upstream answered with status 200 (or a storable 404), read whole. */
export interface Answer {
  readonly status: number;
  /** Response headers, lower-case names; several lines of one name stand as several pairs. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** How long an upstream says its answer lives, in milliseconds; what it does not say is the type's own policy. */
export interface SaidLifetime {
  /** From when it was made. */
  readonly ttl?: number;
  readonly stale_while_revalidate?: number;
  readonly stale_if_error?: number;
  /** How old the answer was when it came (RFC 9111 §4.2.3). */
  readonly age: number;
}

/**
 * What an answer turned out to be:
 * `parts` one payload for each part asked, in the order asked; with `refused` they may be shown to those who wait for
 * them but not stored, for that reason; with `lifetime` they live as long as the upstream says; `tags` are what the answer
 * says it speaks of;
 * `opaque` nothing a plan can read: passed on as it came to who asked for exactly this, and not stored; `personal` where
 * it may belong to one caller alone, so that not even an identical request under way may share it;
 * `failed` a stream that carried an error: `error` is its JSON text;
 * `broken` a stream that ended before its terminal event; `cut` in the midst of what it was saying.
 */
export type Taken =
  | {
      readonly kind: 'parts';
      readonly payloads: readonly Payload[];
      readonly refused?: string;
      readonly lifetime?: SaidLifetime;
      readonly tags?: readonly string[];
    }
  | { readonly kind: 'opaque'; readonly reason: string; readonly personal?: true }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'broken'; readonly cut: boolean };

/** What differs from one replay to the next. */
export interface Replay {
  /** `keep` replays the stored `id` and `created`, `fresh` makes new ones. */
  readonly identity: 'keep' | 'fresh';
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** A random identifier of 24 letters and digits, different at every call. */
  readonly newId: () => string;
}

/** A whole answer, ready to be sent. */
export interface Rendering {
  readonly status: number;
  /** Headers of the answer: `content-type` and what may be replayed; lower-case names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** Watches one upstream stream as it passes, so that it can be stored the moment it is complete. */
export interface StreamRecorder {
  /** Takes the next bytes; gives what the stream turned out to be once that is known, and undefined before and after. */
  push(chunk: Buffer): Taken | undefined;
  /** The upstream has ended: what the stream turned out to be, if `push` has not said so already. */
  end(): Taken | undefined;
}

/** Turns a running upstream stream into what one caller asked for. */
export interface LiveView {
  /** The bytes this caller gets for the next upstream bytes; may be empty while an event is incomplete. */
  push(chunk: Buffer): Buffer;
  /** What is left to send after the upstream's last byte. */
  end(): Buffer;
}

/** How a request is answered: its parts, and how upstream calls and answers are cut to them. */
export interface Plan {
  readonly kind: 'plan';
  /** The lifetime policy: a name under `types` in the profile. */
  readonly type: string;
  /** The model, or the route's name: the third segment of the shown key. */
  readonly label: string;
  /** The distinct parts, in order of their first appearance. Never empty. */
  readonly parts: readonly Part[];
  /** Of each part its own text, where the text of the request is divided among them; absent where all is of all. */
  readonly texts?: readonly string[];
  /** For each item of the caller's request the index of its part; repeats appear again. */
  readonly order: readonly number[];
  /**
   * What of the query and the headers is keyed, headers sorted by name. Absent: the whole query, and the headers that
   * shape an answer in the upstream's dialect.
   */
  readonly shaping?: {
    readonly query: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
  };
  /** What the caller has already, where its copy may be as good as the answer; the upstream is then not asked for that. */
  readonly condition?: Condition;
  /** Whether this caller wants server-sent events. */
  readonly streams: boolean;
  /**
   * How random its answer is: `greedy` not at all as far as can be asked for, `seeded` drawn from a seed that the request names,
   * `free` drawn anew each time.
   */
  readonly draw: 'greedy' | 'seeded' | 'free';
  /** Two identical requests may share a running call only if this is equal too, such as the service tier. */
  readonly company: string;
  /** Two who follow one running stream must have this equal too: what the stream repeats of its request, say. */
  readonly liveCompany: string;
  /** What of the upstream's account the request touches, which bears on who may send it and who may share its answer. */
  readonly touches: Touches;
  /** The body to send upstream to get exactly the parts `missing` (indexes into `parts`, ascending). */
  narrow(missing: readonly number[]): Buffer;
  /** Cuts the upstream's whole answer to the parts that were asked for. */
  takeApart(answer: Answer, asked: readonly number[]): Taken;
  /** Puts payloads, one for each of `parts`, together into what this caller asked for. */
  putTogether(payloads: readonly Payload[], replay: Replay): Rendering;
  /**
   * Which of a payload's answers this caller gets, for a plan of one part: plans that say the same put it together into the same,
   * where identities are kept. Absent where that is not known.
   */
  readonly rendition?: string;
  /** Whether this payload can serve this caller; if not, it counts as absent (a stream stored without its usage, say). */
  serves(payload: Payload): boolean;
  /**
   * Of what is at hand for the parts (undefined: nothing), the parts that count as absent because they cannot stand in one
   * answer, such as vectors of two snapshots of a model. Empty where all can. If an answer that was just fetched disagrees
   * with what was at hand, fetching once more for these makes a whole that agrees. Absent where any payloads can stand
   * together.
   */
  disagreeing?(payloads: readonly (Payload | undefined)[]): readonly number[];
  /** A recorder for an upstream answer of `text/event-stream`, which keeps no more than `maxBytes` of it. */
  record?(answer: Pick<Answer, 'status' | 'headers'>, maxBytes: number): StreamRecorder;
  /** The JSON text of the answer that a recorded stream makes up. */
  document?(payload: Payload): string;
  /** A view for this caller on a running stream; absent where the upstream's bytes are what it asked for. */
  view?(): LiveView;
}

/** A kind of request that can be cached. */
export interface Endpoint {
  /** Stable name, shown in logs and figures: `embeddings`, `chat`, or the route's name. */
  readonly name: string;
  readonly methods: readonly string[];
  /** Path patterns, the best known first: literal segments and `{name}` for one segment. */
  readonly paths: readonly string[];
  /** The lifetime policy of its entries; also where it is bypassed. */
  readonly type: string;
  /** What the labels of its plans name, which makes a tag of each (`model:gpt-5`); absent where they make none. */
  readonly labels?: 'model' | 'vector_store';
  /** Whether an answer `gives` its tags to those written later in its trace, or `inherits` those of earlier ones. */
  readonly lineage?: 'gives' | 'inherits';
  /** The plan for a request, or why there is none. Pure. */
  plan(input: PlanInput): Plan | Bypass;
}
