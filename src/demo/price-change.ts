import { answerInquiry, type Surroundings } from './assistant.ts';
import type { Kind } from './call.ts';
import type { Product } from './catalogue.ts';
import type { Ledger } from './ledger.ts';
import type { Reprise } from './reprise.ts';
import { payloadOf, type Sender } from './sender.ts';
import type { Shop } from './shop.ts';
import { newThread } from './thread.ts';

/** What came of a change of one article's price. */
export interface PriceChange {
  /** Who reported it, and in which words. */
  readonly sender: string;
  readonly event: string;
  /** The article's name. */
  readonly article: string;
  /** In euros. */
  readonly before: number;
  readonly after: number;
  /** Milliseconds until the sender heard that it was carried out. */
  readonly ms: number;
  /** How many entries of each kind are gone. */
  readonly gone: Readonly<Record<Kind, number>>;
  /** How many entries are still there. */
  readonly kept: number;
  /** What is not as it should be, in words. */
  readonly faults: readonly string[];
}

/** What it takes to change prices. */
export interface PriceChangeContext {
  readonly shop: Shop;
  readonly reprise: Reprise;
  /** What the customers were answered from so far. */
  readonly ledger: Ledger;
  readonly around: Surroundings;
}

/**
 * Changes prices in the shop, each of which its sender then reports to the proxy. What the customers know to speak of the article has to
 * be gone at that, and nothing else; and who asks next is told the new price.
 */
export async function changePrices(
  changes: readonly { readonly sender: Sender; readonly article: Product }[],
  context: PriceChangeContext,
): Promise<readonly PriceChange[]> {
  const repricings = changes.map(({ sender, article }) => new Repricing(sender, article, context));
  await Promise.all(repricings.map((repricing) => repricing.change()));
  // One after the other, for each is to take nothing of the other's with it.
  for (const repricing of repricings) await repricing.report();
  return await Promise.all(repricings.map((repricing) => repricing.askNext()));
}

/** One change, on its way. */
class Repricing {
  readonly #sender: Sender;
  readonly #article: Product;
  readonly #context: PriceChangeContext;
  readonly #faults: string[] = [];
  #changed: Product;
  #ms = Number.NaN;
  #gone: readonly string[] = [];
  #kept = 0;

  constructor(sender: Sender, article: Product, context: PriceChangeContext) {
    this.#sender = sender;
    this.#article = article;
    this.#context = context;
    this.#changed = article;
  }

  /** Changes the price, which nobody has told the cache yet. */
  async change(): Promise<void> {
    const { shop } = this.#context;
    const { id, price_eur: price } = this.#article;
    await this.#expectPrice(price, 'before');
    this.#changed = shop.reprice(id, Math.round(price * 0.9));
    await this.#expectPrice(price, 'before it was reported');
  }

  /** Reports it, and compares what was in the cache before and after. */
  async report(): Promise<void> {
    const { reprise, ledger } = this.#context;
    const before = await reprise.entries();
    await this.#deliver();
    const after = await reprise.entries();
    const speaking = ledger.about(this.#article.id);
    this.#gone = [...before].filter((key) => !after.has(key));
    this.#kept = after.size;
    this.#expectNone(
      [...speaking].filter((key) => after.has(key)),
      'that speak of it are still there',
    );
    this.#expectNone(
      this.#gone.filter((key) => !speaking.has(key)),
      'that do not speak of it are gone',
    );
  }

  /** Asks what it costs now, and gives what came of it all. */
  async askNext(): Promise<PriceChange> {
    await this.#expectPrice(this.#changed.price_eur, 'after it was reported');
    const gone = { embeddings: 0, search: 0, products: 0, chat: 0 };
    for (const key of this.#gone) {
      const kind = this.#context.ledger.kindOf(key);
      if (kind !== undefined) gone[kind] += 1;
    }
    return {
      sender: this.#sender.name,
      event: this.#sender.event,
      article: this.#article.name,
      before: this.#article.price_eur,
      after: this.#changed.price_eur,
      ms: this.#ms,
      gone,
      kept: this.#kept,
      faults: this.#faults,
    };
  }

  async #deliver(): Promise<void> {
    const { reprise, around } = this.#context;
    const { webhook, headers } = this.#sender;
    const body = payloadOf(this.#changed);
    const begun = around.elapsed();
    const response = await fetch(`${reprise.url}/webhooks/${webhook}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers(body, reprise.secrets[webhook]) },
      signal: around.signal,
    });
    const receipt = await response.text();
    this.#ms = around.elapsed() - begun;
    if (!response.ok)
      this.#faults.push(`the report was answered ${response.status}: ${receipt.slice(0, 200)}`);
  }

  async #expectPrice(price: number, when: string): Promise<void> {
    const question = `Is the ${this.#article.name} in stock?`;
    const inquiry = { question, history: [], stream: false, thread: newThread() };
    const answer = await answerInquiry(inquiry, this.#context.around);
    if (!answer.includes(`costs ${price} euros`)) {
      this.#faults.push(`${when} customers were not told ${price} €`);
    }
  }

  #expectNone(keys: readonly string[], what: string): void {
    if (keys.length > 0) this.#faults.push(`${keys.length} entries ${what}`);
  }
}
