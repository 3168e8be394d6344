/** Who fetches what, of several owners `T`. */
export class Leases<T> {
  readonly #leases = new Map<string, { readonly owner: T; readonly over: PromiseWithResolvers<void> }>();

  /** Who fetches it. */
  ownerOf(id: string): T | undefined {
    return this.#leases.get(id)?.owner;
  }

  /** To be called where nobody fetches it: `owner` does. */
  take(id: string, owner: T): void {
    this.#leases.set(id, { owner, over: Promise.withResolvers<void>() });
  }

  /** Another one than `owner` turns out to fetch it. */
  pass(id: string, owner: T, to: T): void {
    const lease = this.#leases.get(id);
    if (lease?.owner === owner) this.#leases.set(id, { ...lease, owner: to });
  }

  /** Resolves when it is no longer fetched, at once if it is not. */
  async over(id: string): Promise<void> {
    await this.#leases.get(id)?.over.promise;
  }

  /** The owner has fetched it, or gives up. */
  release(id: string, owner: T): void {
    const lease = this.#leases.get(id);
    if (lease?.owner !== owner) return;
    this.#leases.delete(id);
    lease.over.resolve();
  }

  /** The owner is gone. */
  free(owner: T): void {
    for (const id of [...this.#leases.keys()]) this.release(id, owner);
  }
}
