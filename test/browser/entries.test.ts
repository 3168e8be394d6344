import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noBrowser, openPage, PATIENCE_MS } from '../support/browser.ts';
import { until } from '../support/deadline.ts';
import { chat } from '../support/http.ts';
import { startMonitoring } from '../support/monitoring.ts';
import { setStage } from '../support/stage.ts';

const BROWSER = { skip: noBrowser };

test('a purge from the browser empties the entry of the running proxy', BROWSER, async () => {
  await using stage = await setStage();
  const ask = async () =>
    (await stage.ask('/v1/chat/completions', { body: chat('hello') })).headers.get('x-cache');
  assert.equal(await ask(), 'MISS');
  assert.equal(await ask(), 'HIT');
  await using open = await openPage(`${stage.reprise.url}/dashboard`);
  const { page } = open;
  await page.getByRole('button', { name: /^Purge llm_responses\// }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Purge 1 entry' }).click();
  await page.getByText('1 entry purged.').waitFor();
  await page.getByText('No entry is like that.').waitFor();
  assert.equal(await ask(), 'MISS');
});

test('entries are searched for by type, tag and pattern, page by page', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  for (let number = 0; number < 30; number += 1) {
    monitoring.shelf.add(`p${number}`, { tags: [`product:${number}`, 'all'] });
  }
  const other = monitoring.shelf.add('x', { type: 'llm_responses', model: 'meta/llama 3', size: 4_200 });
  await using open = await openPage(`${monitoring.url}/dashboard`);
  const { page } = open;
  const found = page.locator('#entries-table tbody tr:not(.empty)');
  const search = async (field: string, value: string) => {
    await page.locator(`#search input[name=${field}]`).fill(value);
    await page.getByRole('button', { name: 'Search', exact: true }).click();
  };
  await page.getByText('25 entries shown; there are more.').waitFor();
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByText('31 entries shown.').waitFor();
  assert.equal(await found.count(), 31);

  await search('tag', 'product:7');
  await page.getByText('1 entry shown.').waitFor();
  assert.deepEqual(await found.locator('.tags li').allInnerTexts(), ['product:7', 'all']);
  await search('tag', '');
  await search('pattern', 'llm_responses/**');
  await page.getByText('1 entry shown.').waitFor();
  assert.equal(await found.locator('code').getAttribute('title'), other);
  assert.deepEqual((await found.locator('td').allInnerTexts())[1], 'meta/llama 3');
  assert.equal(await found.locator('time').first().getAttribute('datetime'), '2026-01-01T00:00:00.000Z');
  await search('pattern', '{a,{b}}');
  await page.getByText(/^pattern is "\{a,\{b\}\}": expected/).waitFor();
  await search('pattern', '');
  await page.locator('#search-type').selectOption('llm_responses');
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await page.getByText('1 entry shown.').waitFor();
});

test('all that a search finds is purged or expired, after it was shown and confirmed', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  for (const name of ['a', 'b', 'c']) monitoring.shelf.add(name, { tags: ['summer'] });
  monitoring.shelf.add('d');
  await using open = await openPage(`${monitoring.url}/dashboard`);
  const { page } = open;
  await page.getByText('4 entries shown.').waitFor();
  // Without a condition it would be everything.
  await page.getByRole('button', { name: 'Purge all found…' }).click();
  await page.getByText(/^Search for a type, tag, pattern or namespace first/).waitFor();
  assert.equal(monitoring.shelf.orders.length, 0);

  await page.locator('#search input[name=tag]').fill('summer');
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await page.getByText('3 entries shown.').waitFor();
  await page.getByRole('button', { name: 'Purge all found…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('3 entries would be purged.').waitFor();
  assert.equal(await dialog.locator('code').count(), 3);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual(
    monitoring.shelf.orders.map(({ dryRun }) => dryRun),
    [true],
  );
  await page.getByRole('button', { name: 'Expire all found…' }).click();
  await dialog.getByRole('button', { name: 'Expire 3 entries' }).click();
  await page.getByText('3 entries expired.').waitFor();
  assert.equal(monitoring.shelf.left().filter(({ expired }) => expired).length, 3);
  await page.getByRole('button', { name: 'Purge all found…' }).click();
  await dialog.getByRole('button', { name: 'Purge 3 entries' }).click();
  await page.getByText('3 entries purged.').waitFor();
  assert.equal(monitoring.shelf.left().length, 1);
  assert.deepEqual(open.complaints, []);
});

test('an entry is found and purged with the keyboard alone', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  monitoring.shelf.add('a', { tags: ['summer'] });
  monitoring.shelf.add('b');
  await using open = await openPage(`${monitoring.url}/dashboard`);
  const { page } = open;
  await page.getByText('2 entries shown.').waitFor();
  const focused = () =>
    page.evaluate<string>(
      'document.activeElement.getAttribute("aria-label") ?? document.activeElement.name ?? document.activeElement.textContent',
    );
  const tabTo = (name: string) =>
    until(
      async () => {
        await page.keyboard.press('Tab');
        return ((await focused()) || '').startsWith(name);
      },
      `the focus on ${name}`,
      PATIENCE_MS,
    );
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'content');
  await tabTo('tag');
  await page.keyboard.type('summer');
  await page.keyboard.press('Enter');
  await page.getByText('1 entry shown.').waitFor();
  await tabTo('Purge products/');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  // The harmless button is the first.
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Cancel');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  assert.match(await focused(), /^Purge products\//);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('1 entry purged.').waitFor();
  assert.equal(monitoring.shelf.left().length, 1);
});

test(
  'who changes their mind is asked again at once, before the page hears that the dialog has closed',
  BROWSER,
  async () => {
    await using monitoring = await startMonitoring();
    monitoring.shelf.add('a');
    await using open = await openPage(`${monitoring.url}/dashboard`);
    const { page } = open;
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: /^Purge products\// }).click();
    // An event of closing is a task of its own: what is clicked in the same task comes before it.
    for (const closing of ['.querySelector("[value=no]").click()', '.requestClose()']) {
      await dialog.getByText('1 entry would be purged.').waitFor();
      await page.evaluate(`(async () => {
      const dialog = document.querySelector('#confirm');
      dialog${closing};
      if (dialog.open) throw new Error('the dialog is open');
      for (let turn = 0; turn < 100; turn += 1) await undefined;
      document.querySelector('[aria-label^="Purge products/"]').click();
    })()`);
    }
    await dialog.getByRole('button', { name: 'Purge 1 entry' }).click();
    await page.getByText('1 entry purged.').waitFor();
    assert.deepEqual(monitoring.shelf.left(), []);
    assert.deepEqual(
      monitoring.shelf.orders.map(({ dryRun }) => dryRun),
      [true, true, true, false],
    );
  },
);

test('what is confirmed is the one invalidation that is shown', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  for (const name of ['a', 'b', 'c']) monitoring.shelf.add(name, { tags: ['summer'] });
  await using open = await openPage(`${monitoring.url}/dashboard`);
  const { page } = open;
  await page.locator('#search input[name=tag]').fill('summer');
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await page.getByText('3 entries shown.').waitFor();
  const held = Promise.withResolvers<void>();
  await page.route('**/cache/invalidate', async (route) => {
    await held.promise;
    await route.continue();
  });
  await page
    .getByRole('button', { name: /^Expire products\// })
    .first()
    .click();
  await page.getByRole('button', { name: 'Purge all found…' }).click();
  held.resolve();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Expire 1 entry' }).click();
  await page.getByText('1 entry expired.').waitFor();
  assert.deepEqual(
    monitoring.shelf.orders.map(({ effect, dryRun }) => [effect, dryRun]),
    [
      ['expire', true],
      ['expire', false],
    ],
  );
  assert.equal(monitoring.shelf.left().length, 3);
});

test('of pages that come late nothing is shown, and none twice', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  for (let number = 0; number < 60; number += 1) {
    monitoring.shelf.add(`p${number}`, { tags: [number % 2 === 0 ? 'even' : 'odd'] });
  }
  await using open = await openPage(`${monitoring.url}/dashboard`);
  const { page } = open;
  const found = page.locator('#entries-table tbody tr:not(.empty)');
  await page.getByText('25 entries shown; there are more.').waitFor();
  let held = Promise.withResolvers<void>();
  await page.route('**/monitoring/cache/entries**', async (route) => {
    const isFirst = !new URL(route.request().url()).searchParams.get('cursor');
    if (!isFirst) await held.promise;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Show more' }).dblclick();
  held.resolve();
  await page.getByText('50 entries shown; there are more.').waitFor();
  assert.equal(await found.count(), 50);
  held = Promise.withResolvers<void>();
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.locator('#search input[name=tag]').fill('odd');
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await page.getByText('25 entries shown; there are more.').waitFor();
  const late = page.waitForResponse((response) => !response.url().includes('tag='));
  held.resolve();
  await late;
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByText('30 entries shown.').waitFor();
  const tags = await found.locator('.tags li').allInnerTexts();
  assert.deepEqual([...new Set(tags)], ['odd']);
  // The button that had the focus is gone.
  assert.equal(await page.evaluate('document.activeElement.id'), 'entries-status');
});
