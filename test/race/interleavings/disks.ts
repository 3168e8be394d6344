import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { DiskTier } from '../../../src/cache/disk.ts';
import type { Entry } from '../../../src/cache/entry.ts';
import type { Watch } from '../../../src/cache/listed.ts';
import type { Mark } from '../../../src/cache/mark.ts';
import { openLineage } from '../../../src/composing/kept-lineage.ts';
import { MarkLog } from '../../../src/invalidation/mark-log.ts';
import { Lineage } from '../../../src/policy/lineage.ts';
import { until } from '../../support/deadline.ts';
import { tempFolder } from '../../support/folder.ts';
import type { Beginning, Durable } from './engine.ts';
import { HeldTier } from './held-tier.ts';

/** What a process has on disk. */
export interface OpenDisk extends Durable {
  /** Lets a read end, where reads wait. */
  letRead(at: number): void;
  /** Lets an invalidation become durable, where that waits. */
  letKeep(at: number): void;
  /** Writes what waits. */
  flush(): Promise<void>;
  /** Ends it well, or as a kill does. */
  end(killed: boolean): Promise<void>;
}

/** What survives processes. */
export interface Disk {
  open(begun: Beginning, watch: Watch): Promise<OpenDisk>;
}

/** A disk in memory, which is as slow as a test says. */
export class MemoryDisk implements Disk {
  #entries: ReadonlyMap<string, Entry> = new Map();
  readonly #marks: Mark[] = [];
  #ceiling = 0;
  /** What the last process left of its lineage; undefined before the first. */
  #lineage: readonly unknown[] | undefined;

  async open({ clock, stamps, marks }: Beginning, watch: Watch): Promise<OpenDisk> {
    for (const mark of this.#marks) marks.add(mark);
    stamps.observe(this.#ceiling);
    const tier = new HeldTier(this.#entries, clock, watch);
    const lineage = new Lineage(clock);
    if (this.#lineage !== undefined && !lineage.restore(this.#lineage)) lineage.forget();
    this.#lineage = [];
    const keeps: (() => void)[] = [];
    const flush = async () => {
      this.#entries = tier.write();
    };
    return {
      tier,
      lineage,
      isListed: () => true,
      keep: (made) =>
        new Promise((resolve) => {
          keeps.push(() => {
            this.#marks.push(...made);
            resolve();
          });
        }),
      letRead: (at) => takeAt(tier.reads, at)?.(),
      letKeep: (at) => takeAt(keeps, at)?.(),
      flush,
      end: async (killed) => {
        this.#ceiling = stamps.last;
        if (killed) return;
        await flush();
        this.#lineage = [...lineage.records()];
      },
    };
  }
}

/** A real folder. What a kill leaves is a copy of it at that moment. */
export class FolderDisk implements Disk {
  #folder = tempFolder();

  async open({ clock, stamps, marks }: Beginning, watch: Watch): Promise<OpenDisk> {
    const path = join(this.#folder, 'marks.journal');
    const folder = join(this.#folder, 'l2');
    const fresh = !existsSync(folder);
    let opening: Promise<MarkLog> | undefined;
    const openLog = () => (opening ??= MarkLog.open({ path, fresh, clock, stamps, marks }));
    const tier = await DiskTier.open({
      folder,
      maxBytes: 50_000_000,
      codec: 'none',
      maxEntry: 1_000_000,
      clock,
      watch,
      trusted: async () => (await openLog()).trusted,
      notify: () => {},
    });
    const log = await openLog();
    const { lineage, close } = await openLineage({
      clock,
      path: join(this.#folder, 'lineage.journal'),
      fresh,
    });
    await until(() => tier.isListed, 'the index');
    return {
      tier,
      lineage,
      isListed: () => tier.isListed,
      keep: (made) => log.keep(made),
      letRead: () => {},
      letKeep: () => {},
      flush: () => tier.flush(),
      end: async (killed) => {
        if (killed) {
          const copy = tempFolder();
          await cp(this.#folder, copy, { recursive: true });
          this.#folder = copy;
        }
        await close();
        await tier.close();
        await log.close();
        await turn();
      },
    };
  }
}

/** Takes the `at`-th out of a list, counted around. */
export function takeAt<T>(list: T[], at: number): T | undefined {
  return list.length === 0 ? undefined : list.splice(at % list.length, 1)[0];
}
