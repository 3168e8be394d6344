import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Catalog } from '../../src/cache/catalog.ts';
import { type Listed, listedOf } from '../../src/cache/listed.ts';
import { sampleEntry } from '../support/entries.ts';

function listed(name: string, tags: readonly string[] = []): Listed {
  return listedOf(sampleEntry(name, { born: 1_000, tags: tags.map((tag) => [tag, 1]) }));
}

/** A key as the sample has it, with the id in its last place. */
function keyed(name: string): Listed {
  const entry = listed(name);
  return { ...entry, key: { ...entry.key, shown: `chat/default/gpt-x/${entry.key.id}` } };
}

function filled(count: number): Catalog {
  const catalog = new Catalog();
  for (let at = 0; at < count; at += 1) catalog.watch('l1').held(keyed(`entry ${at}`));
  return catalog;
}

describe('the catalog of what lies in the tiers', () => {
  it('gives pages that neither repeat nor miss anything that stays, while entries come and go in between', async () => {
    const catalog = filled(100);
    const seen: string[] = [];
    let cursor: string | undefined;
    let round = 0;
    do {
      const page = await catalog.page(undefined, 7, cursor);
      seen.push(...page.entries.map(({ key }) => key.id));
      cursor = page.cursor;
      catalog.watch('l1').dropped(page.entries[0]?.key.id ?? '');
      catalog.watch('l1').held(keyed(`late ${round}`));
      round += 1;
    } while (cursor !== undefined && round < 50);
    assert.equal(new Set(seen).size, seen.length);
    for (let at = 0; at < 100; at += 1) assert.ok(seen.includes(keyed(`entry ${at}`).key.id));
  });

  it('gives such pages also while nearly everything goes', async () => {
    const catalog = filled(5_000);
    const stays = (at: number) => at % 50 === 0;
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await catalog.page(undefined, 10, cursor);
      seen.push(...page.entries.map(({ key }) => key.id));
      cursor = page.cursor;
      for (let at = 0; at < 5_000; at += 1)
        if (!stays(at) && at % 7 === seen.length % 7)
          catalog.watch('l1').dropped(keyed(`entry ${at}`).key.id);
    } while (cursor !== undefined);
    assert.equal(new Set(seen).size, seen.length);
    for (let at = 0; at < 5_000; at += 50)
      assert.ok(seen.includes(keyed(`entry ${at}`).key.id), `entry ${at}`);
  });

  it('takes a cursor of anybody: what it does not know gives what comes after it, or nothing', async () => {
    const catalog = filled(3);
    assert.equal((await catalog.page(undefined, 10, '999')).entries.length, 0);
    assert.equal((await catalog.page(undefined, 10, '0')).entries.length, 3);
    assert.equal((await catalog.page(undefined, 10, '-5')).entries.length, 3);
    for (const [text, isCursor] of [
      ['0', true],
      ['999', true],
      ['', false],
      ['zzz', false],
      ['-5', false],
      ['1.5', false],
    ] as const)
      assert.equal(catalog.isCursor(text), isCursor, text);
  });

  it('tells what comes while it is walked, and not what goes', () => {
    const catalog = filled(5);
    const walked: string[] = [];
    for (const entry of catalog.lying(undefined)) {
      if (walked.length === 0) {
        catalog.watch('l1').dropped(keyed('entry 3').key.id);
        catalog.watch('l2').held(keyed('entry 9'));
      }
      walked.push(entry?.key.id ?? '');
    }
    const names = ['entry 0', 'entry 1', 'entry 2', 'entry 4', 'entry 9'];
    assert.deepEqual(
      walked,
      names.map((name) => keyed(name).key.id),
    );
  });

  it('forgets a tag with the last entry that has it, and counts an entry of two tags once', () => {
    const catalog = new Catalog();
    const both = listed('both', ['a', 'b']);
    catalog.watch('l1').held(both);
    catalog.watch('l2').held(both);
    assert.equal([...catalog.meant({ tags: ['a', 'b'] })].length, 1);
    catalog.watch('l1').dropped(both.key.id);
    assert.equal([...catalog.meant({ tags: ['a'] })].length, 1);
    catalog.watch('l2').emptied();
    assert.equal([...catalog.meant({ tags: ['a', 'b'] })].length, 0);
    assert.equal(catalog.size, 0);
  });

  it('lists the older copy of a tier no longer once a newer one is known, and the entry until both are gone', () => {
    const catalog = new Catalog();
    const older = listed('same', ['old']);
    const newer = { ...listed('same', ['new']), stamp: older.stamp + 1 };
    catalog.watch('l1').held(newer);
    catalog.watch('l2').held(older);
    assert.deepEqual([...catalog.lying({ tags: ['old'] })], []);
    assert.deepEqual([...catalog.lying({ tags: ['new'] })], [newer]);
    catalog.watch('l1').dropped(older.key.id);
    assert.equal(catalog.size, 1);
    catalog.watch('l2').dropped(older.key.id);
    assert.equal(catalog.size, 0);
  });
});
