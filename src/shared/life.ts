/** The ends of a life, in milliseconds since the epoch. */
export interface Life {
  readonly born: number;
  readonly keepUntil: number;
}

/** How much the clocks of two threads, or of two hosts that are kept in time, may differ. */
const TOLERANCE_MS = 1_000;

/**
 * Whether a life is over at `now`: it has lasted as long as it may, or it begins in the future. In that case the clock
 * has been set back since, nobody knows for how long it has lasted, and it must not begin anew when the clock gets there.
 */
export function isOver({ born, keepUntil }: Life, now: number): boolean {
  return now >= keepUntil || now < born - TOLERANCE_MS;
}
