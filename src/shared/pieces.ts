/** So many pieces are put together into one. */
const FEW = 1_000;

/**
 * Bytes that come in pieces, kept until they are all there. A buffer costs a hundred bytes beside its own: who sends byte
 * by byte would make us hold many times what was sent, so that no bound in bytes would hold.
 */
export class Pieces {
  #joined: Buffer[] = [];
  #loose: Buffer[] = [];

  /** Whether there are none. */
  get empty(): boolean {
    return this.#loose.length === 0 && this.#joined.length === 0;
  }

  /** Takes the next piece, which must be nobody else's to change. */
  push(piece: Buffer): void {
    this.#loose.push(piece);
    if (this.#loose.length < FEW) return;
    this.#joined.push(Buffer.concat(this.#loose));
    this.#loose = [];
  }

  /** All of them as one, and none left. */
  take(): Buffer {
    const only = this.#joined.length === 0 && this.#loose.length === 1 ? this.#loose.pop() : undefined;
    if (only !== undefined) return only;
    const all = Buffer.concat([...this.#joined, ...this.#loose]);
    this.clear();
    return all;
  }

  /** Forgets them. */
  clear(): void {
    this.#joined = [];
    this.#loose = [];
  }
}
