import type { Entry, Tagged } from '../cache/entry.ts';
import type { Marks } from '../cache/marks.ts';
import type { MemoryTier } from '../cache/memory.ts';
import type { Store } from '../cache/store.ts';
import { beyond } from '../cache/tagged.ts';
import type { Notice } from './bulletin.ts';
import type { SharedGraves, SharedLineage, SharedVerifications } from './replicas.ts';

/** What a thread has that others' notices change. */
export interface Replicas {
  readonly store: Store;
  readonly memory: MemoryTier;
  readonly marks: Marks;
  readonly graves: SharedGraves;
  readonly lineage: SharedLineage;
  /** Absent where nothing is verified. */
  readonly verifications: SharedVerifications | undefined;
}

/** Takes what another thread lets this one know. */
export function take(notice: Notice, replicas: Replicas): void {
  const { store, memory, marks, graves, lineage, verifications } = replicas;
  switch (notice.kind) {
    case 'mark':
      marks.add(notice.mark);
      break;
    case 'retire':
      marks.retire(notice.oldest);
      break;
    case 'removed':
      for (const id of notice.ids) {
        store.outdate(id);
        graves.hear(id);
      }
      break;
    case 'dropped':
      for (const id of notice.ids) store.outdate(id);
      break;
    case 'stored': {
      const held = memory.peek(notice.id);
      if (held === undefined || isOlder(held, notice)) store.outdate(notice.id);
      break;
    }
    case 'traced':
      lineage.hear(notice.owner, notice.id, notice.tags);
      break;
    case 'verified':
      verifications?.hear(notice.credential, notice.realm, notice.status);
      break;
  }
}

/** Whether an entry is of an earlier answer, or says less of the same one. */
function isOlder(
  held: Entry,
  { stamp, tags }: { readonly stamp: number; readonly tags: readonly Tagged[] },
): boolean {
  return held.stamp < stamp || (held.stamp === stamp && beyond(held.tags, tags).length > 0);
}
