import type { MessagePort } from 'node:worker_threads';
import type { Tagged } from '../cache/entry.ts';
import type { Listed } from '../cache/listed.ts';
import type { Mark } from '../cache/mark.ts';
import type { StoreFigures } from '../cache/store-figures.ts';
import type { Level, OwnFigures } from '../cache/tier.ts';
import type { Wish } from '../http/other-threads.ts';
import type { HistogramState } from '../shared/histogram.ts';
import type { Parcel } from './parcel.ts';
import type { ToldEvents } from './told-events.ts';

/** What L1 of a thread has come to hold or no longer holds: see `Watch`. */
export type Change = { readonly held: Listed } | { readonly dropped: string } | { readonly emptied: true };

/** What a thread tells of itself when it is asked. */
export interface Report {
  readonly memory: OwnFigures;
  readonly lookups: Readonly<Partial<Record<Level, HistogramState>>>;
  readonly promotions: StoreFigures['promotions'];
  readonly faults: number;
}

/** Who is at the other end of a connection that a thread has. */
export interface Peer {
  readonly address: string | undefined;
  /** Our own port. */
  readonly port: number | undefined;
  readonly secure: boolean;
}

/** The thread is to fetch something itself: until it releases the lease of this number, others do not. */
export interface Held {
  readonly held: number;
  readonly again: boolean;
}

/** What a thread asks of the hub. */
export type HubCalls = {
  /** It listens to the bulletin from now on. Gives the marks that there are, and what is known of traces. */
  join(said: undefined): { readonly marks: readonly Mark[]; readonly traces: readonly unknown[] };
  /** It takes requests. */
  ready(said: undefined): void;
  /** What a tier has under these ids. */
  get(said: { readonly level: Level; readonly ids: readonly string[] }): Promise<Parcel>;
  set(said: Parcel & { readonly level: Level }): void;
  remove(said: { readonly level: Level; readonly id: string }): void;
  /** Resolves when what was set under these ids can be found by other instances, too. */
  written(said: { readonly level: Level; readonly ids: readonly string[] }): Promise<void>;
  /**
   * Who is to fetch what this id names: this thread (`again` where another one, or another instance, may have done so a moment ago), or
   * another thread or instance, by the lease of that number (`elsewhere`).
   */
  lease(id: string): Promise<Held | { readonly elsewhere: number }>;
  /**
   * Which thread is to stream what this id names: this one (`again` where another one did a moment ago), or another one, by the lease of
   * that number (`there`). Nobody is waited for whose lease has a number up to `past`.
   */
  claim(said: { readonly id: string; readonly past: number }): Held | { readonly there: number };
  /** Connects `port` with the thread that has the lease of this number, to follow what it fetches; or closes it. */
  follow(said: { readonly number: number; readonly wish: Wish; readonly port: MessagePort }): void;
  /** Resolves when a lease is given back, or after `ms`. */
  over(said: { readonly lease: number; readonly ms: number }): Promise<void>;
  release(lease: number): void;
  /** What traces were told at all instances: see `SharedTraces`. */
  note(said: { readonly id: string; readonly tags: readonly Tagged[] }): Promise<void>;
  told(ids: readonly string[]): Promise<readonly Tagged[] | undefined>;
  /** Purges everything with this tag, as a write to a vector store does. */
  purge(tag: string): Promise<void>;
  /** What has happened since it last told, in that order. */
  happened(said: {
    readonly changes: readonly Change[];
    readonly touched: readonly (readonly [level: Level, id: string])[];
    readonly told: ToldEvents;
  }): void;
  /** A call to an upstream comes to its gate, named by a number of the thread's. It waits to be told of its turn, unless `open`. */
  enter(said: { readonly upstream: string; readonly call: number; readonly open: boolean }): void;
  leave(call: number): void;
  /** Connects `port` with the control plane. */
  connect(said: { readonly port: MessagePort; readonly peer: Peer }): void;
};

/** What the hub asks of a thread. */
export type ThreadCalls = {
  /** Tells all that has happened, and reports. */
  report(said: undefined): Report;
  /** Another thread would follow a fetch of this one. */
  follow(said: { readonly wish: Wish; readonly port: MessagePort }): void;
  turn(call: number): void;
  refused(said: { readonly call: number; readonly delayMs: number }): void;
  /** Ends: no new connections, running answers finish within the drain time. */
  stop(said: undefined): Promise<void>;
};
