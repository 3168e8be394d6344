import type { BusFigures } from '../cache/bus.ts';
import type { Level, TierFigures, TierHealth } from '../cache/tier.ts';
import type { Clock } from '../shared/clock.ts';
import type { Histogram } from '../shared/histogram.ts';
import type { AlertPostCounts } from './alert-posts.ts';
import type { SpanCounts } from './span-draft.ts';

/** A tier as it stands. */
export interface LevelState extends TierFigures {
  readonly level: Level;
  readonly kind: 'memory' | 'disk' | 'redis';
  /** Entries copied from it into the tier above. */
  readonly promotions: number;
  /** How long look-ups took, in units of 10 ns. */
  readonly lookups: Histogram;
  readonly health: TierHealth;
}

/** An upstream as it stands. */
export interface UpstreamState {
  readonly state: 'up' | 'failing' | 'down';
  /** Calls under way, and calls that wait for their turn. */
  readonly running: number;
  readonly waiting: number;
  /** Whether the queue takes no more. */
  readonly full: boolean;
}

/** The entries of a type in one namespace, for one model or route. */
export interface PlaceState {
  readonly type: string;
  readonly namespace: string;
  readonly label: string;
  readonly entries: number;
  readonly bytes: number;
}

/** The disk that the data folder is on. */
export interface DiskState {
  /** Bytes that are free on it. */
  readonly free: number;
  /** Bytes by which the data folder may yet grow, at its worst. */
  readonly growth: number;
}

/** What of a type's policy advice speaks of. */
export interface TypePolicy {
  /** Milliseconds. */
  readonly ttl: number;
  readonly mode: string;
}

/** The threads that answer requests. */
export interface ThreadsState {
  /** How many there are to be. */
  readonly size: number;
  /** How many take requests. */
  readonly working: number;
  /** How often one has taken the place of another that had ended. */
  readonly restarts: number;
}

/** What figures are put together with when somebody asks: how things stand, and what the settings say. */
export interface Sources {
  readonly profile: string;
  readonly types: ReadonlyMap<string, TypePolicy>;
  /** The fastest first. */
  readonly levels: () => readonly LevelState[];
  /** What joins this instance with others; undefined where it is alone. */
  readonly bus: () => BusFigures | undefined;
  /** Undefined where there is one, the process's own. */
  readonly threads: () => ThreadsState | undefined;
  readonly upstreams: () => ReadonlyMap<string, UpstreamState>;
  readonly places: () => Iterable<PlaceState>;
  /** Undefined where spans are not exported. */
  readonly spans: () => SpanCounts | undefined;
  /** Undefined where alerts are posted nowhere. */
  readonly alertPosts: () => AlertPostCounts | undefined;
  /** Undefined where nothing is kept on a disk, or it is not known. */
  readonly disk: () => DiskState | undefined;
  /** The machine's clock as it is set, which may go back. */
  readonly wallClock: Pick<Clock, 'now' | 'elapsed'>;
}
