import type { Events } from '../observe/events.ts';
import type { Clock } from '../shared/clock.ts';

/** Whose outages are told, and how. */
export interface OutagesContext {
  readonly events: Events;
  readonly clock: Clock;
  /** What is out of order at times, as events name it. */
  readonly what: string;
  /** Milliseconds in which one is told once. */
  readonly quietMs: number;
  /** What is said when it is over. */
  readonly over: string;
}

/** Tells of outages, with why, and of their ends, with undefined: of one that comes again and again, no more than now and then. */
export function outagesTold({
  events,
  clock,
  what,
  quietMs,
  over,
}: OutagesContext): (why: string | undefined) => void {
  let at = Number.NEGATIVE_INFINITY;
  let isTold = false;
  return (why) => {
    const isOut = why !== undefined;
    if (isOut === isTold || (isOut && clock.elapsed() - at < quietMs)) return;
    isTold = isOut;
    if (isOut) at = clock.elapsed();
    events.emit({ kind: isOut ? 'degraded' : 'recovered', what, why: why ?? over });
  };
}
