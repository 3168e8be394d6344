import type { Entry, Facts } from '../cache/entry.ts';
import type { Spared, Usage } from '../observe/events.ts';

/** What an answer was made of, part by part, for who counts. */
export interface Served {
  /** The entry of each part of the plan; undefined for one that has none, or not yet. */
  entries(): readonly (Entry | undefined)[];
  /** Whether the caller's own upstream call brought a part. */
  isOwn(part: number): boolean;
  /** Milliseconds of that call; undefined where there was none, or while it goes on. */
  ownMs(): number | undefined;
}

/** What an answer cost. */
export interface Cost {
  readonly usage: Usage | undefined;
  readonly spared: Spared | undefined;
}

/**
 * What the items of an answer cost or once cost, and which share of that its caller was spared. `order` has for each item its part: an
 * upstream counts repeats each. A call that was spared would have taken at least as long as the longest that brought a part.
 */
export function costOf(served: Served, order: readonly number[]): Cost {
  const found = served.entries();
  const whole = new Bill();
  // What nobody paid for now was spared as a whole.
  const paid = order.some((part) => found[part] !== undefined && served.isOwn(part));
  const spared = paid ? new Bill() : whole;
  let upstreamMs = 0;
  let items = 0;
  for (const part of order) {
    const entry = found[part];
    if (entry === undefined) continue;
    const { facts } = entry.payload;
    items += 1;
    whole.add(facts);
    if (!paid || !served.isOwn(part)) {
      if (paid) spared.add(facts);
      upstreamMs = Math.max(upstreamMs, countOf(facts.upstream_ms));
    }
  }
  if (items === 0) return { usage: undefined, spared: undefined };
  if (paid) {
    const usage = spared.usage;
    return { usage: whole.usage, spared: usage && { calls: 0, usage, upstreamMs: 0 } };
  }
  const { usage } = whole;
  return { usage, spared: { calls: 1, usage, upstreamMs } };
}

/** Adds up what entries cost. */
class Bill {
  #known = false;
  #model: string | undefined;
  #tier: string | undefined;
  #prompt = 0;
  #completion = 0;
  #cached = 0;
  #written = 0;

  add(facts: Facts): void {
    // Of a whole answer, or of one item of a batch.
    const prompt = facts.prompt_tokens ?? facts.tokens;
    if (typeof facts.model === 'string') this.#model = facts.model;
    if (typeof facts.service_tier === 'string') this.#tier = facts.service_tier;
    if (typeof prompt !== 'number' && typeof facts.completion_tokens !== 'number') return;
    this.#known = true;
    this.#prompt += typeof prompt === 'number' ? prompt : 0;
    this.#completion += countOf(facts.completion_tokens);
    this.#cached += countOf(facts.cached_tokens);
    this.#written += countOf(facts.cache_write_tokens);
  }

  /** Undefined where nobody said what anything cost. */
  get usage(): Usage | undefined {
    if (!this.#known) return undefined;
    return {
      model: this.#model,
      promptTokens: this.#prompt,
      completionTokens: this.#completion,
      cachedTokens: this.#cached,
      cacheWriteTokens: this.#written,
      serviceTier: this.#tier,
    };
  }
}

function countOf(count: Facts[string] | undefined): number {
  return typeof count === 'number' && count > 0 ? count : 0;
}
