import type { MessagePort } from 'node:worker_threads';
import type { Settings } from '../config/schema.ts';
import type { SharedLevel } from './hub-tier.ts';
import type { Commons } from './in-common.ts';

/** What a thread is started with. */
export interface Start {
  /** Its own, from 1. */
  readonly number: number;
  /** To the hub. */
  readonly port: MessagePort;
  /** Plain values and maps of such, so that they can be sent. */
  readonly settings: Settings;
  readonly env: NodeJS.ProcessEnv;
  readonly secret: Uint8Array;
  readonly commons: Commons;
  /** The hub's tiers, the fastest first. */
  readonly levels: readonly SharedLevel[];
  /** Whether the hub shares with other instances what traces are told. */
  readonly sharesTraces: boolean;
  readonly listen: { readonly host: string; readonly port: number };
  /** By how much the hub's wall clock is ahead of its monotonic one: see `neverBack`. */
  readonly ahead: number;
}
