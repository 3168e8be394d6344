import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { cacheOf, setShop } from '../support/shop.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('what is asked for wrongly', () => {
  const signature = (body: string, secret = 'shpss') =>
    createHmac('sha256', secret).update(body).digest('base64');
  const shopify = (proof: string) => ({
    authorization: undefined,
    'x-shopify-topic': 'products/update',
    'x-shopify-shop-domain': 'shop.myshopify.com',
    'x-shopify-api-version': '2026-10',
    'x-shopify-webhook-id': 'd',
    'x-shopify-hmac-sha256': proof,
  });
  const delivery = (body: string) => ({ body, headers: shopify(signature(body)) });
  const standard = (at: number) => {
    const body = '{"type":"product.updated","id":7}';
    const proof = createHmac('sha256', 'a secret of 24 bytes ...').update(`m.${at}.${body}`).digest('base64');
    return {
      body,
      headers: { 'webhook-id': 'm', 'webhook-timestamp': String(at), 'webhook-signature': `v1,${proof}` },
    };
  };
  const many = (count: number) => Array.from({ length: count }, (_, at) => `product:${at}`);

  for (const [says, status, path, sent] of [
    ['an empty condition', 400, '/cache/invalidate', { body: {} }],
    ['an empty list', 400, '/cache/invalidate', { body: { tags: [] } }],
    ['an unknown field', 400, '/cache/invalidate', { body: { tags: 'product:7', typ: 'products' } }],
    ['an unknown type', 400, '/cache/invalidate', { body: { type: 'prodcts' } }],
    ['a pattern of 10,000 characters', 400, '/cache/invalidate', { body: { pattern: '*'.repeat(10_000) } }],
    [
      'a pattern that nests',
      400,
      '/cache/invalidate',
      { body: { pattern: `${'{*,'.repeat(60)}${'}'.repeat(60)}` } },
    ],
    ['10,001 tags', 400, '/cache/invalidate', { body: { tags: many(10_001) } }],
    ['a tag with a line feed', 400, '/cache/invalidate', { body: { tags: 'product:7\n' } }],
    [
      'a tag that is too long',
      400,
      '/cache/invalidate',
      { body: { tags: ['product:7', 'x'.repeat(1_025)] } },
    ],
    ['broken JSON', 400, '/cache/invalidate', { body: '{"tags":["product:7"]' }],
    [
      'another type of content',
      400,
      '/cache/invalidate',
      { body: '{"tags":"product:7"}', headers: { 'content-type': 'text/plain' } },
    ],
    ['50 MB', 413, '/cache/invalidate', { body: Buffer.alloc(50_000_000, ' ') }],
    ['a level that is none', 400, '/cache/clear', { body: { level: 'l7' } }],
    ['a PURGE of nothing', 400, '/', { method: 'PURGE' }],
    ['a webhook that is none', 404, '/webhooks/shopfy', delivery('{"id":7}')],
    [
      'a wrong signature',
      401,
      '/webhooks/shopify',
      { body: '{"id":7}', headers: shopify(signature('{"id":7}', 'another')) },
    ],
    [
      'the right signature of another body',
      401,
      '/webhooks/shopify',
      { body: '{"id":7}', headers: shopify(signature('{"id":8}')) },
    ],
    ['an old timestamp', 401, '/webhooks/events', standard(Math.floor(Date.now() / 1000) - 301)],
    ['a payload of broken JSON', 400, '/webhooks/shopify', delivery('{"id":7')],
    ['a payload without the id', 400, '/webhooks/shopify', delivery('{"title":"Lamp"}')],
    ['a payload of 50 MB', 413, '/webhooks/shopify', delivery(`{"id":7,"x":"${'x'.repeat(50_000_000)}"}`)],
  ] as const) {
    it(`${says} is ${status}, nothing is invalidated, and nothing is lost`, async () => {
      await using shop = await setShop({
        webhooks: {
          shopify: {
            scheme: 'shopify',
            secret: 'shpss',
            rules: [{ event: 'products/*', tags: [{ json: '$.id', tag: 'product:{value}' }] }],
          },
          events: {
            scheme: 'standard',
            secret: `whsec_${Buffer.from('a secret of 24 bytes ...').toString('base64')}`,
            rules: [{ event: 'product.*', tags: [{ json: '$.id', tag: 'product:{value}' }] }],
          },
        },
      });
      await shop.product(7);
      await shop.search([7], TRACE);
      await shop.prose('Which lamp is best?', TRACE);
      const answer = await shop.ask(path, sent);
      assert.equal(answer.status, status, answer.body.toString());
      const { error } = answer.json() as { error: { type: string; message: string } };
      assert.equal(error.type, 'reprise_error');
      assert.ok(error.message.length > 20);
      for (const again of [
        await shop.product(7),
        await shop.search([7]),
        await shop.prose('Which lamp is best?'),
      ]) {
        assert.equal(cacheOf(again), 'HIT');
      }
      assert.deepEqual((await shop.control('/monitoring/invalidations')).json(), { invalidations: [] });
    });
  }
});
