import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CATEGORIES, catalogue } from '../../src/demo/catalogue.ts';

test('the shop has sixty articles, all different and complete', () => {
  const products = catalogue();
  assert.equal(products.length, 60);
  assert.equal(new Set(products.map(({ id }) => id)).size, 60);
  assert.equal(new Set(products.map(({ name }) => name)).size, 60);
  const categories: readonly string[] = CATEGORIES;
  for (const product of products) {
    assert.match(product.id, /^[a-z0-9-]+$/);
    assert.ok(categories.includes(product.category), product.category);
    assert.ok(product.price_eur > 0 && product.weight_g > 0, product.id);
    assert.ok(product.attributes.length > 0 && product.attributes.every((fact) => fact !== ''), product.id);
    assert.ok(product.description.endsWith('.'), product.id);
  }
});

test('every category has a choice of articles', () => {
  for (const category of CATEGORIES) {
    assert.ok(catalogue().filter((product) => product.category === category).length >= 5, category);
  }
});
