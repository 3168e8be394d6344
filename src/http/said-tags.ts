import type { Tagged } from '../cache/entry.ts';
import { beyond } from '../cache/tagged.ts';
import { FetchTags } from './fetch-tags.ts';
import type { FollowerLine } from './other-threads.ts';

/** What callers of a fetch that another thread makes say of it: whatever is new to that thread it is told. */
export class SaidTags extends FetchTags {
  readonly #line: FollowerLine;
  #ttlMs: number | undefined;
  #said = 0;
  #heard = 0;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  /** `known` are those that the other thread has itself. */
  constructor(stamp: number, known: readonly Tagged[], line: FollowerLine) {
    super(stamp, 1);
    super.take(0, known, true);
    this.#line = line;
  }

  override take(index: number, tags: readonly Tagged[], known: boolean): void {
    const isNew = beyond(this.of(index), tags).length > 0 || (!known && !this.incomplete);
    super.take(index, tags, known);
    if (isNew) this.#say(tags, known);
  }

  /** A caller says how long the answer may live. */
  limit(ttlMs: number | undefined): void {
    if (ttlMs === undefined || ttlMs >= (this.#ttlMs ?? Number.POSITIVE_INFINITY)) return;
    this.#ttlMs = ttlMs;
    this.#say([], true);
  }

  /** Resolves when all that was said by now has been heard; undefined where it has. */
  get heard(): Promise<void> | undefined {
    if (this.#heard >= this.#said) return undefined;
    return new Promise((resolve) => this.#waiting.push({ count: this.#said, resolve }));
  }

  /** The first `count` that were said have been heard; without a number all there are, or nobody will hear any more. */
  heardUpTo(count: number = this.#said): void {
    this.#heard = Math.max(this.#heard, count);
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((one) => one.count > this.#heard);
    for (const one of waiting) if (one.count <= this.#heard) one.resolve();
  }

  #say(tags: readonly Tagged[], isWhole: boolean): void {
    this.#said += 1;
    this.#line.say({ kind: 'said', tags, isWhole, ttlMs: this.#ttlMs });
  }
}
