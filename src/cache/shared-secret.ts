import { type Send, textOf } from './redis-run.ts';

const BYTES = 32;

/**
 * The install secret that instances have in common: the scopes of credentials are made under it, and so are the keys of entries. It is
 * that of the instance that came first, and tells no credential.
 */
export class SharedSecret {
  readonly #key: string;
  #secret: Buffer;
  #isInUse = false;
  #isOther = false;

  /** `own` is the secret to begin with, 32 bytes. */
  constructor(key: string, own: Buffer) {
    this.#key = key;
    this.#secret = own;
  }

  /** Whether the others have another one by now than this instance has been using: what they store is not found here. */
  get isOther(): boolean {
    return this.#isOther;
  }

  /** The secret, as far as it is known; from now on it stays that. */
  use(): Buffer {
    this.#isInUse = true;
    return this.#secret;
  }

  /** Agrees with the others: offers the own one, which a Redis that came back empty then has again, and takes theirs if there is one. */
  async agree(send: Send): Promise<void> {
    await send(this.#key, ['SET', this.#key, this.#secret.toString('base64url'), 'NX']);
    const theirs = Buffer.from(textOf(await send(this.#key, ['GET', this.#key])) ?? '', 'base64url');
    if (theirs.length !== BYTES) throw new Error('the secret that instances share is not one of ours');
    this.#isOther = this.#isInUse && !theirs.equals(this.#secret);
    if (!this.#isInUse) this.#secret = theirs;
  }
}
