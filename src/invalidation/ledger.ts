import { Announced, type Numbered } from '../cache/announced.ts';
import type { Place } from '../cache/bus.ts';
import type { Mark } from '../cache/mark.ts';
import { OwedMarks } from '../cache/owed-marks.ts';
import { isRecord } from '../shared/plain.ts';

/** What an instance remembers of its bus over a restart: it lies in the log of marks. */
export class Ledger {
  /** How far it has applied what others announced. */
  place: Place | undefined;
  /** What it knows of the shared table, of that life. */
  readonly announced = new Announced();
  readonly #unsent = new OwedMarks();

  /** Its own marks that are not known to be in the shared table, in the order in which they were made. */
  get unsent(): readonly Mark[] {
    return this.#unsent.all;
  }

  /** These were made here, and are to be announced. */
  owe(marks: readonly Mark[]): void {
    this.#unsent.add(marks);
  }

  /** Those up to this stamp have been. */
  handed(stamp: number): void {
    this.#unsent.settle(stamp);
  }
}

/** Numbers of the shared table as they were written; none of what is none. */
export function readNumbered(value: unknown): readonly Numbered[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((pair: unknown): Numbered[] => {
    const [text, seq] = Array.isArray(pair) ? pair : [];
    return typeof text === 'string' && typeof seq === 'number' ? [[text, seq]] : [];
  });
}

/** A place as it was written, if it is one. */
export function readPlace(value: unknown): Place | undefined {
  if (!isRecord(value)) return undefined;
  const { epoch, seq } = value;
  return typeof epoch === 'string' && typeof seq === 'number' ? { epoch, seq } : undefined;
}
