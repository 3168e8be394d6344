import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import type { Events } from '../observe/events.ts';
import { messageOf } from '../shared/errors.ts';

/** The data folder; undefined where the settings want nothing kept. */
export function folderOf({ disk }: Settings): string | undefined {
  return disk.max_bytes === 0 ? undefined : disk.path;
}

/**
 * Opens `what` is kept in a file of the data folder. Without a folder, or where the file cannot be used, which is told with what
 * becomes of it `without`, it is opened with no path.
 */
export async function kept<T>(
  { settings, events }: { readonly settings: Settings; readonly events: Events },
  file: string,
  what: string,
  without: string,
  open: (path: string | undefined) => Promise<T>,
): Promise<T> {
  const folder = folderOf(settings);
  if (folder === undefined) return await open(undefined);
  try {
    return await open(join(folder, file));
  } catch (thrown) {
    events.emit({ kind: 'degraded', what, why: `${messageOf(thrown)}; ${without}` });
    return await open(undefined);
  }
}
