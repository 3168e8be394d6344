import { textsFor } from './announcement.ts';
import type { Announcement, Place } from './bus.ts';
import type { Mark } from './mark.ts';
import type { Send } from './redis-run.ts';
import type { SharedMarks } from './shared-marks.ts';
import type { Numbered, SharedTable } from './shared-table.ts';

/** Announcements of which it is made sure, after every reconnection, that the table has not lost them. */
const ASSURED = 1_000;

/** An instance and the shared table, which may not know of each other's last words. */
export interface Parties {
  readonly table: SharedTable;
  readonly send: Send;
  readonly shared: SharedMarks;
  /** How far this instance has got since it began; undefined if it has just begun. */
  readonly place: Place | undefined;
  /** How far it had got when it last ran. */
  readonly formerly: Place | undefined;
  /** What its log knows of that. */
  readonly known: () => Iterable<Announcement>;
}

/** From which number on the table is to be read, and up to which one this instance has applied it. */
export interface Agreement {
  readonly from: number;
  readonly appliedTo: number;
}

/**
 * Gives the table again what it has lost, as far as this instance knows of it: a Redis may come back empty, or as it was a while ago, and
 * what takes the place of a master that has failed may lack its last words. `now` is the life and the last number of the table as it
 * was when this instance last spoke to it.
 */
export async function reconcile(parties: Parties, now: Place): Promise<Agreement> {
  const { table, send, shared, place, formerly, known } = parties;
  if (place?.epoch === now.epoch) {
    const all = numbered(shared.all()).sort(([, one], [, other]) => other - one);
    const { changed } = await table.announce(send, all.slice(0, ASSURED), { how: 'same' });
    if (changed) await table.announce(send, all.slice(ASSURED), { how: 'same' });
    return { from: place.seq, appliedTo: place.seq };
  }
  const before = place ?? formerly;
  if (before !== undefined && before.epoch !== now.epoch) {
    const lost = place === undefined ? atMost(before.seq, known()) : numbered(shared.all());
    await table.announce(send, lost, { how: 'other', epoch: before.epoch });
  } else if (before !== undefined && now.seq < before.seq) {
    await table.announce(send, atMost(before.seq, known()), { how: 'new' });
  }
  shared.begin(now.epoch);
  return { from: 0, appliedTo: before?.epoch === now.epoch ? Math.min(now.seq, before.seq) : 0 };
}

function numbered(marks: Iterable<Mark>): Numbered[] {
  return [...marks].flatMap((mark) => [...textsFor(mark)].map((text): Numbered => [text, mark.stamp]));
}

/** What a log knows, whose numbers are not above that one. */
function atMost(seq: number, announced: Iterable<Announcement>): Numbered[] {
  return [...announced].flatMap((one) => [...textsFor(one)].map((text): Numbered => [text, seq]));
}
