import type { Stamps } from '../shared/stamps.ts';
import type { Numbered } from './announced.ts';
import { announcementOf } from './announcement.ts';
import type { Announcement, Place, Replica } from './bus.ts';
import type { SharedMarks } from './shared-marks.ts';

/** Takes in what the shared table says: it counts for what is shared, and what is news to this instance is applied here. */
export class Intake {
  readonly #shared: SharedMarks;
  readonly #stamps: Stamps;
  #applied = 0;

  constructor({ shared, stamps }: { readonly shared: SharedMarks; readonly stamps: Stamps }) {
    this.#shared = shared;
    this.#stamps = stamps;
  }

  /** How many announcements have been applied here. */
  get applied(): number {
    return this.#applied;
  }

  /** The table has this text under this number. Gives what it announces; undefined if that is nothing of ours. */
  know(replica: Replica, text: string, seq: number): Announcement | undefined {
    const announced = announcementOf(text);
    if (announced === undefined) return undefined;
    this.#shared.add(announced, seq);
    replica.announced.add(text, seq);
    return announced;
  }

  /**
   * Takes announcements in, and has the replica apply those of them that are not applied here; everything up to `place` is applied
   * then. Of own ones in the table nobody knows whether another instance had announced the same before, so that they count as others'.
   * Resolves when that survives a crash, as far as it must.
   */
  take(
    replica: Replica,
    said: readonly Numbered[],
    isApplied: (text: string, seq: number) => boolean,
    place: Place,
  ): Promise<void> {
    const fresh: Announcement[] = [];
    const news: Numbered[] = [];
    for (const [text, seq] of said) {
      const isNews = replica.announced.numberOf(text) !== seq;
      const announced = this.know(replica, text, seq);
      if (announced === undefined) continue;
      if (isNews) news.push([text, seq]);
      if (!isApplied(text, seq)) fresh.push(announced);
    }
    this.#applied += fresh.length;
    const before = this.#stamps.next();
    const kept = replica.apply(fresh, news, place);
    this.#shared.applied(before, this.#stamps.next(), place);
    return kept;
  }
}
