import type { Usage } from './events.ts';

/** What a model costs, in USD per million tokens. */
export interface Price {
  readonly input: number;
  /** Of what the upstream had in its own cache; as {@link input} if absent. */
  readonly cachedInput?: number | undefined;
  /** Of what it put there; as {@link input} if absent. */
  readonly cacheWrite?: number | undefined;
  readonly output: number;
  /** USD for each call, whatever it holds: how rerankers are sold. */
  readonly perQuery?: number | undefined;
}

// OpenAI's tiers, as multiples of the list price.
const TIERS: ReadonlyMap<string, number> = new Map([
  ['flex', 0.5],
  ['batch', 0.5],
  ['priority', 2],
]);

/** Names whose prices are remembered. */
const REMEMBERED = 1_000;
const LONGEST_NAME = 256;

/** What calls cost. */
export class Prices {
  readonly #table: ReadonlyMap<string, Price>;
  readonly #found = new Map<string, Price | undefined>();

  /** Of several tables the later counts. */
  constructor(...tables: readonly ReadonlyMap<string, Price>[]) {
    this.#table = new Map(tables.flatMap((table) => [...table]));
  }

  /**
   * What one call with this usage costs, in USD, at the price of the model that answered or else of the one that was asked; undefined
   * where neither has a price.
   */
  costOf(usage: Usage | undefined, asked: string): number | undefined {
    const price = this.of(usage?.model ?? '') ?? this.of(asked);
    if (price === undefined) return undefined;
    if (usage === undefined) return price.perQuery;
    const { promptTokens, completionTokens, cachedTokens, cacheWriteTokens } = usage;
    const { input, output, cachedInput = input, cacheWrite = input, perQuery = 0 } = price;
    const plain = Math.max(0, promptTokens - cachedTokens - cacheWriteTokens);
    const perMillion =
      plain * input + cachedTokens * cachedInput + cacheWriteTokens * cacheWrite + completionTokens * output;
    return perQuery + (perMillion / 1_000_000) * (TIERS.get(usage.serviceTier ?? '') ?? 1);
  }

  /**
   * The price of a model: that of the longest name in the table that its own begins with, before a date or another ending
   * (`gpt-5-mini-2026-08-07` is a `gpt-5-mini`, and `gpt-4o` is no `gpt-4`). What stands before a slash counts if the table has it.
   */
  of(model: string): Price | undefined {
    // What is no name of a model would be cut at each of its hyphens, and kept.
    if (model === '' || model.length > LONGEST_NAME) return undefined;
    if (this.#found.has(model)) return this.#found.get(model);
    const price = this.#longest(model) ?? this.#longest(model.slice(model.lastIndexOf('/') + 1));
    if (this.#found.size < REMEMBERED) this.#found.set(model, price);
    return price;
  }

  #longest(name: string): Price | undefined {
    for (let end = name.length; end > 0; end -= 1) {
      if (end < name.length && !/[-:@]/.test(name[end] ?? '')) continue;
      const price = this.#table.get(name.slice(0, end));
      if (price !== undefined) return price;
    }
    return undefined;
  }
}
