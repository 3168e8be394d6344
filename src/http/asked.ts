import { crc32 } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { Key, Payload } from '../cache/entry.ts';
import type { Bypass, Rendering, Replay } from '../endpoints/endpoint.ts';
import type { TaggedPlan } from '../endpoints/tagged.ts';
import type { Caller } from '../policy/access.ts';
import type { Directives } from '../policy/directives.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Head } from './heads.ts';
import { keepHeadOf } from './kept-heads.ts';
import { PreparedAnswers } from './prepared.ts';

/** What a request asks, as its head and body say it and whenever it comes: all but who may have it, and what there is of it. */
export interface Asked<P extends TaggedPlan | Bypass = TaggedPlan | Bypass> {
  readonly plan: P;
  readonly upstream: Upstream;
  /** The upstream's path and query, put together from bytes. */
  readonly upstreamPath: string;
  readonly directives: Directives;
  /** What the whole request speaks of. */
  readonly tags: readonly string[];
  /** What an answer speaks of that is passed through, for those that are written from it; undefined where that is not known. */
  readonly unread: readonly string[] | undefined;
  /** What the upstream must take a credential for: an upstream, an endpoint and a model. */
  readonly realm: string;
  /** The keys of the plan's parts, for entries that belong to `scope`. */
  readonly keysFor: (scope: string) => readonly Key[];
}

/** What is found out of a request once. */
export interface FoundOut {
  /** Who sends it, which is counted where it is found out. */
  readonly caller: Caller | undefined;
  readonly asked: Asked | undefined;
}

/** A request, what it asks, and what was last answered to it. */
interface Known {
  readonly head: Head;
  readonly body: Buffer;
  readonly asked: Asked<TaggedPlan>;
  /** What was put together last, and of what. */
  last: { readonly payloads: readonly Payload[]; readonly rendering: Rendering } | undefined;
}

/**
 * What the requests that came lately ask. One that is the same byte for byte, as most hits are, need not be read again, nor its
 * answer be put together again: that is most of the work of a hit. The same is what is the same: the bytes are compared, and a
 * checksum only says with which.
 *
 * A request is kept when it comes for the second time: most that are not hits never do. The checksum of a long body is of its
 * ends; where that turns out to be the same for two, it is of all their bytes from then on. Of those with one checksum the last
 * is kept. Who makes such requests on purpose finds them read anew each time, and no more.
 *
 * A request that is the same but for its spelling is read, but finds the answer that was prepared for the others.
 */
export class AskedLately {
  readonly #known: LRUCache<number, Known> | undefined;
  readonly #maxEach: number;
  readonly #prepared: PreparedAnswers | undefined;
  /** Checksums of requests that came, each at the place that it says. */
  readonly #came = new Uint32Array(PLACES);
  /** Likewise those that are of more than one request, which are told apart by all their bytes. */
  readonly #crowded = new Uint32Array(PLACES);

  /** Keeps no more than `maxBytes`; with 0 it keeps nothing, which changes nothing but the speed. */
  constructor(maxBytes: number) {
    const forPrepared = Math.floor(maxBytes / 8);
    const maxSize = maxBytes - forPrepared;
    this.#known = maxBytes === 0 ? undefined : new LRUCache({ maxSize, sizeCalculation: charge });
    this.#prepared = forPrepared === 0 ? undefined : new PreparedAnswers(forPrepared);
    this.#maxEach = maxBytes / FEWEST;
  }

  /** What a request with this head and body asks, if that is known. */
  find(head: Head, body: Buffer): Asked | undefined {
    if (this.#known === undefined || head.seed === undefined) return undefined;
    const known = this.#known.get(this.#idOf(body, head.seed));
    return known !== undefined && known.head === head && known.body.equals(body) ? known.asked : undefined;
  }

  /** Takes note of what one asks, and gives what is to be used in its place. `body` is nobody else's to change. */
  note(head: Head, body: Buffer, read: Asked<TaggedPlan>): Asked<TaggedPlan> {
    if (this.#known === undefined || head.seed === undefined) return read;
    const asked = { ...read, plan: this.#prepared?.sharing(read.plan) ?? read.plan };
    let id = this.#idOf(body, head.seed);
    if (this.#came[id % PLACES] !== id) {
      this.#came[id % PLACES] = id;
      return asked;
    }
    const other = this.#known.peek(id);
    if (other !== undefined && !other.body.equals(body)) {
      this.#crowded[id % PLACES] = id;
      id = this.#idOf(body, head.seed);
    }
    const plan: TaggedPlan = {
      ...asked.plan,
      putTogether: (payloads, replay) => this.#putTogether(id, known, asked.plan, payloads, replay),
    };
    const known: Known = { head, body, asked: { ...asked, plan }, last: undefined };
    if (charge(known) <= this.#maxEach) this.#known.set(id, known);
    return known.asked;
  }

  #idOf(body: Buffer, seed: number): number {
    const rough = body.length <= SHORT ? crc32(body, seed) : checksumOfEnds(body, seed);
    return this.#crowded[rough % PLACES] === rough ? crc32(body, rough) : rough;
  }

  #putTogether(
    id: number,
    known: Known,
    plan: TaggedPlan,
    payloads: readonly Payload[],
    replay: Replay,
  ): Rendering {
    // Another identity is another answer each time.
    if (replay.identity !== 'keep') return plan.putTogether(payloads, replay);
    if (known.last !== undefined && areSame(known.last.payloads, payloads)) return known.last.rendering;
    const rendering = plan.putTogether(payloads, replay);
    known.last = { payloads, rendering };
    if (charge(known) > this.#maxEach) known.last = undefined;
    else keepHeadOf(rendering);
    // It now weighs more, or less.
    if (this.#known?.peek(id) === known) this.#known.set(id, known);
    return rendering;
  }
}

// Room for so many of the largest: batches of a hundred vectors with their answers are smaller.
const FEWEST = 8;

// 64 KB of them.
const PLACES = 16_384;

/** A checksum, of 32 bits, of the first and last bytes of a body that is longer than {@link SHORT}, and of its length. */
function checksumOfEnds(body: Buffer, seed: number): number {
  let sum = seed ^ body.length;
  for (let at = 0; at < END; at += 4) sum = mixed(sum, body, at);
  for (let at = body.length - END; at < body.length; at += 4) sum = mixed(sum, body, at);
  return sum >>> 0;
}

// Of a body of 8 KB a CRC of all bytes costs 2 µs, a tenth of a hit; the ends of most are others, and cost 0.3 µs.
const SHORT = 1_024;
const END = 256;

/** The sum with four bytes of a body in it. */
function mixed(sum: number, body: Buffer, at: number): number {
  const word =
    (body[at] ?? 0) | ((body[at + 1] ?? 0) << 8) | ((body[at + 2] ?? 0) << 16) | ((body[at + 3] ?? 0) << 24);
  const product = Math.imul(sum ^ word, 0x85ebca6b);
  return product ^ (product >>> 15);
}

function areSame(some: readonly Payload[], others: readonly Payload[]): boolean {
  if (some.length !== others.length) return false;
  for (let at = 0; at < some.length; at += 1) if (some[at] !== others[at]) return false;
  return true;
}

/**
 * The bytes that are kept of a request: its body, its text (of two bytes a character at worst), what is made of that, and the
 * plan itself; and the answer with its head, and with what it was made of, of which most is in L1, too.
 */
function charge({ body, asked: { plan }, last }: Known): number {
  let bytes = 3 * body.length + 4_000;
  for (const { content } of plan.parts) bytes += 2 * content.length + 600;
  if (last === undefined) return bytes;
  for (const payload of last.payloads) bytes += payload.body.length;
  return bytes + last.rendering.body.length + 2_000;
}
