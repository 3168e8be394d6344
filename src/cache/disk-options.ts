import type { Codec } from '../codec/compress.ts';
import type { Clock } from '../shared/clock.ts';
import type { EngineMaker } from './leveldb.ts';
import type { Watch } from './listed.ts';

/** What opening the disk tier takes. */
export interface DiskOptions {
  /** Made with mode 0700 if it does not exist; used by nothing else. */
  readonly folder: string;
  /** The budget for live records, in bytes; the folder may take up to 2.5 times as many. */
  readonly maxBytes: number;
  readonly codec: Codec;
  /** The largest body that is kept, in bytes. */
  readonly maxEntry: number;
  readonly clock: Clock;
  /** Told what the tier holds. */
  readonly watch?: Watch;
  /**
   * Asked once, when the folder is this process's own and nothing of it has been read yet: whether what lies in it may be used.
   * If not, its invalidations are not all known, and it is given up. Does not reject.
   */
  readonly trusted?: () => Promise<boolean>;
  /**
   * Below which stamp nothing is alive any more, and nobody knows what invalidations say of it: what is older is of an earlier state of
   * the folder, which damage or a backup has brought back. Default: there is no such stamp.
   */
  readonly least?: () => number;
  /** Told what an operator should know of: repairs, quarantines, an outage. */
  readonly notify: (message: string) => void;
  /** Told of the end of an outage. */
  readonly recovered?: (message: string) => void;
  /** Entries that may wait to be written, in bytes; default 32 MB, or two of the largest where that is more. */
  readonly maxQueue?: number;
  /** The engine below; default LevelDB. */
  readonly maker?: EngineMaker;
}
