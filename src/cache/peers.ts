import type { Peer, Reception } from './bus.ts';

/** The instances there are, and how far each has applied what was announced. */
export class Peers {
  readonly #self: Peer;
  #all: readonly Peer[];
  readonly #applied = new Map<string, number>();
  /** Those who wait for the others. */
  readonly #waiting = new Set<() => void>();

  constructor(self: Peer) {
    this.#self = self;
    this.#all = [self];
  }

  /** All, this instance first. */
  get all(): readonly Peer[] {
    return this.#all;
  }

  /** These are there now. */
  see(peers: readonly Peer[]): void {
    this.#all = [this.#self, ...peers.filter(({ id }) => id !== this.#self.id)];
    const there = new Set(this.#all.map(({ id }) => id));
    for (const id of this.#applied.keys()) if (!there.has(id)) this.#applied.delete(id);
    for (const look of this.#waiting) look();
  }

  /** The instance `id` says that it has applied everything up to `seq`. */
  hear(id: string, seq: number): void {
    if (!this.#all.some((peer) => peer.id === id)) return;
    this.#applied.set(id, Math.max(this.#applied.get(id) ?? 0, seq));
    for (const look of this.#waiting) look();
  }

  /** Resolves when all others have, or `late` does, and then with true. */
  async haveApplied(seq: number, late: Promise<void>): Promise<boolean> {
    let look = () => {};
    const all = new Promise<boolean>((resolve) => {
      look = () => {
        if (this.#missing(seq).length === 0) resolve(false);
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
    const others = this.#all.slice(1);
    const missing = seq === undefined ? others : this.#missing(seq);
    const names = (peers: readonly Peer[]) => peers.map(({ name }) => name);
    return {
      shared: seq !== undefined,
      acknowledged: names(others.filter((peer) => !missing.includes(peer))),
      missing: names(missing),
    };
  }

  #missing(seq: number): readonly Peer[] {
    return this.#all.slice(1).filter(({ id }) => (this.#applied.get(id) ?? 0) < seq);
  }
}
