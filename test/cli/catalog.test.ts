import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { type Answer, chat, send } from '../support/http.ts';
import { type ServerProcess, startServer } from '../support/server/process.ts';
import { answerAsShop, cacheOf, traced } from '../support/shop.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const SECRETS = {
  SHOPIFY_SECRET: 'shpss_0123456789abcdef',
  WOOCOMMERCE_SECRET: 'woo-0123456789abcdef',
  REPRISE_ADMIN_TOKEN: 'correct-horse-battery',
};

const prices = new Map([
  [7, 70],
  [8, 80],
  [9, 90],
]);
let upstream: Upstream;
let server: ServerProcess;
let env: Record<string, string>;

before(async () => {
  upstream = await startUpstream();
  answerAsShop(upstream, prices);
  env = {
    PATH: process.env.PATH ?? '',
    CATALOG_MODEL_URL: upstream.url,
    CATALOG_SHOP_URL: upstream.origin,
    ...SECRETS,
  };
  server = await startServer({ extends: 'catalog', log: { level: 'debug' } }, tempFolder(), env);
});
after(async () => {
  assert.equal(await server.stop(), 0);
  await upstream.close();
});

describe('profiles/catalog.yaml on a running server, from a shell', () => {
  it('reprise webhook send: an update takes the product, its searches and the answers written from them, and nothing else', async () => {
    for (const [name, event] of [
      ['shopify', 'products/update'],
      ['woocommerce', 'product.updated'],
    ] as const) {
      await stock();
      const all = await keys();
      const concerned = await keys('&tag=product:7');
      assert.equal(concerned.length, 3);
      const sent = await run([
        'webhook',
        'send',
        name,
        '--profile',
        'catalog',
        '--event',
        event,
        '--data',
        '{"id":7}',
      ]);
      assert.equal(sent.status, 0, sent.err);
      assert.match(
        sent.out,
        /^200 \{.*"accepted":true,"duplicate":false,"tags":\["product:7"\],"invalidated":3\}\n$/,
      );
      assert.deepEqual(
        await keys(),
        all.filter((key) => !concerned.includes(key)),
      );
      prices.set(7, (prices.get(7) ?? 0) - 5);
      assert.equal((await product(7)).json().price, prices.get(7));
    }
  });

  it('an update of a variation, of which WooCommerce tells under its own id, takes what speaks of its product', async () => {
    await stock();
    const concerned = await keys('&tag=product:7');
    const sent = await run([
      ...['webhook', 'send', 'woocommerce', '--profile', 'catalog', '--event', 'product.updated'],
      ...['--data', '{"id":71,"type":"variation","parent_id":7}'],
    ]);
    assert.match(sent.out, /^200 .*"tags":\["product:71","product:7"\],"invalidated":3\}/);
    const left = await keys();
    assert.deepEqual(
      concerned.filter((key) => left.includes(key)),
      [],
    );
  });

  it('a new product expires the searches, which could not find it, and purges nothing', async () => {
    await stock();
    const sent = await run([
      ...['webhook', 'send', 'shopify', '--profile', 'catalog', '--event', 'products/create'],
      ...['--data', '{"id":10}'],
    ]);
    assert.match(sent.out, /^200 .*"tags":\["product:10"\],"invalidated":2\}/);
    assert.equal(cacheOf(await search('7,8')), 'MISS');
    assert.equal(cacheOf(await product(7)), 'HIT');
  });

  it('reprise invalidate: a dry run, a purge and its trace in the log, with the token and not without', async () => {
    await stock();
    const dry = await run(['invalidate', '--tag', 'product:8', '--dry-run']);
    assert.deepEqual([dry.status, dry.out.split('\n')[0]], [0, 'would purge 5 entries']);
    const purged = await run(['invalidate', '--tag', 'product:8', '--type', 'products', '--json']);
    assert.equal(purged.status, 0, purged.err);
    const { id, invalidated } = JSON.parse(purged.out);
    assert.equal(invalidated, 1);
    assert.equal(cacheOf(await product(8)), 'MISS');
    const { invalidations } = (await control('/monitoring/invalidations?limit=1')).json();
    const [latest] = invalidations as { id: string; by: string; invalidated: number }[];
    assert.deepEqual([latest?.id, latest?.by, latest?.invalidated], [id, 'api', 1]);

    const { REPRISE_ADMIN_TOKEN: _, ...none } = env;
    assert.equal((await run(['invalidate', '--tag', 'a'], none)).status, 1);
    assert.equal((await run(['invalidate', '--type', 'product'])).status, 2);
    assert.equal((await run(['invalidate'])).status, 2);
  });

  it('what another secret has signed is refused, and no secret is in the log', async () => {
    const forged = await run(
      [
        'webhook',
        'send',
        'shopify',
        '--profile',
        'catalog',
        '--event',
        'products/update',
        '--data',
        '{"id":7}',
      ],
      { ...env, SHOPIFY_SECRET: 'another one' },
    );
    assert.equal(forged.status, 1);
    assert.match(forged.out, /^401 /);
    assert.match(server.log(), /shopify/);
    for (const secret of Object.values(SECRETS)) assert.ok(!server.log().includes(secret));
  });
});

/** Fills the cache with what concerns the products 7 to 9, and an answer that was written from no product. */
async function stock(): Promise<void> {
  for (const id of prices.keys()) await product(id);
  for (const [ids, question] of [
    ['7,8', 'Which is the better one?'],
    ['8,9', 'And of these?'],
  ] as const) {
    const trace = randomBytes(16).toString('hex');
    await search(ids, trace);
    await ask(question, trace);
  }
  await ask('How are you?');
}

function product(id: number): Promise<Answer> {
  return send(`${server.url}/catalog/products/${id}`, { headers: { authorization: undefined } });
}

function search(ids: string, trace?: string): Promise<Answer> {
  const headers = { authorization: undefined, ...traced(trace) };
  return send(`${server.url}/catalog/search?ids=${ids}`, { headers });
}

function ask(question: string, trace?: string): Promise<Answer> {
  return send(`${server.url}/v1/chat/completions`, { body: chat(question), headers: traced(trace) });
}

function control(path: string): Promise<Answer> {
  return send(server.url + path, { headers: { authorization: `Bearer ${SECRETS.REPRISE_ADMIN_TOKEN}` } });
}

async function keys(filter = ''): Promise<readonly string[]> {
  const { entries } = (await control(`/monitoring/cache/entries?limit=1000${filter}`)).json();
  return (entries as readonly { key: string }[]).map(({ key }) => key).sort();
}

async function run(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = env,
): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    env: { ...environment, REPRISE_URL: server.url },
    cwd: tempFolder(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const [[status], out, err] = await within(
    Promise.all([ended, text(child.stdout), text(child.stderr)]),
    argv.join(' '),
    20_000,
  );
  return { status, out, err };
}
