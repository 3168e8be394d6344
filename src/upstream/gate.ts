import { BriefMap } from '../shared/brief-map.ts';
import type { Clock, Timer } from '../shared/clock.ts';

/** How many may be in at once, and how many may wait for how long. */
export interface GateLimits {
  /** Unlimited if absent. */
  readonly max: number | undefined;
  /** How many may wait. */
  readonly queue: number;
  /** The longest wait, in milliseconds. */
  readonly waitMs: number;
}

/** Who comes to a gate. One of these is called, once, unless it leaves before. */
export interface Comer {
  /** It is in, and has this place until it leaves. Called before `enter` returns if there is room. */
  turn(place: Place): void;
  /** It is not in and will not be: too many wait already, or it has waited too long. */
  refused(): void;
}

/** What a comer holds, whether in or waiting. */
export interface Place {
  /** Gives it up; the first who waits comes in. Does nothing the second time. */
  leave(): void;
}

/** Lets so many in at once: see {@link Gate}. */
export interface Turnstile {
  /** How many are in. */
  readonly inside: number;
  /** How many wait. */
  readonly waiting: number;
  /** Whether who comes now is refused at once. */
  readonly full: boolean;
  /** Milliseconds for which the first in the queue has waited: about what a queue takes that is as long as it. */
  readonly delayMs: number;
  /** Comes to the gate. */
  enter(comer: Comer): Place;
}

/** Lets so many in at once; who comes beyond that waits, first come first served, in a queue bounded in length and time. */
export class Gate implements Turnstile {
  readonly #limits: GateLimits;
  readonly #clock: Clock;
  /** In the order in which they came, by their numbers. */
  readonly #waiting = new BriefMap<number, Waiter>();
  #numbers = 0;
  #inside = 0;
  #admitting = false;

  constructor(limits: GateLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get full(): boolean {
    return !this.#hasRoom && this.#waiting.size >= this.#limits.queue;
  }

  get delayMs(): number {
    const [first] = this.#waiting.values();
    return first === undefined ? 0 : this.#clock.elapsed() - first.since;
  }

  enter(comer: Comer): Place {
    if (this.full) {
      comer.refused();
      return { leave: () => undefined };
    }
    this.#numbers += 1;
    const waiter: Waiter = {
      number: this.#numbers,
      comer,
      since: this.#clock.elapsed(),
      state: 'waiting',
      timer: undefined,
      leave: () => this.#leave(waiter),
    };
    if (this.#waiting.size === 0 && this.#hasRoom) this.#letIn(waiter);
    else this.#wait(waiter);
    return waiter;
  }

  get #hasRoom(): boolean {
    return this.#limits.max === undefined || this.#inside < this.#limits.max;
  }

  #wait(waiter: Waiter): void {
    this.#waiting.set(waiter.number, waiter);
    waiter.timer = this.#clock.after(this.#limits.waitMs, () => {
      // Still the first in the queue, as all wait equally long: `delayMs` tells how long it was.
      waiter.comer.refused();
      waiter.leave();
    });
  }

  #letIn(waiter: Waiter): void {
    waiter.timer?.cancel();
    waiter.state = 'in';
    this.#inside += 1;
    waiter.comer.turn(waiter);
  }

  #leave(waiter: Waiter): void {
    const { state } = waiter;
    waiter.state = 'gone';
    waiter.timer?.cancel();
    if (state === 'waiting') this.#waiting.delete(waiter.number);
    if (state !== 'in') return;
    this.#inside -= 1;
    this.#admit();
  }

  /** Lets in as many as there is room for. Whoever is let in may leave at once: a loop, for a recursion could be as deep as the queue. */
  #admit(): void {
    if (this.#admitting) return;
    this.#admitting = true;
    try {
      for (const waiter of this.#waiting.values()) {
        if (!this.#hasRoom) return;
        this.#waiting.delete(waiter.number);
        this.#letIn(waiter);
      }
    } finally {
      this.#admitting = false;
    }
  }
}

interface Waiter extends Place {
  readonly number: number;
  readonly comer: Comer;
  /** Monotonic milliseconds. */
  readonly since: number;
  state: 'waiting' | 'in' | 'gone';
  timer: Timer | undefined;
}
