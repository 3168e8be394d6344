import type { Catalog } from '../../src/cache/catalog.ts';
import type { Condition } from '../../src/cache/condition.ts';
import type { Tagged } from '../../src/cache/entry.ts';
import type { Listed } from '../../src/cache/listed.ts';
import type { Invalidator, Order } from '../../src/invalidation/invalidator.ts';
import { parseGlob } from '../../src/shared/glob.ts';
import { stampOf } from '../../src/shared/stamps.ts';
import { idOf } from './entries.ts';

/** What of an entry matters to a test; the rest is filled in. */
export interface Shelved {
  readonly type?: string;
  readonly namespace?: string;
  readonly model?: string;
  readonly tags?: readonly string[];
  readonly size?: number;
}

/** Entries in a list, which are looked through one by one: what a catalogue and an invalidator do, in the plainest way. */
export class ShelfOfEntries implements Pick<Catalog, 'page' | 'get'>, Invalidator {
  /** Every order that came. */
  readonly orders: Order[] = [];
  /** Set to make every order fail. */
  broken = false;
  #entries: Listed[] = [];
  /** Keys that are only served when the upstream fails. */
  readonly #expired = new Set<string>();

  /** Puts an entry there; gives its shown key. */
  add(name: string, entry: Shelved = {}): string {
    const { type = 'products', namespace = 'default', model = 'product', tags = [], size = 100 } = entry;
    const id = idOf(name);
    const shown = [type, namespace, model, id].map(encodeURIComponent).join('/');
    const born = Date.UTC(2026, 0, 1);
    const times = {
      born,
      freshUntil: born + 60_000,
      staleUntil: born + 120_000,
      keepUntil: born + 180_000,
    };
    const stamp = stampOf(born);
    const tagged = tags.map((tag): Tagged => [tag, stamp]);
    this.#entries.push({ key: { id, shown, type }, ...times, stamp, tags: tagged, size });
    this.#entries.sort((one, other) => (one.key.id < other.key.id ? -1 : 1));
    return shown;
  }

  /** The shown keys of what is left, and which of these are expired. */
  left(): readonly { readonly key: string; readonly expired: boolean }[] {
    return this.#entries.map(({ key }) => ({ key: key.shown, expired: this.#expired.has(key.shown) }));
  }

  isCursor(text: string): boolean {
    return this.#entries.some(({ key }) => key.id === text);
  }

  async page(condition: Condition | undefined, limit: number, cursor: string | undefined) {
    const all = this.#entries.filter((entry) => condition === undefined || meets(entry, condition));
    const after = all.filter(({ key }) => cursor === undefined || key.id > cursor);
    const entries = after.slice(0, limit);
    return { entries, cursor: after.length > limit ? entries.at(-1)?.key.id : undefined };
  }

  get(shown: string): Listed | undefined {
    return this.#entries.find(({ key }) => key.shown === shown);
  }

  async invalidate(orders: readonly Order[]) {
    this.orders.push(...orders);
    if (this.broken) throw new Error('no space left on device');
    return orders.map((order) => this.#carryOut(order));
  }

  #carryOut({ condition, effect, dryRun }: Order) {
    const meant = this.#entries.filter((entry) => meets(entry, condition));
    const changed = meant.filter(({ key }) => effect === 'purge' || !this.#expired.has(key.shown));
    if (!dryRun && effect === 'purge')
      this.#entries = this.#entries.filter((entry) => !meant.includes(entry));
    if (!dryRun && effect === 'expire') for (const { key } of meant) this.#expired.add(key.shown);
    return {
      id: `inv_${this.orders.length}`,
      matched: meant.length,
      invalidated: dryRun ? 0 : changed.length,
      atLeast: false,
      bytes: meant.reduce((sum, { size }) => sum + size, 0),
      sample: meant.slice(0, 20).map(({ key }) => key.shown),
    };
  }
}

function meets({ key, tags }: Listed, condition: Condition = {}): boolean {
  const [type = '', namespace = '', model = ''] = key.shown.split('/').map(decodeURIComponent);
  const among = (list: readonly string[] | undefined, texts: readonly string[]) =>
    list === undefined || texts.some((text) => list.includes(text));
  return (
    among(condition.keys, [key.shown]) &&
    (condition.patterns === undefined ||
      condition.patterns.some((pattern) => parseGlob(pattern)?.(key.shown) === true)) &&
    among(
      condition.tags,
      tags.map(([tag]) => tag),
    ) &&
    among(condition.types, [type]) &&
    among(condition.namespaces, [namespace]) &&
    among(condition.models, [model])
  );
}
