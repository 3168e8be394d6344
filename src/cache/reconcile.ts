import type { Announced } from './announced.ts';
import type { Place } from './bus.ts';
import type { Send } from './redis-run.ts';
import type { SharedTable } from './shared-table.ts';

/** Announcements of which it is made sure, after every reconnection, that the table has not lost them. */
const ASSURED = 1_000;

/** An instance and the shared table, which may not know of each other's last words. */
export interface Parties {
  readonly table: SharedTable;
  readonly send: Send;
  /** What the instance knows of the table, as that was when it last spoke to it. */
  readonly announced: Announced;
  /** How far this instance has got since it began; undefined if it has just begun. */
  readonly place: Place | undefined;
  /** How far it had got when it last ran. */
  readonly formerly: Place | undefined;
}

/** What of the table this instance has to read, and what of that it has applied already. */
export interface Agreement {
  /** From which number on the table is to be read. */
  readonly from: number;
  readonly isApplied: (text: string, seq: number) => boolean;
}

/**
 * Gives the table again what it has lost, as far as this instance knows of it: a Redis may come back empty, or as it was a while ago, and
 * what takes the place of a master that has failed may lack its last words. `now` is the life and the last number of the table as it
 * was when this instance last spoke to it.
 */
export async function reconcile(parties: Parties, now: Place): Promise<Agreement> {
  const { table, send, announced, place, formerly } = parties;
  const before = place ?? formerly;
  if (before === undefined) return { from: 0, isApplied: () => false };
  const all = announced.all();
  if (before.epoch === now.epoch) {
    const { changed } = await table.announce(send, all.slice(0, ASSURED), { how: 'same' });
    if (changed) await table.announce(send, all.slice(ASSURED), { how: 'same' });
    // One that began anew reads all again, for what is shared. What has been given a number since it was lost comes after this one.
    const upTo = place === undefined ? Math.min(now.seq, before.seq) : before.seq;
    return { from: place?.seq ?? 0, isApplied: (_text, seq) => seq <= upTo };
  }
  await table.announce(send, all, { how: 'other', epoch: before.epoch });
  // What this instance had applied in that life, others may have handed over: it has another number now, and means nothing new here.
  const handed = await table.handedOver(send, before.epoch);
  const applied = new Map<string, number>();
  for (const [text, seq] of all) {
    const known = handed.get(text);
    if (known !== undefined && known.had <= seq) applied.set(text, known.got);
  }
  return { from: 0, isApplied: (text, seq) => applied.get(text) === seq };
}
