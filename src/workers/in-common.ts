import { randomUUID } from 'node:crypto';
import type { Settings } from '../config/schema.ts';
import { type Cell, SharedCells } from '../shared/cell.ts';
import type { Clock } from '../shared/clock.ts';
import { type HealthMemory, UNTRIED } from '../upstream/health.ts';
import type { BulletinAddress } from './bulletin.ts';

/** What a thread is given to share the rest. */
export interface Commons {
  readonly bulletin: BulletinAddress;
  readonly cells: SharedArrayBuffer;
  /** What a thread has to add to `process.hrtime` in milliseconds to have the hub's monotonic clock. */
  readonly epochMs: number;
}

/** Numbers that all threads of one proxy have in common, and one monotonic clock by which they are read. */
export class InCommon {
  readonly commons: Commons;
  readonly #cells: SharedCells;
  readonly #upstreams: readonly string[];
  readonly #threads: number;

  private constructor(settings: Settings, commons: Commons) {
    this.commons = commons;
    this.#cells = SharedCells.in(commons.cells);
    this.#upstreams = [...settings.upstreams.keys()];
    this.#threads = settings.server.workers;
  }

  /** New ones, of the thread whose monotonic clock is everybody's. */
  static create(settings: Settings, clock: Clock): InCommon {
    const keys = settings.access.mode === 'gateway' ? settings.access.keys : [];
    const values = [
      0,
      ...[...settings.upstreams].flatMap(() => UNTRIED),
      ...Array.from({ length: settings.server.workers }, () => 0),
      ...keys.map(() => 0),
    ];
    return new InCommon(settings, {
      bulletin: { name: randomUUID(), count: new SharedArrayBuffer(4) },
      cells: SharedCells.of(values).memory,
      epochMs: clock.elapsed() - hrtimeMs(),
    });
  }

  /** Those of another thread, which has the same settings. */
  static of(settings: Settings, commons: Commons): InCommon {
    return new InCommon(settings, commons);
  }

  /** The last stamp that was given. */
  get lastStamp(): Cell {
    return this.#cells.at(0);
  }

  /** What is known of an upstream. */
  healthOf(upstream: string): HealthMemory {
    const first = 1 + UNTRIED.length * this.#upstreams.indexOf(upstream);
    return {
      failures: this.#cells.at(first),
      failedAt: this.#cells.at(first + 1),
      nextProbe: this.#cells.at(first + 2),
    };
  }

  /** How many requests a thread is answering, by its number from 1. */
  runningIn(thread: number): Cell {
    return this.#cells.at(UNTRIED.length * this.#upstreams.length + thread);
  }

  /** What the limit of a client's key counts with, by the key's place in the settings. */
  rateOf(key: number): Cell {
    return this.#cells.at(1 + UNTRIED.length * this.#upstreams.length + this.#threads + key);
  }

  /** The clock of this thread, by which the numbers in common are read. */
  clockOf(clock: Clock): Clock {
    const ahead = this.commons.epochMs + hrtimeMs() - clock.elapsed();
    return {
      now: () => clock.now(),
      elapsed: () => clock.elapsed() + ahead,
      after: (ms, run) => clock.after(ms, run),
    };
  }
}

/** The machine's monotonic clock, which is one for all threads. */
function hrtimeMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
