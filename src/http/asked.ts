import { crc32 } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { Key } from '../cache/entry.ts';
import type { Bypass } from '../endpoints/endpoint.ts';
import type { TaggedPlan } from '../endpoints/tagged.ts';
import type { Directives } from '../policy/directives.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Head } from './heads.ts';

/** What a request asks, as its head and body say it and whenever it comes: all but who may have it, and what there is of it. */
export interface Asked {
  readonly plan: TaggedPlan | Bypass;
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

interface Remembered {
  readonly head: Head;
  readonly body: Buffer;
  readonly asked: Asked;
}

/**
 * What the requests that came lately ask. One that is the same byte for byte, as most hits are, need not be read again: that is
 * most of the work of a hit. The same is what is the same: the bytes are compared, and a checksum only says with which.
 *
 * Of those with one checksum the last is kept. Who makes such requests on purpose finds them read anew each time, and no more.
 */
export class AskedLately {
  readonly #known: LRUCache<number, Remembered> | undefined;

  /** Keeps no more than `maxBytes`; with 0 it keeps nothing, which changes nothing but the speed. */
  constructor(maxBytes: number) {
    this.#known = maxBytes === 0 ? undefined : new LRUCache({ maxSize: maxBytes, sizeCalculation: charge });
  }

  /** What a request with this head and body asks, if that is known. */
  find(head: Head, body: Buffer): Asked | undefined {
    if (this.#known === undefined || head.seed === undefined) return undefined;
    const known = this.#known.get(crc32(body, head.seed));
    return known !== undefined && known.head === head && known.body.equals(body) ? known.asked : undefined;
  }

  /** Takes note of what one asks. `body` is nobody else's to change. */
  note(head: Head, body: Buffer, asked: Asked): void {
    if (head.seed === undefined) return;
    this.#known?.set(crc32(body, head.seed), { head, body, asked });
  }
}

/** The body, its text (of two bytes a character at worst), what is made of it, and the plan itself. */
function charge({ body, asked: { plan } }: Remembered): number {
  let bytes = 3 * body.length + 4_000;
  const parts = plan.kind === 'plan' ? plan.parts : [];
  for (const { content } of parts) bytes += 2 * content.length + 400;
  return bytes;
}
