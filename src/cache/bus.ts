import type { Histogram } from '../shared/histogram.ts';
import type { Announced, Numbered } from './announced.ts';
import type { Mark } from './mark.ts';
import type { TierHealth } from './tier.ts';

/** An invalidation as instances tell each other of it: whoever is told gives it a stamp of its own. */
export type Announcement = Pick<Mark, 'condition' | 'effect'>;

/** How far an instance has got in the order in which all are told: it has applied everything up to there. */
export interface Place {
  /** Names one life of the shared table: one that comes back empty has another. */
  readonly epoch: string;
  /** The number of the last announcement; numbers rise. */
  readonly seq: number;
}

/** Who has got an invalidation, beside the instance that made it. */
export interface Reception {
  /** Whether it is in the table that all share. If not, it is handed over as soon as that can be reached. */
  readonly shared: boolean;
  /** The names of the instances that apply it. */
  readonly acknowledged: readonly string[];
  /** The names of those that had not said so in time. */
  readonly missing: readonly string[];
}

/** An instance as the others see it. */
export interface Peer {
  readonly id: string;
  /** What people call it: its host, and what tells it apart from others there. */
  readonly name: string;
  readonly version: string;
  /** The version of what is shared: only those with the same one share it. */
  readonly wire: number;
}

/** What a bus works on in the instance that it belongs to. */
export interface Replica {
  /** How far it had got when it last ran; undefined where nobody knows. */
  readonly place: Place | undefined;
  /** Its own marks that are not known to be in the shared table, in the order in which they were made. */
  readonly unsent: readonly Mark[];
  /** What it knows of the shared table, as of that place: the bus adds to it, and empties it where the table is another one. */
  readonly announced: Announced;
  /**
   * Applies what others have announced, in memory at once, and with it everything up to `place` is applied; `news` are the numbers of
   * the table that it has just been told. Resolves when that survives a crash, where it is more than a place: one that is forgotten
   * costs only that what was announced after it is applied twice. Does not reject.
   */
  apply(announced: readonly Announcement[], news: readonly Numbered[], place: Place): Promise<void>;
  /** Its own marks up to this stamp are in the shared table, under these numbers. */
  handed(stamp: number, numbered: readonly Numbered[]): void;
}

/** The right to fetch something for all instances, or the knowledge that another has it. */
export type Lease =
  /** To be given back when what was fetched can be found by the others, or will not be. */
  | { readonly kind: 'held'; readonly release: () => void }
  /** Resolves when the other one has given it back, or has died, or `ms` have passed. */
  | { readonly kind: 'elsewhere'; readonly over: (ms: number) => Promise<void> };

/** What a bus has counted since it was opened. */
export interface BusFigures {
  /** The instances there are, this one first. */
  readonly peers: readonly Peer[];
  /** How long announcements of this instance took until all others had applied them, in microseconds. */
  readonly lag: Histogram;
  readonly published: number;
  readonly applied: number;
  /** Own marks that wait to be handed over. */
  readonly unsent: number;
  /** Times that announcements were found missing, and the table was read. */
  readonly gaps: number;
  /** Times that the others could not be reached any more. */
  readonly outages: number;
  readonly leases: { readonly held: number; readonly waited: number; readonly waitedMs: number };
}

/**
 * What joins instances that share entries: invalidations reach all of them, and of several that would fetch the same one does. Nothing
 * here throws, and nothing waits for the others longer than it must: who cannot reach them goes on alone.
 */
export interface Bus {
  /** Whether every invalidation of the others is known here that may concern what was stored before: L2 and L3 are not asked until then. */
  readonly isCurrent: boolean;
  /** Begins. Resolves when it is current, or cannot become so soon. */
  join(replica: Replica): Promise<void>;
  /**
   * Announces marks that have just been made here. They count for what is shared from this call on. Resolves when the others
   * apply them, or a second has passed; undefined where there are no others.
   */
  publish(marks: readonly Mark[]): Promise<Reception | undefined>;
  /** Asks for the right to fetch what `id` names; undefined where nobody else could fetch it, or nobody knows. */
  lease(id: string): Promise<Lease> | undefined;
  /** Undefined where there are no others. */
  figures(): BusFigures | undefined;
  health(): TierHealth;
  /** Leaves. */
  close(): Promise<void>;
}

/** The bus of an instance that is alone. */
export const ALONE: Bus = {
  isCurrent: true,
  join: async () => {},
  publish: async () => undefined,
  lease: () => undefined,
  figures: () => undefined,
  health: () => ({ state: 'ok' }),
  close: async () => {},
};
