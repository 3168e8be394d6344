import type { Clock } from '../shared/clock.ts';
import { setLatest } from '../shared/set-latest.ts';
import type { Event } from './events.ts';
import type { Noise } from './noise.ts';
import { type Held, MOST_CHARACTERS, type Sketch, sketchOf } from './sketch.ts';

/** Misses that differ from what is stored in a thing of one kind at one place, and in nothing that is likely to matter. */
export interface NearMissLine {
  readonly type: string;
  /** Whether they are of a route of the profile. */
  readonly isRoute: boolean;
  /** Where that thing stands: `messages[*].content`, `header:x-session`. */
  readonly path: string;
  readonly kind: Noise | 'value';
  misses: number;
  /** Digests of what stood there, and of all that stood around it; the first {@link MOST_TOLD} of each. */
  readonly values: Set<number>;
  readonly questions: Set<number>;
}

/** Different values, and questions, that are told apart for one place. */
export const MOST_TOLD = 32;
/** Questions that are remembered, and fields of such. */
const MOST_QUESTIONS = 2_048;
const MOST_FIELDS = 8_192;
/** Places that are told apart. */
const MOST_LINES = 200;
/** Characters that are read in one turn; a question costs some by itself. */
const CHARACTERS_A_TURN = 1_000_000;
const CHARACTERS_EACH = 5_000;
/** Above so many compared misses older ones count half, so that what was mended is forgotten. */
const MOST_COMPARED = 4_000;

/** What is remembered of a question that is stored. */
interface Stored {
  readonly noise: Sketch['noise'];
  readonly freshUntil: number;
}

/** A thing that differs, and what stands around it. */
type Difference = Held<NearMissLine['kind']> & { readonly around: number };

/**
 * Finds misses that differ from what is stored in nothing that is likely to matter: a time in the prompt, a field that says who
 * asks. Of each call its first part is compared, and only as many as there is time for, so that a sample is what is counted. What is
 * remembered are digests.
 */
export class NearMisses {
  /** By type, the misses that were compared. */
  readonly compared = new Map<string, number>();
  readonly #lines = new Map<string, NearMissLine>();
  /** By all but the noise, and by all but the noise and one field. */
  readonly #wholes = new Map<number, Stored>();
  readonly #rests = new Map<number, Stored & { readonly value: number }>();
  readonly #clock: Clock;
  #left = CHARACTERS_A_TURN;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What was found, in no order. */
  get lines(): Iterable<NearMissLine> {
    return this.#lines.values();
  }

  /** To be called every few seconds: there is time for more. */
  turn(): void {
    this.#left = CHARACTERS_A_TURN;
  }

  /** Takes note of what has been fetched. */
  readonly take = (event: Event): void => {
    if (event.kind !== 'fetched' || event.question === undefined || this.#left <= 0) return;
    const question = event.question();
    this.#left -= CHARACTERS_EACH + Math.min(question.content.length, MOST_CHARACTERS);
    const now = this.#clock.now();
    const sketch = sketchOf(question, now);
    if (sketch === undefined) return;
    this.#count(event.type);
    for (const difference of this.#differences(sketch, now)) {
      this.#note({ type: event.type, isRoute: question.isRoute }, difference);
    }
    const [entry] = event.entries;
    if (entry !== undefined) this.#remember(sketch, entry.freshUntil);
  };

  /** What a question differs in from one that is stored and fresh, at each place once; nothing where it differs in more than noise. */
  #differences({ whole, noise, fields }: Sketch, now: number): Iterable<Difference> {
    const found = new Map<string, Difference>();
    const differs = (held: Held<NearMissLine['kind']>, around: number) =>
      found.set(`${held.kind} ${held.path}`, { ...held, around });
    const compare = (stored: Stored, around: number) => {
      for (const [at, held] of noise.entries()) {
        if (held.value !== stored.noise[at]?.value) differs(held, around);
      }
    };
    const same = this.#wholes.get(whole);
    if (same !== undefined && same.freshUntil > now) compare(same, whole);
    for (const field of fields) {
      const near = this.#rests.get(field.rest);
      if (near === undefined || near.freshUntil <= now || near.value === field.value) continue;
      differs(field, field.rest);
      compare(near, field.rest);
    }
    return found.values();
  }

  #remember({ whole, noise, fields }: Sketch, freshUntil: number): void {
    setLatest(this.#wholes, whole, { noise, freshUntil }, MOST_QUESTIONS);
    for (const { rest, value } of fields)
      setLatest(this.#rests, rest, { noise, freshUntil, value }, MOST_FIELDS);
  }

  #note(of: Pick<NearMissLine, 'type' | 'isRoute'>, { path, kind, value, around }: Difference): void {
    const name = `${of.type} ${kind} ${path}`;
    let line = this.#lines.get(name);
    if (line === undefined) {
      if (this.#lines.size >= MOST_LINES) return;
      line = { ...of, path, kind, misses: 0, values: new Set(), questions: new Set() };
      this.#lines.set(name, line);
    }
    line.misses += 1;
    if (line.values.size < MOST_TOLD) line.values.add(value);
    if (line.questions.size < MOST_TOLD) line.questions.add(around);
  }

  #count(type: string): void {
    const compared = (this.compared.get(type) ?? 0) + 1;
    this.compared.set(type, compared);
    if (compared >= MOST_COMPARED) this.#age(type);
  }

  #age(type: string): void {
    this.compared.set(type, (this.compared.get(type) ?? 0) / 2);
    for (const [name, line] of this.#lines) {
      if (line.type !== type) continue;
      line.misses /= 2;
      if (line.misses < 1) this.#lines.delete(name);
    }
  }
}
