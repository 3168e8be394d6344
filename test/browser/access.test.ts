import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noBrowser, openPage, PATIENCE_MS } from '../support/browser.ts';
import { until } from '../support/deadline.ts';
import { startMonitoring } from '../support/monitoring.ts';

const BROWSER = { skip: noBrowser };
const TOKEN = 'a-token-of-more-than-16';

test(
  'a wrong token is refused in words, the right one opens the page and stays in the tab only',
  BROWSER,
  async () => {
    await using monitoring = await startMonitoring({ token: TOKEN });
    await using open = await openPage(`${monitoring.url}/dashboard`);
    const { page, requested } = open;
    const signIn = async (token: string) => {
      await page.getByLabel('Admin token').fill(token);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    };
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(await page.locator('#sign-in-problem').textContent(), '');
    for (const wrong of ['not-the-right-token-at-all', 'no token at all é']) {
      await signIn(wrong);
      await page.getByText('The token was refused.').waitFor();
      assert.ok(await page.locator('#app').isHidden());
      assert.equal(await page.evaluate('sessionStorage.length'), 0);
    }
    await signIn(` ${TOKEN} `);
    await page.locator('#tile-hit-rate').waitFor();
    await until(
      async () => (await page.evaluate('document.activeElement.id')) === 'content',
      'the focus on what there is now',
      PATIENCE_MS,
    );
    assert.equal(await page.evaluate('sessionStorage.length'), 1);
    assert.doesNotMatch(
      String(await page.evaluate('JSON.stringify(localStorage) + document.cookie')),
      /a-token/,
    );
    assert.deepEqual(
      requested.filter((address) => address.includes('token')),
      [],
    );
    await page.reload();
    await page.locator('#tile-hit-rate').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(await page.evaluate('sessionStorage.length'), 0);
    assert.ok(await page.locator('#app').isHidden());
    await signIn(TOKEN);
    await page.locator('#tile-hit-rate').waitFor();
  },
);

test('a page whose server has gone says so, and goes on when it is back', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  await using open = await openPage(`${monitoring.url}/dashboard`);
  const { page } = open;
  await page.locator('#tile-hit-rate').waitFor();
  await page.context().setOffline(true);
  monitoring.endFeeds(false);
  await page.getByText('The server does not answer. Trying again every few seconds.').waitFor();
  await page.getByText('Offline').waitFor();
  await page.context().setOffline(false);
  await page.getByText('The server does not answer.').waitFor({ state: 'hidden' });
});

test('the theme is the system’s until another is chosen, which is remembered', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  await using open = await openPage(`${monitoring.url}/dashboard`, { colorScheme: 'dark' });
  const { page } = open;
  const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
  const [dark, light] = ['rgb(14, 15, 18)', 'rgb(247, 247, 249)'];
  assert.equal(await background(), dark);
  await page.getByRole('button', { name: /^Theme: as the system/ }).click();
  await page.getByRole('button', { name: /^Theme: light/ }).waitFor();
  assert.equal(await background(), light);
  await page.reload();
  assert.equal(await background(), light);
  await page.getByRole('button', { name: /^Theme: light/ }).click();
  assert.equal(await background(), dark);
  assert.deepEqual(open.complaints, []);
});
