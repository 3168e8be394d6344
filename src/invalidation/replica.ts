import { Announced, type Numbered } from '../cache/announced.ts';
import type { Announcement, Place, Replica } from '../cache/bus.ts';
import type { Condition } from '../cache/condition.ts';
import type { Mark } from '../cache/mark.ts';
import type { Marks } from '../cache/marks.ts';
import type { Background } from '../shared/background.ts';
import type { Stamps } from '../shared/stamps.ts';
import type { MarkLog } from './mark-log.ts';

/** What a bus finds here. */
export interface ReplicaOptions {
  readonly marks: Marks;
  readonly stamps: Stamps;
  readonly background: Background;
  /** Absent where nothing outlives the process. */
  readonly log: MarkLog | undefined;
  /** Gives the bytes back of what a purge meant. */
  readonly sweep: (condition: Condition | undefined) => Promise<unknown>;
}

const SWEPT_ALONE = 100;
const EVERYTHING = { condition: undefined };

/** This instance's marks as its bus works on them. What others announce gets a stamp of the moment at which it comes. */
export function replicaOf({ marks, stamps, background, log, sweep }: ReplicaOptions): Replica {
  return {
    place: log?.ledger.place,
    unsent: log?.ledger.unsent ?? [],
    announced: log?.ledger.announced ?? new Announced(),
    async apply(announced: readonly Announcement[], news: readonly Numbered[], place: Place) {
      const made = announced.map((one): Mark => ({ ...one, stamp: stamps.next() }));
      for (const mark of made) marks.add(mark);
      const purged = made.filter(({ effect }) => effect === 'purge');
      // Of very many each would be looked for by itself.
      for (const { condition } of purged.length > SWEPT_ALONE ? [EVERYTHING] : purged)
        background.run('sweeping what was invalidated', sweep(condition));
      if (log === undefined) return;
      log.ledger.place = place;
      // What cannot be kept is in memory, and is written with what comes next.
      if (made.length + news.length > 0) await log.keepTold(made, news, place).catch(() => undefined);
    },
    handed: (stamp, numbered) => {
      if (log !== undefined) background.run('noting what was announced', log.handed(stamp, numbered));
    },
  };
}
