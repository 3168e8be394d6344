import { LRUCache } from 'lru-cache';
import type { Payload } from '../cache/entry.ts';
import type { Rendering, Replay } from '../endpoints/endpoint.ts';
import type { TaggedPlan } from '../endpoints/tagged.ts';
import { keepHeadOf } from './kept-heads.ts';

/** An answer, and which of those that its payload can be put together into. */
interface Prepared {
  readonly rendition: string;
  readonly rendering: Rendering;
}

/**
 * The answers that were lately put together of a payload each, for all who ask for it, however their requests are spelled. Of a
 * payload the last is kept; one that is given again has its head kept, too.
 */
export class PreparedAnswers {
  readonly #prepared: LRUCache<Payload, Prepared>;

  /** Keeps no more than `maxBytes`, which is above 0. */
  constructor(maxBytes: number) {
    this.#prepared = new LRUCache({
      maxSize: maxBytes,
      maxEntrySize: Math.ceil(maxBytes / FEWEST),
      sizeCalculation: charge,
    });
  }

  /** The plan, whose answers are those that were put together for another of the same rendition. */
  sharing(plan: TaggedPlan): TaggedPlan {
    const { rendition } = plan;
    if (rendition === undefined || plan.parts.length !== 1) return plan;
    return {
      ...plan,
      putTogether: (payloads, replay) => this.#putTogether(plan, rendition, payloads, replay),
    };
  }

  #putTogether(plan: TaggedPlan, rendition: string, payloads: readonly Payload[], replay: Replay): Rendering {
    const [payload] = payloads;
    // Another identity is another answer each time.
    if (payload === undefined || replay.identity !== 'keep') return plan.putTogether(payloads, replay);
    const known = this.#prepared.get(payload);
    if (known?.rendition === rendition) {
      keepHeadOf(known.rendering);
      return known.rendering;
    }
    const rendering = plan.putTogether(payloads, replay);
    this.#prepared.set(payload, { rendition, rendering });
    return rendering;
  }
}

// Room for so many of the largest.
const FEWEST = 8;

/** The bytes of an answer and its head, and of what it was made of, which may be in L1 no more. */
function charge({ rendering }: Prepared, { body }: Payload): number {
  return 3_000 + body.length + (rendering.body === body ? 0 : rendering.body.length);
}
