/** A closed gate. */
export interface Gate {
  /** Resolves when so many have come to the gate, in all. */
  arrived(count: number): Promise<void>;
  /** Lets the next `count` through, also those who are yet to come. */
  let(count: number): void;
  /** Opens it for good. */
  release(): void;
}

/** A gate as those see it who have to pass it. */
export class HeldGate implements Gate {
  /** Turns of a call that are let through before it is held: 0 holds its head, 1 its first chunk. */
  readonly #free: number;
  #open = false;
  #arrivals = 0;
  #passes = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #watchers = new Set<{ count: number; resolve: () => void }>();

  constructor(free: number) {
    this.#free = free;
  }

  /** Resolves when a call may take its turn number `turn`, counted from 0. */
  pass(turn: number): Promise<void> {
    if (turn < this.#free) return Promise.resolve();
    this.#arrivals += 1;
    for (const watcher of this.#watchers) {
      if (this.#arrivals >= watcher.count) {
        this.#watchers.delete(watcher);
        watcher.resolve();
      }
    }
    if (this.#open) return Promise.resolve();
    if (this.#passes > 0) {
      this.#passes -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  arrived(count: number): Promise<void> {
    if (this.#arrivals >= count) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.add({ count, resolve }));
  }

  let(count: number): void {
    for (let passed = 0; passed < count; passed += 1) {
      const next = this.#waiting.shift();
      if (next === undefined) this.#passes += 1;
      else next();
    }
  }

  release(): void {
    this.#open = true;
    for (const next of this.#waiting.splice(0)) next();
  }
}
