import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { catalogue } from '../../src/demo/catalogue.ts';
import { embed } from '../../src/demo/embedding.ts';
import { SEARCH_DIMENSIONS, SearchAnswer, type Shop, startShop } from '../../src/demo/shop.ts';

const waited: number[] = [];
let shop: Shop;

before(async () => {
  shop = await startShop(async (ms) => void waited.push(ms));
});
after(() => shop.close());

test('an article is looked up by its id, in 15 to 40 ms', async () => {
  waited.length = 0;
  const response = await fetch(`${shop.url}/catalog/products/tent-skarv-2`);
  assert.deepEqual(
    await response.json(),
    catalogue().find(({ id }) => id === 'tent-skarv-2'),
  );
  const [ms = 0] = waited;
  assert.ok(ms >= 15 && ms <= 40, `${ms}`);
});

test('an article the shop has not is a 404', async () => {
  assert.equal((await fetch(`${shop.url}/catalog/products/tent-none`)).status, 404);
  assert.equal((await fetch(`${shop.url}/checkout`)).status, 404);
});

test('every article is found first by a question that names it, by meaning and by words', async () => {
  for (const { id, name } of catalogue()) {
    const vector = [...embed(`What does the ${name} weigh?`, SEARCH_DIMENSIONS)];
    const byMeaning = await search({ method: 'POST', body: JSON.stringify({ vector, top: 3 }) });
    assert.equal(byMeaning.length, 3);
    assert.equal(byMeaning[0], id);
    const byWords = await search({}, `?q=${encodeURIComponent(name)}&top=1`);
    assert.deepEqual(byWords, [id]);
  }
});

test('a search without a vector of the right size is a 400', async () => {
  const response = await fetch(`${shop.url}/catalog/search`, { method: 'POST', body: '{"vector":[1]}' });
  assert.equal(response.status, 400);
});

async function search(init: RequestInit, query = ''): Promise<string[]> {
  const response = await fetch(`${shop.url}/catalog/search${query}`, init);
  return SearchAnswer.parse(await response.json()).hits.map(({ id }) => id);
}
