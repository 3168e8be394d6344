import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noBrowser, type OpenPage, openPage, PATIENCE_MS } from '../support/browser.ts';
import { until } from '../support/deadline.ts';
import { startMonitoring } from '../support/monitoring.ts';

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const DESKTOP = { width: 1_280, height: 900 };
const TABLET = { width: 768, height: 1_024 };
const PHONE = { width: 360, height: 740 };

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of [DESKTOP, TABLET, PHONE]) {
    const where = `${viewport.width} pixels wide and ${colorScheme}`;
    test(`axe finds nothing to complain of, ${where}`, { skip: noBrowser }, async () => {
      await using monitoring = await startMonitoring();
      monitoring.shelf.add('a', { tags: ['product:7', 'summer'] });
      await using open = await openPage(`${monitoring.url}/dashboard`, { colorScheme, viewport });
      const { page } = open;
      await page.getByText('1 entry shown.').waitFor();
      await until(() => monitoring.feeds() === 1, 'the page reads the feed', PATIENCE_MS);
      for (const outcome of ['HIT', 'MISS', 'BYPASS', 'ERROR']) {
        monitoring.tell('request', { outcome, key: `products/default/product/${outcome}`, ms: 1 });
      }
      await page.locator('#recent .badge').nth(3).waitFor();
      assert.deepEqual(await violations(open), []);
      // Nothing sticks out to the right, nor is any part of the page's contents hidden there.
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), viewport.width);
      assert.ok(await page.locator('nav').evaluate((nav) => nav.scrollWidth <= nav.clientWidth));
      await page.getByRole('button', { name: /^Purge products/ }).click();
      await page.getByRole('dialog').waitFor();
      assert.deepEqual(await violations(open), []);
    });
  }

  test(`axe finds nothing to complain of where one signs in, ${colorScheme}`, {
    skip: noBrowser,
  }, async () => {
    await using monitoring = await startMonitoring({ token: 'a-token-of-more-than-16' });
    await using open = await openPage(`${monitoring.url}/dashboard`, { colorScheme, viewport: PHONE });
    await open.page.getByLabel('Admin token').fill('not-the-right-one');
    await open.page.keyboard.press('Enter');
    await open.page.getByText('The token was refused.').waitFor();
    assert.deepEqual(await violations(open), []);
  });
}

test('who wants less motion gets none', { skip: noBrowser }, async () => {
  await using monitoring = await startMonitoring();
  await using open = await openPage(`${monitoring.url}/dashboard`, { reducedMotion: 'reduce' });
  await open.page.locator('.gauge-bar').first().waitFor();
  const moving = await open.page.evaluate(
    '[...document.querySelectorAll("*")].filter((one) => getComputedStyle(one).transitionDuration !== "0s" || getComputedStyle(one).animationName !== "none").length',
  );
  assert.equal(moving, 0);
});

/** What axe finds, each as its rule and the elements it is about. */
async function violations({ page }: OpenPage): Promise<unknown> {
  await page.evaluate(AXE);
  return await page.evaluate(
    'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 200))]))',
  );
}
