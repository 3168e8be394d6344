import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { converse } from '../../src/demo/customers.ts';
import { drawLoad } from '../../src/demo/load.ts';
import { startModel } from '../../src/demo/model.ts';
import { type Reprise, startReprise } from '../../src/demo/reprise.ts';
import { payloadOf, SENDERS } from '../../src/demo/sender.ts';
import { startShop } from '../../src/demo/shop.ts';
import { paceOf } from '../../src/demo/stand-in.ts';
import { noBrowser, type OpenPage, openPage, PATIENCE_MS } from '../support/browser.ts';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { chat } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { isQuiet, rows, says } from '../support/page.ts';
import { setStage } from '../support/stage.ts';

const BROWSER = { skip: noBrowser };
const QUESTIONS = 150;

test('under the load of the demo every panel shows what the running proxy tells', BROWSER, async (t) => {
  const { reprise, model, shop } = await startDemo(t);
  const open = await openPage(`${reprise.url}/dashboard`);
  t.after(() => open[Symbol.asyncDispose]());
  const { page } = open;
  await page.getByLabel('Admin token').fill(reprise.secrets.admin);
  await page.keyboard.press('Enter');
  await says(open, '#state-word', 'Live');

  const openai = new OpenAI({ baseURL: `${reprise.url}/v1`, apiKey: 'demo-key', maxRetries: 0 });
  const around = {
    openai,
    shopUrl: reprise.url,
    elapsed: () => performance.now(),
    onCall() {},
    signal: t.signal,
  };
  await converse(drawLoad(QUESTIONS, 1), 8, around, () => {});
  const repriced = shop.reprice('tent-skarv-2', 199);
  for (const sender of SENDERS) {
    const body = payloadOf(repriced);
    const headers = {
      ...sender.headers(body, reprise.secrets[sender.webhook]),
      'content-type': 'application/json',
    };
    const answer = await fetch(`${reprise.url}/webhooks/${sender.webhook}`, {
      method: 'POST',
      headers,
      body,
    });
    assert.equal(answer.status, 200, await answer.text());
  }
  const cache = await told(reprise, '/monitoring/cache');
  const number = (...path: string[]) => numberAt(cache, path);
  assert.ok(number('requests', 'total') > 3 * QUESTIONS && number('hit_rate') > 0.3);
  assert.ok(number('upstreams', 'shop', 'calls') >= shop.counted.products + shop.counted.search);
  assert.ok(model.counted.chat > 0);

  // The feed tells the last of it within a second.
  await says(open, '#tile-hit-rate', `of ${whole(number('requests', 'total'))} requests`);
  await says(open, '#tile-hit-rate', percent(number('hit_rate')));
  await says(open, '#tile-saved-usd', `${whole(number('saved', 'requests'))} calls not made`);
  const tokens = ['prompt', 'completion'].map((kind) => number('saved', `${kind}_tokens`));
  await says(open, '#tile-saved-tokens', `${whole(tokens[0])} in, ${whole(tokens[1])} out`);
  await shows(open, '#tile-saved-usd .figure', number('saved', 'usd'));
  await shows(open, '#tile-saved-tokens .figure', (tokens[0] ?? 0) + (tokens[1] ?? 0));
  await shows(open, '#tile-saved-time .figure', number('saved', 'upstream_ms'));
  await shows(open, '#tile-latency .figure', number('latency_ms', 'hit', 'p50'));
  await says(open, '#facts', 'Profile catalog');
  await says(open, '#upstreams', 'default: upshop: up');
  for (const [at, kind] of ['hit', 'miss', 'upstream'].entries()) {
    const cells = (await rows(open, '#percentiles'))[at] ?? [];
    for (const [column, name] of ['p50', 'p95', 'p99', 'max'].entries()) {
      isNear(cells[column + 1], number('latency_ms', kind, name), `${kind} ${name}`);
    }
  }
  const types = new Map((await rows(open, '#types-table')).map(([name = '', ...cells]) => [name, cells]));
  for (const name of ['embeddings', 'llm_responses', 'search_results', 'products']) {
    const [lifetime, rate, ...counts] = types.get(name) ?? [];
    isNear(lifetime, number('types', name, 'ttl_s') * 1_000, `${name} ttl`);
    assert.equal(rate, percent(number('types', name, 'hit_rate')));
    const fields = ['hits', 'partial', 'stale', 'coalesced', 'misses', 'bypassed', 'entries'];
    assert.deepEqual(
      counts.slice(0, -1),
      fields.map((field) => whole(number('types', name, field))),
      name,
    );
    isNear(counts.at(-1), number('types', name, 'bytes'), `${name} bytes`);
  }
  for (const [name = '', , rate, calls] of await rows(open, '#models-table')) {
    assert.deepEqual(
      [rate, calls],
      [percent(number('models', name, 'hit_rate')), whole(number('models', name, 'saved', 'requests'))],
      name,
    );
  }
  const [hottest] = await rows(open, '#top-keys');
  const [topKey] = listAt(cache, ['top_keys']);
  assert.equal(hottest?.[1], whole(numberAt(topKey, ['requests'])));
  assert.ok(String(valueAt(topKey, ['key'])).startsWith((hottest?.[0] ?? '-').replace('…', '')));

  const levels = listAt(await told(reprise, '/monitoring/cache/levels'), ['levels']);
  assert.equal(levels.length, 2);
  for (const level of levels) {
    const id = `#tier-${valueAt(level, ['level'])}`;
    for (const [label, field] of [
      ['Hits', 'hits'],
      ['Misses', 'misses'],
      ['Promotions', 'promotions'],
      ['Evictions', 'evictions'],
    ] as const) {
      await says(open, id, `${label}${whole(numberAt(level, [field]))}`);
    }
    await says(open, id, `Entries${whole(numberAt(level, ['entries']))}`);
  }
  const efficiency = await told(reprise, '/monitoring/cache/efficiency');
  await says(open, '#tile-score', String(valueAt(efficiency, ['score'])));
  await says(open, '#alerts', 'No alerts');
  for (const finding of listAt(efficiency, ['findings']))
    await says(open, '#findings', String(valueAt(finding, ['recommendation'])));

  const recent = await rows(open, '#recent');
  assert.equal(recent.length, 15);
  assert.ok(recent.every(([, outcome = '']) => ['hit', 'miss', 'coalesced', 'partial'].includes(outcome)));
  await until(
    async () => (await rows(open, '#deliveries')).length === SENDERS.length,
    'the deliveries',
    PATIENCE_MS,
  );
  assert.deepEqual(
    (await rows(open, '#deliveries')).map(([, webhook, event, outcome]) => [webhook, event, outcome]),
    SENDERS.map(({ webhook, event }) => [webhook, event, 'accepted']).reverse(),
  );
  const audit = listAt(await told(reprise, '/monitoring/invalidations'), ['invalidations']);
  await until(
    async () => (await rows(open, '#invalidations')).length === audit.length,
    'the invalidations',
    PATIENCE_MS,
  );
  const [latest] = await rows(open, '#invalidations');
  assert.deepEqual(latest?.slice(1, 3), [valueAt(audit[0], ['by']), 'tags product:tent-skarv-2']);

  const [found] = listAt(await told(reprise, '/monitoring/cache/entries?type=products&limit=1'), ['entries']);
  const key = String(valueAt(found, ['key']));
  const entry = () => fetch(`${reprise.url}/monitoring/cache/entries/${key}`, { headers: signed(reprise) });
  assert.equal((await entry()).status, 200);
  await page.locator('#search input[name=pattern]').fill(key);
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await page.getByText('1 entry shown.').waitFor();
  await page.getByRole('button', { name: `Purge ${key}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Purge 1 entry' }).click();
  await page.getByText('1 entry purged.').waitFor();
  assert.equal((await entry()).status, 404);
  isQuiet(open, reprise.url);
});

test('what a type in mode shadow would save is told beside what is saved', BROWSER, async () => {
  await using stage = await setStage({ profile: { types: { llm_responses: { mode: 'shadow' } } } });
  for (let again = 0; again < 4; again += 1) await stage.ask('/v1/chat/completions', { body: chat('one') });
  await using open = await openPage(`${stage.reprise.url}/dashboard`);
  await says(open, '#tile-saved-shadow', '3 calls of types in mode shadow');
  await says(open, '#tile-saved-usd', '0 calls not made');
  const names = (await rows(open, '#types-table')).map(([name]) => name);
  assert.ok(names.includes('llm_responses · shadow') && names.includes('embeddings'));
});

test('an alert of the running proxy appears and clears', BROWSER, async () => {
  const clock = new ManualClock();
  await using stage = await setStage({ clock });
  await using open = await openPage(`${stage.reprise.url}/dashboard`);
  await says(open, '#state-word', 'Live');
  await says(open, '#alerts', 'No alerts');
  const ask = async (text: string) => (await stage.ask('/v1/chat/completions', { body: chat(text) })).status;
  stage.upstream.answer((_request, response) => sendJson(response, 500, { error: { message: 'no' } }));
  for (let failed = 0; failed < 5; failed += 1) assert.equal(await ask(`${failed}`), 500);
  clock.advance(10_000);
  await says(open, '#alerts', 'criticaldefault: ');
  await says(open, '#upstreams', 'default: down');
  stage.upstream.answer(undefined);
  assert.equal(await ask('at last'), 200);
  clock.advance(15_000);
  await says(open, '#alerts', 'No alerts');
  isQuiet(open, stage.reprise.url);
});

/** The stand-ins of the demo, in a hurry, and the proxy in a process of its own; all end with the test. */
async function startDemo(t: TestContext) {
  const pace = paceOf(20);
  const model = await startModel(pace);
  t.after(model.close);
  const shop = await startShop(pace);
  t.after(shop.close);
  const reprise = await startReprise({
    command: [process.execPath, 'src/main.ts'],
    modelUrl: `${model.url}/v1`,
    shopUrl: shop.url,
    dataDir: tempFolder(),
    env: process.env,
    signal: t.signal,
  });
  t.after(reprise.close);
  return { reprise, model, shop };
}

function signed({ secrets }: Reprise): Record<string, string> {
  return { authorization: `Bearer ${secrets.admin}` };
}

async function told(reprise: Reprise, path: string): Promise<unknown> {
  const answer = await fetch(reprise.url + path, { headers: signed(reprise) });
  assert.equal(answer.status, 200, path);
  return await answer.json();
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined),
    value,
  );
}

function listAt(value: unknown, path: readonly string[]): readonly unknown[] {
  const found = valueAt(value, path);
  assert.ok(Array.isArray(found), path.join('.'));
  return found;
}

function numberAt(value: unknown, path: readonly string[]): number {
  const found = valueAt(value, path);
  assert.ok(typeof found === 'number', path.join('.'));
  return found;
}

const wholes = new Intl.NumberFormat('en-US');
const whole = (value = Number.NaN) => wholes.format(value);
const shares = new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 1 });
const percent = (value: number) => shares.format(value);

/** Passes as soon as the figure that an element shows is this one. */
async function shows({ page }: OpenPage, selector: string, value: number): Promise<void> {
  let last = '';
  await until(
    async () => {
      last = (await page.locator(selector).textContent()) ?? '';
      return isShown(last, value);
    },
    selector,
    PATIENCE_MS,
  ).catch(() => assert.fail(`${selector} shows ${last}, and never ${value}`));
}

function isNear(text: string | undefined, value: number, what: string): void {
  assert.ok(isShown(text ?? '', value), `${what}: ${text} for ${value}`);
}

/** Whether a text says this figure, to the three digits that it has. */
function isShown(text: string, value: number): boolean {
  const [, said = '', unit = ''] = /^\$?([\d,.]+) ?(\D*)$/.exec(text) ?? [];
  const shown = Number(said.replaceAll(',', '')) * (UNITS.get(unit) ?? Number.NaN);
  return Math.abs(shown - value) <= Math.abs(value) * 0.006 + 1e-4;
}

/** Of durations in milliseconds, and of sizes in bytes. */
const UNITS = new Map([
  ['', 1],
  ['µs', 0.001],
  ['ms', 1],
  ['s', 1_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['B', 1],
  ['kB', 1e3],
  ['MB', 1e6],
]);
