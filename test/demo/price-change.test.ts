import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import type { Surroundings } from '../../src/demo/assistant.ts';
import { catalogue } from '../../src/demo/catalogue.ts';
import { Ledger } from '../../src/demo/ledger.ts';
import { changePrices } from '../../src/demo/price-change.ts';
import { payloadOf, SENDERS } from '../../src/demo/sender.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';
import { deliveryOf, NOW, schemeOf } from '../support/deliveries.ts';
import { standIns } from './stand-ins.ts';

const demo = standIns();
const [article, other] = catalogue();

test('reports are signed as Shopify and WooCommerce sign them', async () => {
  assert.ok(article);
  const body = payloadOf(article);
  assert.deepEqual(
    SENDERS.map(({ webhook }) => webhook),
    ['shopify', 'woocommerce'],
  );
  for (const { webhook, event, headers } of SENDERS) {
    const scheme = schemeOf(webhook, { secret: ['s'] });
    const delivery = deliveryOf(headers(body, 's'), body);
    assert.equal((await scheme.verify(delivery, NOW)).kind, 'genuine');
    assert.equal((await scheme.verify(deliveryOf(headers(body, 'x'), body), NOW)).kind, 'refused');
    assert.ok(scheme.id(delivery, { kind: 'object', members: [], start: 0, end: 0 }));
    assert.equal(event, scheme.event(delivery, { kind: 'object', members: [], start: 0, end: 0 }));
  }
});

test('what is not as it should be is said: a cache that is none, forgets too much or too little, refuses the report', async () => {
  assert.ok(article && other);
  const refusing = await startStandIn(async (_request, response) => {
    response.writeHead(401).end('no');
  });
  const ledger = new Ledger();
  const call = { kind: 'chat', cache: 'HIT', ms: 1, usd: 0 } as const;
  ledger.record({ ...call, key: 'speaks', about: [article.id] });
  ledger.record({ ...call, key: 'speaks, too', about: [article.id] });
  ledger.record({ ...call, key: 'of another', about: [other.id] });
  const holds = [['speaks', 'speaks, too', 'of another'], ['speaks']].values();
  const around: Surroundings = {
    openai: new OpenAI({ baseURL: `${demo.model.url}/v1`, apiKey: 'any', maxRetries: 0 }),
    shopUrl: demo.shop.url,
    elapsed: () => performance.now(),
    onCall: () => undefined,
    signal: new AbortController().signal,
  };
  const reprise = {
    url: refusing.url,
    secrets: { admin: 'a', shopify: 's', woocommerce: 'w' },
    entries: async () => new Set(holds.next().value),
    died: new Promise<never>(() => {}),
    close: async () => {},
  };
  const changes = SENDERS.slice(0, 1).map((sender) => ({ sender, article }));
  const [change] = await changePrices(changes, { shop: demo.shop, reprise, ledger, around });
  await refusing.close();
  assert.deepEqual(change?.faults, [
    'before it was reported customers were not told 349 €',
    'the report was answered 401: no',
    '1 entries that speak of it are still there',
    '1 entries that do not speak of it are gone',
  ]);
  assert.deepEqual([change.gone.chat, change.kept], [2, 1]);
});
