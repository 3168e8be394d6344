import { RepriseError } from '../shared/errors.ts';

/** A body of so many bytes at most is never refused for those of others. */
const SMALL_BYTES = 65_536;
/** Seconds after which those who are refused may try again. */
const RETRY_AFTER_S = 1;

/** The bodies of all requests at a time, in bytes. */
interface Bodies {
  readonly mostBytes: number;
  heldBytes: number;
}

/**
 * The memory for request bodies, of all requests at a time: what one may send is bounded by itself, and many that do could take all there
 * is together. The small ones, of which nearly all are, go on while large ones are refused.
 */
export class BodyRoom {
  readonly #bodies: Bodies;

  constructor(mostBytes: number) {
    this.#bodies = { mostBytes, heldBytes: 0 };
  }

  /** What one request takes of it. */
  open(): Room {
    return new Room(this.#bodies);
  }
}

/** What one request takes of a {@link BodyRoom}, until it leaves. */
export class Room {
  readonly #bodies: Bodies;
  #bytes = 0;

  constructor(bodies: Bodies) {
    this.#bodies = bodies;
  }

  /** Takes so many bytes more. Throws `overloaded` where these are too many, with what others have. */
  take(bytes: number): void {
    this.#bytes += bytes;
    this.#bodies.heldBytes += bytes;
    const { heldBytes, mostBytes } = this.#bodies;
    if (heldBytes > mostBytes && this.#bytes > SMALL_BYTES) throw full(mostBytes);
  }

  /** Gives all of it back: the request is answered, or gone. */
  leave(): void {
    this.#bodies.heldBytes -= this.#bytes;
    this.#bytes = 0;
  }
}

function full(mostBytes: number): RepriseError {
  return new RepriseError(
    'overloaded',
    `The request bodies that are held at once come to more than ${mostBytes} bytes (setting server.max_bodies): try again, with a smaller one at best.`,
    { retryAfterS: RETRY_AFTER_S },
  );
}
