import type { Flights } from '../cache/flights.ts';
import type { Clock } from '../shared/clock.ts';
import { RepriseError } from '../shared/errors.ts';
import type { Claims } from './claims.ts';
import { Fetch } from './fetch.ts';
import type { Slot } from './flight.ts';
import { type FromFollower, MOST_UNTAKEN, type OwnerLine, type Wish } from './other-threads.ts';

/** Lets other threads follow the streams that this one fetches. */
export class Followers {
  readonly #flights: Flights<Slot>;
  readonly #claims: Claims;
  readonly #clock: Clock;

  constructor(flights: Flights<Slot>, claims: Claims, clock: Clock) {
    this.#flights = flights;
    this.#claims = claims;
    this.#clock = clock;
  }

  /** Another thread would follow what this one fetches: it is told all of it, or the line is hung up. */
  readonly take = (wish: Wish, line: OwnerLine): void => {
    const opening = this.#find(wish) === undefined ? this.#claims.opening(wish) : undefined;
    if (opening === undefined) this.#serve(wish, line);
    else void opening.then(() => this.#serve(wish, line));
  };

  #serve(wish: Wish, line: OwnerLine): void {
    const slot = this.#find(wish);
    if (slot === undefined) line.hangUp();
    else void new Follower(slot.fetch, slot.index, line).serve();
  }

  /** What it may share, as a caller here might: whether invalidations concern what it says itself the other thread knows. */
  #find({ id, company, liveCompany }: Wish): { readonly fetch: Fetch; readonly index: number } | undefined {
    const { fetch, index } = this.#flights.find(id, this.#clock.elapsed()) ?? {};
    // What is followed here is followed where it is fetched, or not at all.
    if (!(fetch instanceof Fetch) || index === undefined || fetch.whole !== id) return undefined;
    const { plan } = fetch;
    const fits = plan.streams && plan.company === company && plan.liveCompany === liveCompany;
    return fits && fetch.isUntouched(index, []) ? { fetch, index } : undefined;
  }
}

/** Another thread that follows a fetch of this one: a caller of it among others. */
class Follower {
  readonly #fetch: Fetch;
  readonly #index: number;
  readonly #line: OwnerLine;
  #isGone = false;
  #isSettled = false;
  #heard = 0;
  /** Bytes that may be sent before more are taken. */
  #room = MOST_UNTAKEN;
  #onRoom: (() => void) | undefined;

  constructor(fetch: Fetch, index: number, line: OwnerLine) {
    this.#fetch = fetch;
    this.#index = index;
    this.#line = line;
  }

  /** Tells it all there is. Resolves when that is over, and does not reject. */
  async serve(): Promise<void> {
    const { stamp, tags, asker, traced } = this.#fetch;
    const cursor = this.#fetch.join(undefined);
    this.#line.listen(
      (said) => this.#hear(said),
      () => {
        this.#isGone = true;
        this.#onRoom?.();
        this.#fetch.leave(cursor);
      },
    );
    this.#line.say({ kind: 'taken', stamp, tags: tags.of(this.#index), asker, span: traced?.span });
    const head = await this.#fetch.head.catch(() => undefined);
    if (head === undefined || !this.#fetch.live) {
      // What it says that is no stream is for whose question it answered, unless it makes entries.
      const settled = head?.status === 200 ? await this.#fetch.settled : undefined;
      if (settled?.kind === 'entries') this.#tellSettled();
      this.#line.hangUp();
      return;
    }
    this.#line.say({ kind: 'head', head });
    try {
      while (!this.#isGone) {
        const chunk = await cursor.next();
        this.#tellSettled();
        if (chunk === 'end') return this.#line.say({ kind: 'end' });
        this.#line.say({ kind: 'chunk', chunk });
        this.#room -= chunk.length;
        if (this.#room <= 0) await this.#taken();
      }
    } catch (thrown) {
      this.#tellSettled();
      if (thrown instanceof RepriseError) this.#line.say({ kind: 'broken', error: thrown });
      this.#line.hangUp();
    }
  }

  #hear(said: FromFollower): void {
    if (said.kind === 'took') {
      this.#room += said.bytes;
      if (this.#room > 0) this.#onRoom?.();
      return;
    }
    // What is settled is stored already: the other thread adds what it has said then.
    if (this.#fetch.result === undefined) {
      this.#fetch.tags.take(this.#index, said.tags, said.isWhole);
      this.#fetch.shorten(said.ttlMs);
    }
    this.#tellSettled();
    this.#heard += 1;
    this.#line.say({ kind: 'heard', count: this.#heard });
  }

  #tellSettled(): void {
    const { result } = this.#fetch;
    if (result === undefined || this.#isSettled) return;
    this.#isSettled = true;
    this.#line.say({ kind: 'settled', settled: result });
  }

  async #taken(): Promise<void> {
    if (this.#isGone) return;
    await new Promise<void>((resolve) => {
      this.#onRoom = resolve;
    });
    this.#onRoom = undefined;
  }
}
