import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { Clock } from '../../src/shared/clock.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { ManualClock } from '../support/clock.ts';
import { within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { type Answer, type Sent, send } from '../support/http.ts';
import { RecordingInvalidator } from '../support/recording-invalidator.ts';
import { startReprise, type TestReprise } from '../support/reprise.ts';

const SECRET = 'shpss_0123456789abcdef';

const WEBHOOKS = {
  shopify: {
    scheme: 'shopify',
    secret: ['', SECRET],
    rules: [
      { event: 'products/*', tags: [{ json: '$.id', tag: 'product:{value}' }] },
      { event: 'collections/*', type: 'search_results', mode: 'expire' },
      { event: 'variants/*', tags: [{ json: '$.variants[*].id', tag: 'variant:{value}' }] },
      {
        event: 'inventory_levels/*',
        tags: [
          { json: '$.inventory_item_id', tag: 'item:{value}' },
          { json: '$.variants[*].id', tag: 'variant:{value}' },
        ],
      },
    ],
  },
  woo: {
    scheme: 'woocommerce',
    secret: SECRET,
    rules: [
      { event: 'product.*', tags: [{ json: '$.id', tag: 'product:{value}' }] },
      { event: 'product.*', tags: [{ json: '$.categories[*].id', tag: 'category:{value}' }] },
    ],
  },
  timed: {
    scheme: 'hmac',
    secret: SECRET,
    header: 'x-signature',
    signed: '{timestamp}.{body}',
    timestamp: { header: 'x-timestamp' },
    rules: [{ event: '**', tags: [{ json: '$.sku', tag: 'product:{value}' }] }],
  },
  own: {
    scheme: 'hmac',
    secret: SECRET,
    header: 'x-signature',
    rules: [
      {
        event: '**',
        tags: [{ json: '$.sku', tag: 'product:{value}' }, { tag: 'catalog' }],
        model: ['gpt-5', 'search'],
      },
    ],
  },
};

test('a signed update invalidates what its rule says, and says so', async () => {
  await using stage = await start();
  const answer = await stage.shopify(
    'products/update',
    '{"id":788032119674292922,"title":"Lamp"}',
    'delivery-1',
  );
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  assert.deepEqual(answer.json(), {
    id: 'delivery-1',
    accepted: true,
    duplicate: false,
    // Not 788032119674292900, which is what a double makes of it.
    tags: ['product:788032119674292922'],
    invalidated: 3,
  });
  assert.deepEqual(stage.invalidator.calls, [
    [
      {
        condition: { tags: ['product:788032119674292922'] },
        effect: 'purge',
        by: 'webhook:shopify',
        dryRun: false,
      },
    ],
  ]);
});

test('a rule may mean a type, and expire it', async () => {
  await using stage = await start();
  const answer = await stage.shopify('collections/update', '{"id":1}');
  assert.deepEqual([answer.json().tags, answer.json().accepted], [[], true]);
  assert.deepEqual(
    stage.invalidator.orders.map(({ condition, effect }) => ({ condition, effect })),
    [{ condition: { types: ['search_results'] }, effect: 'expire' }],
  );
});

test('all that one rule says is meant together, and a fixed tag beside those found', async () => {
  await using stage = await start();
  const body = '{"sku":"LAMP-1"}';
  await stage.post('own', body, { 'x-signature': hexOf(body) });
  assert.deepEqual(stage.invalidator.orders[0]?.condition, {
    tags: ['product:LAMP-1', 'catalog'],
    models: ['gpt-5', 'search'],
  });
});

test('an event that no rule is for is answered 200, and nothing happens', async () => {
  await using stage = await start();
  const answer = await stage.shopify('orders/create', '{"id":1}', 'delivery-1');
  assert.deepEqual([answer.status, answer.json()], [200, { ...NOTHING, id: 'delivery-1' }]);
  assert.deepEqual(stage.invalidator.calls, []);
});

test('a repeat is answered 200 as a duplicate, and nothing happens again, also after a restart', async () => {
  const folder = tempFolder();
  for (const [life, duplicate] of [false, true, true].entries()) {
    await using stage = await start({ folder });
    const answer = await stage.shopify('products/update', '{"id":7}', 'delivery-1');
    assert.deepEqual(
      [answer.status, answer.json().accepted, answer.json().duplicate, answer.json().id],
      [200, true, duplicate, 'delivery-1'],
      `life ${life}`,
    );
    assert.equal(stage.invalidator.calls.length, duplicate ? 0 : 1);
    await stage.reprise.stop();
  }
});

test('one id in the webhooks of two senders is two deliveries', async () => {
  await using stage = await start();
  await stage.shopify('products/update', '{"id":7}', 'same');
  const answer = await stage.woo('product.updated', '{"id":7}', 'same');
  assert.equal(answer.json().duplicate, false);
  assert.equal(stage.invalidator.calls.length, 2);
});

test('two deliveries that WooCommerce gives one id, since they are of one second, are both carried out', async () => {
  await using stage = await start();
  const first = await stage.woo('product.updated', '{"id":7}', 'one-second');
  const second = await stage.woo('product.updated', '{"id":8}', 'one-second');
  assert.deepEqual([first.json().tags, second.json().tags], [['product:7'], ['product:8']]);
  assert.equal((await stage.woo('product.updated', '{"id":8}', 'one-second')).json().duplicate, true);
});

test('where a sender tells its deliveries in no way apart, equal ones are all carried out', async () => {
  await using stage = await start();
  const body = '{"sku":"LAMP-1"}';
  for (let time = 0; time < 2; time++) {
    const answer = await stage.post('own', body, { 'x-signature': hexOf(body) });
    assert.equal(answer.json().duplicate, false);
  }
  assert.equal(stage.invalidator.calls.length, 2);
});

test('the time of sending does not tell them apart: two changes of one product may be of one second', async () => {
  const clock = new ManualClock();
  await using stage = await start({ clock });
  const [body, at] = ['{"sku":"LAMP-1"}', String(Math.floor(clock.now() / 1000))];
  const headers = { 'x-timestamp': at, 'x-signature': hexOf(`${at}.${body}`) };
  for (let time = 0; time < 2; time++) {
    const answer = await stage.post('timed', body, headers);
    assert.deepEqual([answer.status, answer.json().duplicate], [200, false]);
  }
  assert.equal(stage.invalidator.calls.length, 2);
});

test('a delivery is remembered for a week', async () => {
  const clock = new ManualClock();
  await using stage = await start({ clock });
  const deliver = async () => (await stage.shopify('products/update', '{"id":7}', 'd')).json().duplicate;
  assert.equal(await deliver(), false);
  clock.advance(7 * 24 * 3_600_000 - 1);
  assert.equal(await deliver(), true);
  clock.advance(1);
  assert.equal(await deliver(), false);
});

test('the answer comes after the orders are durable', async () => {
  await using stage = await start();
  const gate = Promise.withResolvers<void>();
  stage.invalidator.gate = gate.promise;
  let answered = false;
  const answer = stage.shopify('products/update', '{"id":7}').then((it) => {
    answered = true;
    return it;
  });
  await within(stage.reached(), 'the orders');
  assert.equal(answered, false);
  gate.resolve();
  assert.equal((await answer).status, 200);
});

test('orders that could not be made durable are no success, and the repeat is carried out', async () => {
  await using stage = await start();
  stage.invalidator.fault = new Error('no space left on device');
  const failed = await stage.shopify('products/update', '{"id":7}', 'd');
  assert.equal(failed.status, 500);
  stage.invalidator.fault = undefined;
  const again = await stage.shopify('products/update', '{"id":7}', 'd');
  assert.deepEqual([again.status, again.json().duplicate], [200, false]);
});

test('events out of order, and all at once, are each carried out', async () => {
  await using stage = await start();
  const topics = ['products/delete', 'products/create', 'products/update', 'products/update'];
  const answers = await Promise.all(topics.map((topic) => stage.shopify(topic, '{"id":7}')));
  assert.deepEqual(
    answers.map((answer) => answer.json().accepted),
    [true, true, true, true],
  );
  assert.equal(stage.invalidator.calls.length, 4);
});

const UNREADABLE: readonly (readonly [title: string, body: string | Buffer, message: RegExp])[] = [
  ['without the id', '{"title":"Lamp"}', /has nothing at \$\.id/],
  ['with null for the id', '{"id":null}', /has nothing at \$\.id/],
  ['with an empty id', '{"id":""}', /has nothing at \$\.id/],
  ['with an object for the id', '{"id":{"a":1}}', /has an object at \$\.id/],
  ['with a list for the id', '{"id":[1]}', /has a list at \$\.id/],
  ['with a fraction for the id', '{"id":1.5}', /has a fraction at \$\.id/],
  ['with true for the id', '{"id":true}', /has true or false at \$\.id/],
  ['with an id without end', `{"id":"${'x'.repeat(1_025)}"}`, /has what no tag can be made of at \$\.id/],
  ['with a line feed in the id', '{"id":"a\\nb"}', /has what no tag can be made of at \$\.id/],
  ['of broken JSON', '{"id":7', /is not JSON/],
  ['of no JSON', 'id=7', /is not JSON/],
  ['with two ids', '{"id":7,"id":8}', /one name twice/],
  ['of nested lists', `${'['.repeat(200)}${']'.repeat(200)}`, /nests too deep/],
  ['of no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
  ['of nothing', '', /is empty/],
];

for (const [title, body, message] of UNREADABLE) {
  test(`a payload ${title} is 400, and invalidates nothing`, async () => {
    await using stage = await start();
    const answer = await stage.shopify('products/update', body);
    assertRefused(answer, 400, 'invalid_request', message);
    assert.deepEqual(stage.invalidator.calls, []);
  });
}

test('a tag whose values are absent takes nothing from the others of its rule', async () => {
  await using stage = await start();
  const answer = await stage.shopify('inventory_levels/update', '{"inventory_item_id":1,"variants":[]}');
  assert.deepEqual(answer.json().tags, ['item:1']);
});

test('one of several values that no entry could have as a tag takes nothing from the others', async () => {
  await using stage = await start();
  const body = JSON.stringify({
    inventory_item_id: 1,
    variants: [{ id: 'a\tb' }, { id: 'x'.repeat(1_025) }, { id: 7 }],
  });
  const answer = await stage.shopify('inventory_levels/update', body);
  assert.deepEqual([answer.status, answer.json().tags], [200, ['item:1', 'variant:7']]);
});

test('a rule that may find nothing takes nothing from the others, one that has to takes all', async () => {
  await using stage = await start();
  const found = await stage.woo('product.deleted', '{"id":794}', 'd1');
  assert.deepEqual(found.json().tags, ['product:794']);
  const lacking = await stage.woo('product.updated', '{"categories":[{"id":7}]}', 'd2');
  assertRefused(lacking, 400, 'invalid_request', /has nothing at \$\.id/);
  assert.equal(stage.invalidator.calls.length, 1);
});

test('a payload in which no rule finds anything, and none has to, is no failure of its sender, and means nothing', async () => {
  await using stage = await start();
  const answer = await stage.shopify('variants/update', '{"variants":[]}', 'd1');
  assert.deepEqual([answer.status, answer.json()], [200, { ...NOTHING, id: 'd1' }]);
  assert.deepEqual(stage.invalidator.calls, []);
});

test('ten thousand tags are 400, and invalidate nothing', async () => {
  await using stage = await start();
  const variants = Array.from({ length: 10_000 }, (_, id) => ({ id }));
  const answer = await stage.shopify('inventory_levels/update', JSON.stringify({ variants }));
  assertRefused(answer, 400, 'invalid_request', /gives 10000 tags: at most 5000/);
  assert.deepEqual(stage.invalidator.calls, []);
});

test('values with odd characters are tags as they are', async () => {
  await using stage = await start();
  const body = JSON.stringify({ sku: 'a, b "☃" {value} $& é' });
  const answer = await stage.post('own', body, { 'x-signature': hexOf(body) });
  assert.deepEqual(answer.json().tags, ['product:a, b "☃" {value} $& é', 'catalog']);
});

test('a wrong signature is 401, the right one of another body too, and invalidates nothing', async () => {
  await using stage = await start();
  const right = stage.shopifyHeaders('products/update', '{"id":7}');
  const wrong = { ...right, 'x-shopify-hmac-sha256': base64Of('{"id":7}', 'another secret') };
  for (const [headers, body] of [
    [wrong, '{"id":7}'],
    [right, '{"id":8}'],
    [right, '{"id":7} '],
    [{ 'x-shopify-topic': 'products/update' }, '{"id":7}'],
    [{}, 'webhook_id=1'],
  ] as const) {
    const answer = await stage.post('shopify', body, headers);
    assertRefused(answer, 401, 'unauthorized', /^This delivery has /);
    assert.ok(!answer.body.includes(SECRET));
  }
  assert.deepEqual(stage.invalidator.calls, []);
});

test('Shopify: what is signed and says its topic is taken, whatever other headers a proxy has left of it', async () => {
  await using stage = await start();
  const headers = { 'x-shopify-topic': 'products/update', 'x-shopify-hmac-sha256': base64Of('{"id":7}') };
  for (let time = 1; time <= 2; time += 1) {
    const answer = await stage.post('shopify', '{"id":7}', headers);
    assert.equal(answer.status, 200, answer.body.toString());
  }
  assert.equal(stage.invalidator.calls.length, 2);
  const untold = await stage.post('shopify', '{"id":7}', { ...headers, 'x-shopify-topic': undefined });
  assertRefused(untold, 401, 'unauthorized', /has no header x-shopify-topic/);
});

test('a delivery that is older than its sender may be late, or from the future, is 401, and invalidates nothing', async () => {
  const clock = new ManualClock();
  await using stage = await start({ clock });
  const deliver = (aheadMs: number) => {
    const [body, at] = ['{"sku":"LAMP-1"}', String((clock.now() + aheadMs) / 1000)];
    return stage.post('timed', body, { 'x-timestamp': at, 'x-signature': hexOf(`${at}.${body}`) });
  };
  for (const ahead of [-301_000, 301_000, -86_400_000]) {
    assertRefused(await deliver(ahead), 401, 'unauthorized', /^This delivery (?:was sent|is dated) \d+ s /);
  }
  assert.deepEqual(stage.invalidator.calls, []);
  for (const ahead of [-300_000, 0, 300_000]) assert.equal((await deliver(ahead)).status, 200);
});

test('an unknown webhook is 404, whatever is sent to it, and so is a path below one', async () => {
  await using stage = await start();
  for (const path of ['/webhooks/nobody', '/webhooks/', '/webhooks/shopify/more', '/webhooks/__proto__']) {
    assertRefused(
      await send(stage.reprise.url + path, { method: 'POST', body: '{}' }),
      404,
      'not_found',
      /no webhook at/,
    );
  }
});

test('any method but POST is 405', async () => {
  await using stage = await start();
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const answer = await send(`${stage.reprise.url}/webhooks/shopify`, { method });
    assertRefused(answer, 405, 'method_not_allowed', /takes POST, not/);
  }
  assert.equal((await send(`${stage.reprise.url}/webhooks/shopify`, { method: 'HEAD' })).status, 405);
});

test('a delivery of more than 5 MB is 413, with and without its length said before, and one of 5 MB is not', async () => {
  await using stage = await start();
  const largest = Buffer.from(`{"id":7,"x":"${'x'.repeat(5_000_000 - 15)}"}`);
  assert.equal(largest.length, 5_000_000);
  assert.equal((await stage.shopify('products/update', largest)).status, 200);
  const larger = Buffer.concat([largest, Buffer.from(' ')]);
  for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
    const sent = { ...stage.shopifyHeaders('products/update', larger), ...headers };
    assertRefused(
      await stage.post('shopify', larger, sent),
      413,
      'request_too_large',
      /larger than 5000000 bytes/,
    );
  }
  assert.equal(stage.invalidator.calls.length, 1);
});

test('of 50 MB no more is read than it takes to refuse them, and the server goes on', async () => {
  await using stage = await start();
  const { hostname, port } = new URL(stage.reprise.url);
  const socket = connect(Number(port), hostname);
  const closed = new Promise<string>((resolve) => {
    let seen = '';
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(seen));
  });
  socket.write(
    'POST /webhooks/shopify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n',
  );
  const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
  for (let sent = 0; sent < 50 && !socket.destroyed; sent++) {
    if (!socket.write(chunk)) await Promise.race([new Promise((next) => socket.once('drain', next)), closed]);
  }
  socket.end('0\r\n\r\n');
  assert.match(await within(closed, 'the end of the connection'), /^HTTP\/1\.1 413 |^$/);
  assert.equal((await stage.shopify('products/update', '{"id":7}')).status, 200);
});

test('WooCommerce: its ping is answered 200 and means nothing, and its sender speaks HTTP/1.0', async () => {
  await using stage = await start();
  const ping = await raw(stage.reprise.url, [
    'POST /webhooks/woo HTTP/1.0',
    'Host: shop.example',
    'User-Agent: WooCommerce/10.3 Hookshot (WordPress/6.9)',
    'Content-Type: application/x-www-form-urlencoded',
    'Content-Length: 12',
    '',
    'webhook_id=1',
  ]);
  assert.match(ping, /^HTTP\/1\.1 200 /);
  assert.match(ping, /"accepted":false/);
  assert.deepEqual(stage.invalidator.calls, []);

  const body = '{"id":794}';
  const deleted = await raw(stage.reprise.url, [
    'POST /webhooks/woo HTTP/1.0',
    'Host: shop.example',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'X-WC-Webhook-Topic: product.deleted',
    `X-WC-Webhook-Signature: ${base64Of(body)}`,
    'X-WC-Webhook-Delivery-ID: d1',
    '',
    body,
  ]);
  assert.match(deleted, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(deleted, /transfer-encoding: chunked/i);
  assert.match(deleted, /"tags":\["product:794"\]/);
});

test('every delivery is told, with what became of it and why, and no secret', async () => {
  await using stage = await start();
  await stage.shopify('products/update', '{"id":7}', 'd');
  await stage.shopify('products/update', '{"id":7}', 'd');
  await stage.shopify('orders/create', '{"id":7}');
  await stage.post('shopify', '{"id":7}', {});
  stage.invalidator.fault = new Error('no space left on device');
  await stage.shopify('products/update', '{"id":7}');
  const told = stage.reprise.events.filter((event) => event.kind === 'delivery');
  assert.deepEqual(
    told.map(({ outcome, event, invalidated, why }) => [outcome, event, invalidated, why]),
    [
      ['accepted', 'products/update', 3, undefined],
      ['duplicate', 'products/update', 0, undefined],
      ['unmatched', 'orders/create', 0, undefined],
      ['refused', undefined, 0, 'This delivery has no header x-shopify-hmac-sha256.'],
      ['failed', undefined, 0, 'no space left on device'],
    ],
  );
  assert.ok(!JSON.stringify(stage.reprise.events).includes(SECRET));
});

const NOTHING = { accepted: false, duplicate: false, tags: [], invalidated: 0 };

interface Stage extends AsyncDisposable {
  readonly reprise: TestReprise;
  readonly invalidator: RecordingInvalidator;
  post(name: string, body: string | Buffer, headers: Sent['headers']): Promise<Answer>;
  shopifyHeaders(topic: string, body: string | Buffer, id?: string): Record<string, string>;
  shopify(topic: string, body: string | Buffer, id?: string): Promise<Answer>;
  woo(topic: string, body: string, id: string): Promise<Answer>;
  /** Resolves when the invalidator has been called. */
  reached(): Promise<void>;
}

async function start(options: { folder?: string; clock?: Clock } = {}): Promise<Stage> {
  const invalidator = new RecordingInvalidator();
  const reprise = await startReprise({
    upstream: 'http://127.0.0.1:9/v1',
    profile: { webhooks: WEBHOOKS },
    invalidator,
    clock: systemClock,
    ...options,
  });
  const post: Stage['post'] = (name, body, headers) =>
    send(`${reprise.url}/webhooks/${name}`, {
      method: 'POST',
      body,
      headers: { authorization: undefined, ...headers },
    });
  const shopifyHeaders: Stage['shopifyHeaders'] = (topic, body, id = randomUUID()) => ({
    'x-shopify-topic': topic,
    'x-shopify-hmac-sha256': base64Of(body),
    'x-shopify-shop-domain': 'shop.myshopify.com',
    'x-shopify-api-version': '2026-10',
    'x-shopify-webhook-id': id,
  });
  return {
    reprise,
    invalidator,
    post,
    shopifyHeaders,
    shopify: (topic, body, id) => post('shopify', body, shopifyHeaders(topic, body, id)),
    woo: (topic, body, id) =>
      post('woo', body, {
        'x-wc-webhook-topic': topic,
        'x-wc-webhook-signature': base64Of(body),
        'x-wc-webhook-delivery-id': id,
      }),
    async reached() {
      while (invalidator.calls.length === 0) await new Promise((next) => setImmediate(next));
    },
    [Symbol.asyncDispose]: () => reprise[Symbol.asyncDispose](),
  };
}

function base64Of(body: string | Buffer, secret = SECRET): string {
  return createHmac('sha256', secret).update(body).digest('base64');
}

function hexOf(body: string): string {
  return createHmac('sha256', SECRET).update(body).digest('hex');
}

function assertRefused(answer: Answer, status: number, code: string, message: RegExp): void {
  assert.equal(answer.status, status, answer.body.toString());
  const { error } = JSON.parse(answer.body.toString());
  assert.deepEqual([error.code, error.type], [code, 'reprise_error']);
  assert.match(error.message, message);
}

/** Sends lines as they are, on a connection of its own, and gives all that comes back. */
function raw(url: string, lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let seen = '';
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(seen));
    socket.write(lines.join('\r\n'));
  });
}
