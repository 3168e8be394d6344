import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DiskTier } from '../cache/disk.ts';
import { installSecret, keepInstallSecret } from '../cache/install-secret.ts';
import type { Watch } from '../cache/listed.ts';
import type { Marks } from '../cache/marks.ts';
import type { Settings } from '../config/schema.ts';
import { Deliveries } from '../invalidation/deliveries.ts';
import { KeptAudit } from '../invalidation/kept-audit.ts';
import { MarkLog } from '../invalidation/mark-log.ts';
import type { Events } from '../observe/events.ts';
import type { Background } from '../shared/background.ts';
import type { Clock } from '../shared/clock.ts';
import type { Stamps } from '../shared/stamps.ts';
import { folderOf, kept } from './kept.ts';
import { type KeptLineage, openLineage } from './kept-lineage.ts';

/** What opening the data folder takes. */
export interface DataFolderContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly events: Events;
  readonly background: Background;
  readonly marks: Marks;
  readonly stamps: Stamps;
  /** Told what lies on the disk. */
  readonly watch: Watch;
}

/** Everything that lives in the data folder, or in memory only where there is none, or none that can be used. */
export interface DataFolder {
  readonly secret: Buffer;
  /** Absent where the settings want none. */
  readonly disk: DiskTier | undefined;
  /** Absent where nothing is kept beyond this process, whose invalidations need not survive it. */
  readonly markLog: MarkLog | undefined;
  readonly audit: KeptAudit;
  readonly deliveries: Deliveries;
  readonly lineage: KeptLineage;
}

/**
 * Opens the data folder: first the secret, which makes it; then the disk, by whose lock it is this process's; then, before anything
 * of that is read, the invalidations, by which it is known whether it can be trusted. Rejects if another process has the folder, of
 * which nothing has been changed then.
 */
export async function openDataFolder(context: DataFolderContext): Promise<DataFolder> {
  const { settings, clock, background } = context;
  const folder = folderOf(settings);
  const fresh = folder === undefined || !existsSync(l2In(folder));
  const secret = await kept(
    context,
    '',
    'install secret',
    'L2 will not be found again after a restart',
    (path) => (path === undefined ? Promise.resolve(randomBytes(32)) : installSecret(path)),
  );
  const { disk, markLog } = folder === undefined ? {} : await openDisk(folder, fresh, context);
  const audit = await kept(
    context,
    'invalidations.jsonl',
    'log of invalidations',
    'it begins anew, and will be lost at a restart',
    (path) => KeptAudit.open(path, background),
  );
  const deliveries = await kept(
    context,
    'deliveries.journal',
    'webhook deliveries',
    'deliveries before a restart will not be known as repeats after it',
    (path) => Deliveries.open(settings.webhooks.size === 0 ? undefined : path, clock),
  );
  const lineage = await kept(
    context,
    'lineage.journal',
    'lineage',
    'what traces were told will not be known after a restart',
    (path) => openLineage({ clock, path, fresh }),
  );
  return { secret, disk, markLog, audit, deliveries, lineage };
}

function l2In(folder: string): string {
  return join(folder, 'l2');
}

/** Keeps a secret that is not this installation's own: that of the instances it has joined. */
export async function keepSecret(
  secret: Buffer,
  context: Pick<DataFolderContext, 'settings' | 'events'>,
): Promise<void> {
  await kept(context, '', 'install secret', 'L2 will not be found again without the others', async (path) => {
    if (path !== undefined) await keepInstallSecret(path, secret);
  });
}

/** The disk and the log of what is invalid on it. */
async function openDisk(
  folder: string,
  fresh: boolean,
  { settings, clock, events, marks, stamps, watch }: DataFolderContext,
): Promise<{ readonly disk: DiskTier; readonly markLog: MarkLog }> {
  const path = join(folder, 'marks.journal');
  let opening: Promise<MarkLog> | undefined;
  const openLog = () => (opening ??= open());
  const open = async () => {
    const log = await MarkLog.open({ path, fresh, marks, stamps, clock });
    const why = `${log.doubt}: what was stored before may have been invalidated, and is given up`;
    if (!log.trusted) events.emit({ kind: 'degraded', what: 'invalidations', why });
    return log;
  };
  const disk = await DiskTier.open({
    folder: l2In(folder),
    maxBytes: settings.disk.max_bytes,
    codec: settings.disk.compression,
    maxEntry: settings.server.max_entry,
    clock,
    watch,
    least: () => marks.retired,
    trusted: async () => (await openLog()).trusted,
    notify: (why) => events.emit({ kind: 'degraded', what: 'l2', why }),
    recovered: (why) => events.emit({ kind: 'recovered', what: 'l2', why }),
  });
  // A disk that cannot be used yet has not asked for it.
  return { disk, markLog: await openLog() };
}
