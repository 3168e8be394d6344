import type { Clock } from '../shared/clock.ts';
import type { Peer, Reception } from './bus.ts';

/** Milliseconds of silence after which an instance is gone. */
export const GONE_MS = 5_000;

/** The instances there are, and how far each has applied what was announced. */
export class Peers {
  readonly #self: Peer;
  readonly #clock: Pick<Clock, 'elapsed'>;
  /** The others by their ids, and when each was last seen (monotonic milliseconds). */
  readonly #others = new Map<string, { readonly peer: Peer; readonly at: number }>();
  readonly #applied = new Map<string, number>();
  /** Those who wait for the others. */
  readonly #waiting = new Set<() => void>();

  constructor(self: Peer, clock: Pick<Clock, 'elapsed'>) {
    this.#self = self;
    this.#clock = clock;
  }

  /** All, this instance first. */
  get all(): readonly Peer[] {
    return [this.#self, ...[...this.#others.values()].map(({ peer }) => peer)];
  }

  /** These are there now. Of others a Redis that came back empty may know nothing yet: they are missed for a while. */
  see(peers: readonly Peer[]): void {
    const at = this.#clock.elapsed();
    for (const peer of peers) if (peer.id !== this.#self.id) this.#others.set(peer.id, { peer, at });
    for (const [id, seen] of this.#others) if (seen.at < at - GONE_MS) this.#forget(id);
    for (const look of this.#waiting) look();
  }

  /** The instance `id` says that it has applied everything up to `seq`. */
  hear(id: string, seq: number): void {
    if (id !== this.#self.id && !this.#others.has(id)) return;
    this.#applied.set(id, Math.max(this.#applied.get(id) ?? 0, seq));
    for (const look of this.#waiting) look();
  }

  /** The instance `id` says that it leaves. */
  leave(id: string): void {
    this.#forget(id);
    for (const look of this.#waiting) look();
  }

  /** Resolves when all have, this instance too, or when `late` does, and then with true. */
  async haveApplied(seq: number, late: Promise<void>): Promise<boolean> {
    let look = () => {};
    const all = new Promise<boolean>((resolve) => {
      look = () => {
        if ((this.#applied.get(this.#self.id) ?? 0) >= seq && this.#missing(seq).length === 0) resolve(false);
      };
    });
    this.#waiting.add(look);
    look();
    const isLate = await Promise.race([all, late.then(() => true)]);
    this.#waiting.delete(look);
    return isLate;
  }

  /** Who has what got this number; undefined for what has none, which nobody has. */
  reception(seq: number | undefined): Reception {
    const others = this.all.slice(1);
    const missing = seq === undefined ? others : this.#missing(seq);
    const names = (peers: readonly Peer[]) => peers.map(({ name }) => name);
    return {
      shared: seq !== undefined,
      acknowledged: names(others.filter((peer) => !missing.includes(peer))),
      missing: names(missing),
    };
  }

  #forget(id: string): void {
    this.#others.delete(id);
    this.#applied.delete(id);
  }

  #missing(seq: number): readonly Peer[] {
    return this.all.slice(1).filter(({ id }) => (this.#applied.get(id) ?? 0) < seq);
  }
}
