import { messageOf } from './errors.ts';

/** Told of background work that failed: `label` says which work. */
export type OnFailure = (label: string, message: string) => void;

/**
 * The owner of promises nobody awaits: none is lost without a word, and a clean stop waits for them all.
 */
export class Background {
  readonly #running = new Set<Promise<void>>();
  readonly #onFailure: OnFailure;

  constructor(onFailure: OnFailure) {
    this.#onFailure = onFailure;
  }

  /** Takes `work` over; its failure is reported under `label`. */
  run(label: string, work: Promise<unknown>): void {
    const owned: Promise<void> = work.then(
      () => undefined,
      (thrown: unknown) => this.#onFailure(label, messageOf(thrown)),
    );
    this.#running.add(owned);
    void owned.finally(() => this.#running.delete(owned));
  }

  /** Resolves when all work taken over so far, and what it started, has ended. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
