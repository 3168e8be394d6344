import type { Stamps } from '../shared/stamps.ts';
import { announcementOf } from './announcement.ts';
import type { Announcement, Place, Replica } from './bus.ts';
import type { SharedMarks } from './shared-marks.ts';
import type { Numbered } from './shared-table.ts';

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
  know(text: string, seq: number): Announcement | undefined {
    const announced = announcementOf(text);
    if (announced !== undefined) this.#shared.add(announced, seq);
    return announced;
  }

  /**
   * Takes announcements in, and has the replica apply those of them that come after `appliedTo`; everything up to `place` is applied
   * then. Of own ones in the table nobody knows whether another instance had announced the same before, so that they count as others'.
   * Resolves when that survives a crash, as far as it must.
   */
  take(
    replica: Replica | undefined,
    said: readonly Numbered[],
    appliedTo: number,
    place: Place,
  ): Promise<void> {
    const fresh: Announcement[] = [];
    for (const [text, seq] of said) {
      const announced = this.know(text, seq);
      if (announced !== undefined && seq > appliedTo) fresh.push(announced);
    }
    this.#applied += fresh.length;
    const before = this.#stamps.next();
    const kept = replica?.apply(fresh, place, fresh.length > 0);
    this.#shared.applied(before, this.#stamps.next(), place);
    return kept ?? Promise.resolve();
  }
}
