import { freeBytes } from '../cache/folder-size.ts';
import type { Settings } from '../config/schema.ts';
import type { Background } from '../shared/background.ts';
import { type Clock, every } from '../shared/clock.ts';
import { folderOf } from './kept.ts';

/** What measuring free space takes. */
export interface FreeSpaceContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly background: Background;
}

/** What is free on the disk of the data folder. */
export interface FreeSpace {
  /** Bytes; undefined where nothing is kept on a disk, or they could not be measured the last time. */
  readonly bytes: number | undefined;
  close(): void;
}

const MEASURE_EVERY_MS = 30_000;

/** Measures it now and every half a minute, behind everything else: on a disk of another machine that can take its time. */
export function measureFreeSpace({ settings, clock, background }: FreeSpaceContext): FreeSpace {
  const folder = folderOf(settings);
  let bytes: number | undefined;
  let measuring = false;
  async function measure(): Promise<void> {
    if (folder === undefined || measuring) return;
    measuring = true;
    try {
      bytes = await freeBytes(folder);
    } catch {
      // A folder that is gone is the tier's to tell.
      bytes = undefined;
    } finally {
      measuring = false;
    }
  }
  const again = () => background.run('measuring free space', measure());
  again();
  const timer = every(clock, MEASURE_EVERY_MS, again);
  return {
    get bytes() {
      return bytes;
    },
    close: () => timer.cancel(),
  };
}
