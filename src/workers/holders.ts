import type { Watch } from '../cache/listed.ts';
import type { Change } from './calls.ts';

/** Which of the threads `T` holds what in its L1: together they are one tier to who watches. */
export class Holders<T> {
  readonly #watch: Watch;
  readonly #held = new Map<T, Set<string>>();

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  /** The memory of a thread that is told of as it changes. */
  watchOf(thread: T): Watch {
    return {
      held: (listed) => this.take(thread, { held: listed }),
      dropped: (id) => this.take(thread, { dropped: id }),
      emptied: () => this.take(thread, { emptied: true }),
    };
  }

  /** A thread's L1 has changed. */
  take(thread: T, change: Change): void {
    const held = this.#held.get(thread) ?? new Set<string>();
    this.#held.set(thread, held);
    if ('held' in change) {
      held.add(change.held.key.id);
      this.#watch.held(change.held);
    } else if ('dropped' in change) {
      if (held.delete(change.dropped)) this.#dropped(change.dropped);
    } else {
      this.#held.delete(thread);
      for (const id of held) this.#dropped(id);
    }
  }

  /** A thread is gone, and its L1 with it. */
  forget(thread: T): void {
    this.take(thread, { emptied: true });
  }

  #dropped(id: string): void {
    for (const held of this.#held.values()) if (held.has(id)) return;
    this.#watch.dropped(id);
  }
}
