import type { Place } from '../cache/bus.ts';
import type { Mark } from '../cache/mark.ts';
import { isRecord } from '../shared/plain.ts';

/** What an instance remembers of its bus over a restart: it lies in the log of marks. */
export class Ledger {
  /** How far it has applied what others announced. */
  place: Place | undefined;
  #unsent: Mark[] = [];

  /** Its own marks that are not known to be in the shared table, in the order in which they were made. */
  get unsent(): readonly Mark[] {
    return this.#unsent;
  }

  /** These were made here, and are to be announced. */
  owe(marks: readonly Mark[]): void {
    this.#unsent.push(...marks);
  }

  /** Those up to this stamp have been. */
  handed(stamp: number): void {
    this.#unsent = this.#unsent.filter((mark) => mark.stamp > stamp);
  }
}

/** A place as it was written, if it is one. */
export function readPlace(value: unknown): Place | undefined {
  if (!isRecord(value)) return undefined;
  const { epoch, seq } = value;
  return typeof epoch === 'string' && typeof seq === 'number' ? { epoch, seq } : undefined;
}
