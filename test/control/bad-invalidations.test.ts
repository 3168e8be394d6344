import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { schemeOf, signed } from '../support/deliveries.ts';
import { cacheOf, setShop } from '../support/shop.ts';

const KEY = `whsec_${Buffer.from('a secret of 24 bytes ...').toString('base64')}`;
const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('what is asked for wrongly', () => {
  const delivery = (payload: string, secret = 'shpss') =>
    signed(schemeOf('shopify', { secret: [secret] }), { event: 'products/update', payload });
  const sentAt = (now: number) =>
    signed(schemeOf('standard', { secret: [KEY] }), { payload: '{"type":"product.updated","id":7}', now });
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
    ['a field twice', 400, '/cache/invalidate', { body: '{"tags":["product:7"],"tags":["product:8"]}' }],
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
    ['a wrong signature', 401, '/webhooks/shopify', delivery('{"id":7}', 'another')],
    [
      'the right signature of another body',
      401,
      '/webhooks/shopify',
      { ...delivery('{"id":8}'), body: '{"id":7}' },
    ],
    ['an old timestamp', 401, '/webhooks/events', sentAt(Date.now() - 301_000)],
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
            secret: KEY,
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
