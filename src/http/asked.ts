import { crc32 } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { Key, Payload } from '../cache/entry.ts';
import type { Bypass, Rendering, Replay } from '../endpoints/endpoint.ts';
import type { TaggedPlan } from '../endpoints/tagged.ts';
import type { Directives } from '../policy/directives.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Head } from './heads.ts';

/** What a request asks, as its head and body say it and whenever it comes: all but who may have it, and what there is of it. */
export interface Asked<P extends TaggedPlan | Bypass = TaggedPlan | Bypass> {
  readonly plan: P;
  readonly upstream: Upstream;
  /** The upstream's path and query, put together from bytes. */
  readonly upstreamPath: string;
  readonly directives: Directives;
  /** What the whole request speaks of. */
  readonly tags: readonly string[];
  /** What the upstream must take a credential for: an upstream, an endpoint and a model. */
  readonly realm: string;
  /** The keys of the plan's parts, for entries that belong to `scope`. */
  readonly keysFor: (scope: string) => readonly Key[];
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
 * A request is kept when it comes for the second time: most that are not hits never do. Of those with one checksum the last is
 * kept. Who makes such requests on purpose finds them read anew each time, and no more.
 */
export class AskedLately {
  readonly #known: LRUCache<number, Known> | undefined;
  readonly #maxEach: number;
  /** Checksums of requests that came, each at the place that it says. */
  readonly #came = new Uint32Array(PLACES);

  /** Keeps no more than `maxBytes`; with 0 it keeps nothing, which changes nothing but the speed. */
  constructor(maxBytes: number) {
    this.#known = maxBytes === 0 ? undefined : new LRUCache({ maxSize: maxBytes, sizeCalculation: charge });
    this.#maxEach = maxBytes / FEWEST;
  }

  /** What a request with this head and body asks, if that is known. */
  find(head: Head, body: Buffer): Asked | undefined {
    if (this.#known === undefined || head.seed === undefined) return undefined;
    const known = this.#known.get(crc32(body, head.seed));
    return known !== undefined && known.head === head && known.body.equals(body) ? known.asked : undefined;
  }

  /** Takes note of what one asks, and gives what is to be used in its place. `body` is nobody else's to change. */
  note(head: Head, body: Buffer, asked: Asked<TaggedPlan>): Asked<TaggedPlan> {
    if (this.#known === undefined || head.seed === undefined) return asked;
    const id = crc32(body, head.seed);
    if (this.#came[id % PLACES] !== id) {
      this.#came[id % PLACES] = id;
      return asked;
    }
    const plan: TaggedPlan = {
      ...asked.plan,
      putTogether: (payloads, replay) => this.#putTogether(id, known, asked.plan, payloads, replay),
    };
    const known: Known = { head, body, asked: { ...asked, plan }, last: undefined };
    if (charge(known) <= this.#maxEach) this.#known.set(id, known);
    return known.asked;
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
    // It now weighs more, or less.
    if (this.#known?.peek(id) === known) this.#known.set(id, known);
    return rendering;
  }
}

// Room for so many of the largest: batches of a hundred vectors with their answers are smaller.
const FEWEST = 8;

// 64 KB of them.
const PLACES = 16_384;

function areSame(some: readonly Payload[], others: readonly Payload[]): boolean {
  return some.length === others.length && some.every((one, at) => one === others[at]);
}

/**
 * The bytes that are kept of a request: its body, its text (of two bytes a character at worst), what is made of that, and the
 * plan itself; and the answer with what it was made of, of which most is in L1, too.
 */
function charge({ body, asked: { plan }, last }: Known): number {
  let bytes = 3 * body.length + 4_000;
  for (const { content } of plan.parts) bytes += 2 * content.length + 600;
  if (last === undefined) return bytes;
  for (const payload of last.payloads) bytes += payload.body.length;
  return bytes + last.rendering.body.length;
}
