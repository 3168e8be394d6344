import { Bounded } from './bounded.ts';
import type { Event } from './events.ts';

/** How tags of one kind are used. */
export interface TagLine {
  /** Entries that were stored with such tags. */
  stored: number;
  /** Invalidations that named one. */
  invalidated: number;
}

/** Which kinds of tags entries get, and which are ever invalidated. A kind is what stands before the first colon: `product` of `product:7`. */
export class TagUse {
  readonly kinds = new Bounded((): TagLine => ({ stored: 0, invalidated: 0 }));

  /** Takes note of what has been stored, and of what has been invalidated. */
  readonly take = (event: Event): void => {
    if (event.kind === 'fetched') {
      for (const { tags } of event.entries) {
        for (const kind of kindsOf(tags.map(([tag]) => tag))) this.kinds.of(kind).stored += 1;
      }
    } else if (event.kind === 'invalidated' && !event.dryRun) {
      for (const kind of kindsOf(event.tags)) this.kinds.of(kind).invalidated += 1;
    }
  };
}

function kindsOf(tags: readonly string[]): ReadonlySet<string> {
  return new Set(tags.map((tag) => tag.split(':', 1)[0] ?? ''));
}
