import type { Clock, Timer } from '../shared/clock.ts';
import { every } from '../shared/clock.ts';
import { ADVISERS } from './advice/advisers.ts';
import type { Finding } from './advice/finding.ts';
import { alertRules, type Watched } from './alert-rules.ts';
import { Alerts, type Raised } from './alerts.ts';
import type { Event, Events } from './events.ts';
import { Figures } from './figures.ts';
import { HotKeys } from './hot-keys.ts';
import { NearMisses } from './near-misses.ts';
import type { Prices } from './prices.ts';
import { Refetches } from './refetches.ts';
import { Reuse } from './reuse.ts';
import { scoreOf } from './score.ts';
import { Series } from './series.ts';
import type { Sources } from './sources.ts';
import { TagUse } from './tag-use.ts';
import { TURN_MS } from './windows.ts';

/** What a monitor works with. */
export interface MonitorOptions {
  readonly clock: Clock;
  readonly events: Events;
  readonly prices: Prices;
  readonly sources: Sources;
}

/** Watches the running proxy: what it counts, what it makes of that, and what it warns of. */
export class Monitor {
  readonly figures: Figures;
  readonly series = new Series();
  readonly reuse = new Reuse();
  readonly hotKeys = new HotKeys();
  readonly refetches = new Refetches();
  readonly nearMisses: NearMisses;
  readonly tagUse = new TagUse();
  readonly sources: Sources;
  /** Since when totals have been counted, in milliseconds since the epoch: before this start, if they were kept. */
  since: number;
  readonly #alerts: Alerts<Watched>;
  readonly #clock: Clock;
  readonly #began: number;
  readonly #turning: Timer;
  readonly #deaf: () => void;

  constructor({ clock, events, prices, sources }: MonitorOptions) {
    this.figures = new Figures(prices);
    this.nearMisses = new NearMisses(clock);
    this.sources = sources;
    this.#clock = clock;
    this.since = clock.now();
    this.#began = clock.elapsed();
    this.#alerts = new Alerts<Watched>(alertRules(), (alert, state) =>
      events.emit({ kind: 'alert', ...alert, state }),
    );
    this.#deaf = events.listen(this.#take);
    this.#turning = every(clock, TURN_MS, () => this.#turn());
  }

  /** Milliseconds since it began. */
  get uptimeMs(): number {
    return this.#clock.elapsed() - this.#began;
  }

  /** What there is to be said on how the cache is set up, with the figures that say so; the most pressing first. */
  get findings(): readonly Finding[] {
    const found = ADVISERS.flatMap((advise) => advise(this));
    return found.sort((one, other) => URGENCY[one.severity] - URGENCY[other.severity]);
  }

  /** What an operator should look at now. */
  get alerts(): readonly Raised[] {
    return this.#alerts.raised;
  }

  /** How much of what could come from the cache does, from 0 to 100: see {@link scoreOf}. */
  get score(): number | null {
    return scoreOf(this.figures.counts, this.reuse);
  }

  /** Stops watching. */
  close(): void {
    this.#deaf();
    this.#turning.cancel();
  }

  readonly #take = (event: Event): void => {
    this.figures.take(event);
    this.refetches.take(event);
    this.nearMisses.take(event);
    this.tagUse.take(event);
    if (event.kind !== 'answered') return;
    for (const key of event.keys ?? []) this.reuse.note(key);
    if (event.key !== undefined) this.hotKeys.note(event.key);
  };

  #turn(): void {
    // Several rules look at the tiers, whose figures have to be put together.
    const levels = this.sources.levels();
    const sources = { ...this.sources, levels: () => levels };
    this.#alerts.look({ figures: this.figures, sources }, this.#clock.now());
    const minute = this.figures.turn();
    if (minute !== undefined) this.series.add(minute, this.#clock.now());
    this.nearMisses.turn();
  }
}

const URGENCY: Readonly<Record<Finding['severity'], number>> = { critical: 0, warning: 1, info: 2 };
