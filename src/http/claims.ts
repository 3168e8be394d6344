import type { Key } from '../cache/entry.ts';
import { BriefMap } from '../shared/brief-map.ts';
import type { Cursor } from '../upstream/recording.ts';
import type { Call } from './call.ts';
import type { FetchContext } from './fetch.ts';
import { type Followed, follow } from './followed.ts';
import type { OtherThreads, Wish } from './other-threads.ts';

/** How a stream comes that nobody here fetches. */
export type Answer =
  /** By a fetch of this thread; `again`: unless it is in the cache by now. */
  | { readonly kind: 'held'; readonly again: boolean; readonly release: () => void }
  /** With another thread's, which can be joined here; it is held by a seat of its own until somebody has. */
  | { readonly kind: 'followed'; readonly fetch: Followed; readonly seat: Cursor };

/** A claim that calls of this thread have in common until one of them has opened a flight. */
export interface CommonClaim {
  readonly answer: Promise<Answer>;
  /** Resolves when a fetch of this thread has begun by it, or will not. */
  readonly opened: PromiseWithResolvers<void>;
  readonly name: string;
  isHeld: boolean;
  users: number;
}

/** How often another thread is asked that turns out to fetch something else. */
const ROUNDS = 3;

/** Which of the threads of this instance fetches a stream, as this thread's calls ask: one does, and the others follow it. */
export class Claims {
  readonly #context: FetchContext;
  readonly #threads: OtherThreads;
  readonly #common = new BriefMap<string, CommonClaim>();

  constructor(context: FetchContext, threads: OtherThreads) {
    this.#context = context;
    this.#threads = threads;
  }

  /**
   * Claims the one part of a call, with all who do so here. Who is answered has to {@link leave} it. With `anyway` it is this thread
   * that fetches it, whoever else does: what another one fetched was of no use.
   */
  take(call: Call, key: Key, anyway: boolean): CommonClaim {
    const name = nameOf(wishOf(call, key), anyway);
    const known = this.#common.get(name);
    if (known !== undefined) {
      known.users += 1;
      return known;
    }
    const opened = Promise.withResolvers<void>();
    const answer = this.#ask(call, key, anyway);
    const common: CommonClaim = { answer, opened, name, isHeld: false, users: 1 };
    this.#common.set(name, common);
    void answer.then(({ kind }) => {
      if (kind === 'held') common.isHeld = true;
      // Whoever comes now finds its slot.
      else this.open(common);
    });
    return common;
  }

  /** A flight has begun by it: who does not join that needs another claim. */
  open(common: CommonClaim): void {
    common.opened.resolve();
    if (this.#common.get(common.name) === common) this.#common.delete(common.name);
  }

  /** Lets go of it. The last one gives it back. */
  async leave(common: CommonClaim): Promise<void> {
    common.users -= 1;
    if (common.users > 0) return;
    this.open(common);
    const answer = await common.answer;
    if (answer.kind === 'held') answer.release();
    else answer.fetch.leave(answer.seat);
  }

  /** Resolves when a fetch that this thread is about to begin has begun; undefined where there is none. */
  opening(wish: Wish): Promise<void> | undefined {
    for (const anyway of [false, true]) {
      const common = this.#common.get(nameOf(wish, anyway));
      if (common?.isHeld) return common.opened.promise;
    }
    return undefined;
  }

  async #ask(call: Call, key: Key, anyway: boolean): Promise<Answer> {
    let past = anyway ? ALL : 0;
    for (let round = 1; ; round += 1) {
      const claim = await this.#threads.claim(key.id, past);
      // What another one had begun may be over.
      if (claim.kind === 'held') return { ...claim, again: claim.again || past > 0 };
      const fetch = await follow(this.#context, call, key, claim.follow(wishOf(call, key)));
      if (fetch !== undefined) return { kind: 'followed', fetch, seat: fetch.join(undefined) };
      past = round === ROUNDS ? ALL : claim.number;
    }
  }
}

const ALL = Number.POSITIVE_INFINITY;

function wishOf({ plan: { company, liveCompany } }: Call, { id }: Key): Wish {
  return { id, company, liveCompany };
}

function nameOf({ id, company, liveCompany }: Wish, anyway: boolean): string {
  return JSON.stringify([id, company, liveCompany, anyway]);
}
