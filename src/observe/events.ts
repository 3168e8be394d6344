import type { Level } from '../cache/tier.ts';

/** What happens in the running proxy, for those who watch: log, figures, live views. */
export type Event =
  /** One data-plane request has been answered, or its caller has gone. */
  | {
      readonly kind: 'answered';
      /** The endpoint's name; `relay` for what is passed through. */
      readonly endpoint: string;
      /** The lifetime policy's name; undefined for what is passed through. */
      readonly type: string | undefined;
      readonly method: string;
      readonly status: number;
      /** The word of `x-cache`; `ERROR` for an error of ours, `RELAY` for what is passed through. */
      readonly outcome: string;
      readonly reason: string | undefined;
      readonly level: Level | undefined;
      readonly key: string | undefined;
      /** Milliseconds from the request's head to the answer's last byte. */
      readonly ms: number;
      readonly requestId: string;
    }
  /** A delivery has come to a webhook that is there. */
  | {
      readonly kind: 'delivery';
      readonly webhook: string;
      /** The sender's name for what has happened; undefined where it was not read, empty where there are no names. */
      readonly event: string | undefined;
      /** `unmatched`: no rule is for its event. `refused`: the sender is wrong. `failed`: we are. */
      readonly outcome: 'accepted' | 'duplicate' | 'unmatched' | 'refused' | 'failed';
      /** Entries that were meant. */
      readonly invalidated: number;
      /** Why it was refused or failed. */
      readonly why: string | undefined;
    }
  /** Something works less well than it should, or does again. */
  | { readonly kind: 'degraded' | 'recovered'; readonly what: string; readonly why: string }
  /** Work nobody waited for has failed. */
  | { readonly kind: 'background-failed'; readonly label: string; readonly message: string };

/** Where events go through: those who emit know nothing of those who listen. */
export class Events {
  readonly #listeners = new Set<(event: Event) => void>();

  /** Calls `listener` with every event from now on; gives what ends that. */
  listen(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: Event): void {
    for (const listener of this.#listeners) listener(event);
  }
}
