import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Catalog } from '../../src/cache/catalog.ts';
import type { Condition } from '../../src/cache/condition.ts';
import type { Listed } from '../../src/cache/listed.ts';
import { concerns } from '../support/naive-marks.ts';

const IDS = ['id0', 'id1', 'id2', 'id3', 'id4', 'id5'];
const TAGS = ['a', 'b', 'c'];
const LEVELS = ['l1', 'l2'] as const;
type Level = (typeof LEVELS)[number];

/** Where the entry of an id lies: always at the same place. */
function shownOf(id: string): string {
  const at = IDS.indexOf(id);
  return `${at % 2 === 0 ? 'products' : 'searches'}/${at % 3 === 0 ? 'default' : 'other'}/m${at % 2}/${id}`;
}

function listed(id: string, stamp: number, tags: readonly string[]): Listed {
  return {
    key: { id, shown: shownOf(id), type: 'x' },
    stamp,
    tags: tags.map((tag) => [tag, stamp]),
    size: 1,
    born: 0,
    freshUntil: 1,
    staleUntil: 1,
    keepUntil: 1,
  };
}

type Step =
  | { readonly step: 'put' | 'tag'; readonly id: string; readonly tags: readonly string[] }
  | { readonly step: 'promote'; readonly id: string }
  | { readonly step: 'drop'; readonly level: Level; readonly id: string }
  | { readonly step: 'empty'; readonly level: Level }
  | { readonly step: 'load'; readonly ids: readonly string[] };

const id = fc.constantFrom(...IDS);
const tags = fc.subarray(TAGS);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ step: fc.constantFrom('put', 'tag'), id, tags }),
  fc.record({ step: fc.constant('promote'), id }),
  fc.record({ step: fc.constant('drop'), level: fc.constantFrom(...LEVELS), id }),
  fc.record({ step: fc.constant('empty'), level: fc.constantFrom(...LEVELS) }),
  fc.record({ step: fc.constant('load'), ids: fc.subarray(IDS) }),
);
const condition: fc.Arbitrary<Condition | undefined> = fc.option(
  fc
    .record(
      {
        keys: fc.subarray(IDS.map(shownOf), { minLength: 1 }),
        patterns: fc.subarray(['products/**', '**/id1', '*/other/*/*'], { minLength: 1 }),
        tags: fc.subarray(TAGS, { minLength: 1 }),
        types: fc.subarray(['products', 'searches'], { minLength: 1 }),
        namespaces: fc.subarray(['default', 'other'], { minLength: 1 }),
        models: fc.subarray(['m0', 'm1'], { minLength: 1 }),
      },
      { requiredKeys: [] },
    )
    .filter((lists) => Object.keys(lists).length > 0),
  { nil: undefined },
);

/** The tiers as two maps, and what they tell. */
class Tiers {
  readonly held: Readonly<Record<Level, Map<string, Listed>>> = { l1: new Map(), l2: new Map() };
  /** What L2 once had, and may find again. */
  readonly #written = new Map<string, Listed>();
  readonly #catalog: Catalog;
  #stamp = 0;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  take(taken: Step): void {
    switch (taken.step) {
      case 'put':
        this.#stamp += 1;
        this.#put(listed(taken.id, this.#stamp, taken.tags));
        break;
      case 'tag': {
        const known = this.held.l1.get(taken.id) ?? this.held.l2.get(taken.id);
        if (known === undefined) return;
        const more = new Set([...known.tags.map(([tag]) => tag), ...taken.tags]);
        this.#put(listed(taken.id, known.stamp, [...more]));
        break;
      }
      case 'promote': {
        const found = this.held.l2.get(taken.id);
        if (found !== undefined && !this.held.l1.has(taken.id)) this.#hold('l1', found);
        break;
      }
      case 'drop':
        this.held[taken.level].delete(taken.id);
        if (taken.level === 'l2') this.#written.delete(taken.id);
        this.#catalog.watch(taken.level).dropped(taken.id);
        break;
      case 'empty':
        this.held[taken.level].clear();
        this.#catalog.watch(taken.level).emptied();
        break;
      case 'load':
        for (const each of taken.ids) {
          const found = this.#written.get(each);
          // As read from disk: equal, and not the same.
          if (found !== undefined && !this.held.l2.has(each)) this.#hold('l2', structuredClone(found));
        }
    }
  }

  /** What has to be listed. */
  all(): Listed[] {
    return [...new Map([...this.held.l2, ...this.held.l1]).values()];
  }

  #put(entry: Listed): void {
    for (const level of LEVELS) this.#hold(level, entry);
    this.#written.set(entry.key.id, entry);
  }

  #hold(level: Level, entry: Listed): void {
    this.held[level].set(entry.key.id, entry);
    this.#catalog.watch(level).held(entry);
  }
}

/** By id, and without regard to the order. */
function sorted(entries: Iterable<Listed | undefined>): Listed[] {
  const known = [...entries].filter((entry) => entry !== undefined);
  return known.sort((one, other) => (one.key.id < other.key.id ? -1 : 1));
}

describe('the catalog', () => {
  it('lists what the tiers hold, each entry once, under every condition, whatever they tell in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        condition,
        fc.integer({ min: 1, max: 4 }),
        fc.subarray(IDS),
        async (steps, asked, limit, dead) => {
          const isLive = ({ key }: Listed) => !dead.includes(key.id);
          const catalog = new Catalog(isLive);
          const tiers = new Tiers(catalog);
          for (const each of steps) tiers.take(each);
          const all = tiers.all();
          const meant = all.filter((entry) =>
            concerns({ condition: asked, effect: 'purge', stamp: Number.POSITIVE_INFINITY }, entry),
          );
          const live = sorted(meant.filter(isLive));
          assert.equal(catalog.size, all.length);
          assert.deepEqual(sorted(catalog.lying(asked)), sorted(meant));
          assert.deepEqual(sorted(catalog.meant(asked)), live);
          assert.deepEqual(sorted(await pages(catalog, asked, limit)), live);
          for (const level of LEVELS)
            assert.deepEqual(
              sorted(catalog.at(level)).map(({ key }) => key.id),
              [...tiers.held[level].keys()].sort(),
            );
          for (const each of IDS) {
            const found = all.find(({ key }) => key.id === each);
            assert.deepEqual(catalog.get(shownOf(each)), found && isLive(found) ? found : undefined);
            assert.equal(catalog.get(`wrong/place/m/${each}`), undefined);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

/** All pages, one after the other; each but the last is full. */
async function pages(catalog: Catalog, asked: Condition | undefined, limit: number): Promise<Listed[]> {
  const all: Listed[] = [];
  let cursor: string | undefined;
  do {
    const page = await catalog.page(asked, limit, cursor);
    assert.ok(page.cursor === undefined ? page.entries.length <= limit : page.entries.length === limit);
    all.push(...page.entries);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}
