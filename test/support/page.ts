import assert from 'node:assert/strict';
import { type OpenPage, PATIENCE_MS } from './browser.ts';
import { until } from './deadline.ts';

/** Passes as soon as the text of an element includes this. */
export async function says({ page }: OpenPage, selector: string, part: string): Promise<void> {
  let last = '';
  await until(
    async () => {
      last = (await page.locator(selector).textContent()) ?? '';
      return last.includes(part);
    },
    selector,
    PATIENCE_MS,
  ).catch(() => assert.fail(`${selector} says ${JSON.stringify(last)}, and never ${JSON.stringify(part)}`));
}

/** The rows of a table, cell by cell. */
export async function rows({ page }: OpenPage, selector: string): Promise<string[][]> {
  const all = await page.locator(`${selector} tbody tr:not(.empty)`).all();
  return await Promise.all(all.map((row) => row.locator('td').allInnerTexts()));
}

/** Nothing went wrong in the page, and it asked nobody but the server it came from. */
export function isQuiet({ complaints, requested }: OpenPage, url: string): void {
  assert.deepEqual(complaints, []);
  assert.ok(requested.length > 20);
  assert.deepEqual(
    requested.filter((address) => !address.startsWith(`${url}/`)),
    [],
  );
}
