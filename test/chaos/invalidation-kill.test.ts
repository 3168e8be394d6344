import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemeOf, signed } from '../support/deliveries.ts';
import { tempFolder } from '../support/folder.ts';
import { type Answer, send } from '../support/http.ts';
import { startServer } from '../support/server/process.ts';
import { answerAsShop, cacheOf, shopProfile } from '../support/shop.ts';
import { startUpstream } from '../support/upstream.ts';

const LIVES = 3;
const SECRET = 'shpss_0123456789abcdef';

test(`what a webhook was told to be gone is gone after kill -9, in ${LIVES} lives, and the delivery is known`, async () => {
  await using upstream = await startUpstream();
  const ids = Array.from({ length: 2 * LIVES }, (_, at) => at);
  answerAsShop(upstream, new Map(ids.map((id) => [id, id])));
  const folder = tempFolder();
  const rules = [{ event: 'products/*', tags: [{ json: '$.id', tag: 'product:{value}' }] }];
  const profile = {
    ...shopProfile(upstream.origin),
    webhooks: { shopify: { scheme: 'shopify', secret: SECRET, rules } },
  };
  let server = await startServer(profile, folder);
  const product = (id: number): Promise<Answer> =>
    send(`${server.url}/catalog/products/${id}`, { headers: { authorization: undefined } });
  const deliver = async (id: number) => {
    const draft = { event: 'products/update', id: `d-${id}`, payload: JSON.stringify({ id }) };
    const { headers, body } = signed(schemeOf('shopify', { secret: [SECRET] }), draft);
    return (await send(`${server.url}/webhooks/shopify`, { body, headers })).json();
  };
  for (const id of ids) await product(id);
  // What is to be killed is on the disk for sure.
  assert.equal(await server.stop(), 0);
  for (let life = 0; life < LIVES; life += 1) {
    server = await startServer(profile, folder);
    const { invalidated, duplicate } = await deliver(life);
    await server.kill();
    assert.deepEqual([invalidated, duplicate], [1, false]);
    server = await startServer(profile, folder);
    assert.equal((await deliver(life)).duplicate, true);
    assert.equal(cacheOf(await product(life)), 'MISS', `product ${life}`);
    for (const id of ids.slice(life + 1)) assert.equal(cacheOf(await product(id)), 'HIT', `product ${id}`);
    assert.doesNotMatch(server.log(), /degraded/);
    assert.equal(await server.stop(), 0);
  }
});
