import { rm } from 'node:fs/promises';
import { Journal } from '../cache/journal.ts';
import { Lineage } from '../policy/lineage.ts';
import type { Clock } from '../shared/clock.ts';

/** What opening the lineage takes. */
export interface LineageOptions {
  readonly clock: Clock;
  /** The file in which one process leaves it to the next; undefined where there is none. */
  readonly path: string | undefined;
  /** Whether no process can have been here before. */
  readonly fresh: boolean;
}

/** The lineage, and how it is left to the next process. */
export interface KeptLineage {
  readonly lineage: Lineage;
  /** Leaves it. Never rejects: where that fails, the next process knows that it is lost. */
  close(): Promise<void>;
}

/**
 * The lineage that the last process left at its end. It is taken out of its file before it is used: after a crash there must be nothing
 * to find that lacks what was told since. Where the last process left none, whatever it knew is forgotten. Rejects if the file cannot be
 * used.
 */
export async function openLineage({ clock, path, fresh }: LineageOptions): Promise<KeptLineage> {
  const lineage = new Lineage(clock);
  if (path === undefined) {
    if (!fresh) lineage.forget();
    return { lineage, async close() {} };
  }
  const { journal, records, whole, flaw } = await Journal.open(path);
  const nothingLost = flaw === 'absent' ? fresh : whole && lineage.restore(records);
  if (!nothingLost) lineage.forget();
  await takeOut(journal, path);
  return {
    lineage,
    async close() {
      await journal.rewrite([...lineage.records()]).catch(() => undefined);
      await journal.close();
    },
  };
}

/**
 * Empties the file, or removes it where it cannot be written, which takes no room on the disk: what is left there would be taken for
 * whole by the next process. Rejects with why it cannot be used.
 */
async function takeOut(journal: Journal, path: string): Promise<void> {
  try {
    await journal.rewrite([]);
  } catch (thrown) {
    await journal.close();
    await rm(path, { force: true });
    throw thrown;
  }
}
