import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { seededRandom } from '../../src/demo/random.ts';
import { within } from '../support/deadline.ts';
import { chat, type Sent } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { setStage } from '../support/stage.ts';

const PRODUCTS = 8;
const ASKERS = 24;
const ASKED = 150;
const CHANGES = 200;

/** What is asked of a product: what the shop says of it, or what a model writes of it, as a stream or not. */
function questionOf(id: number, random: () => number): readonly [path: string, sent: Sent] {
  const headers = { authorization: undefined, ...(random() < 0.05 && { 'cache-control': 'no-cache' }) };
  if (random() < 0.4) return [`/catalog/${id}`, { headers }];
  const body = chat(`What does ${id} cost?`, { stream: random() < 0.8 });
  return ['/v1/chat/completions', { headers: { ...headers, 'x-cache-tags': `product:${id}` }, body }];
}

/** Writes of a product's price as it is now, piece by piece. */
async function writeProse(
  price: number,
  live: boolean,
  response: ServerResponse,
  random: () => number,
): Promise<void> {
  const text = `{"price":${price}}`;
  const head = { id: 'chatcmpl-1', created: 1, model: 'gpt-5-mini' };
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  if (!live) {
    const message = { role: 'assistant', content: text, refusal: null };
    await wait(random() * 4);
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    return sendJson(response, 200, { ...head, object: 'chat.completion', choices, usage });
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  const chunk = { ...head, object: 'chat.completion.chunk' };
  const deltas = [{ role: 'assistant', content: '' }, { content: text }, {}];
  for (const [at, delta] of deltas.entries()) {
    await wait(random() * 4);
    const choices = [{ index: 0, delta, finish_reason: at === 2 ? 'stop' : null }];
    response.write(`data: ${JSON.stringify({ ...chunk, choices, usage: null })}\n\n`);
  }
  response.end(`data: ${JSON.stringify({ ...chunk, choices: [], usage })}\n\ndata: [DONE]\n\n`);
}

/**
 * A shop whose prices change all the time, asked over two threads: each answer has the price that was true when its call was made.
 * Nobody who asks after a change has been invalidated may be told the price from before it.
 */
async function story(t: TestContext, seed: number, kills: number): Promise<void> {
  t.diagnostic(`seed ${seed}`);
  const random = seededRandom(seed);
  const workers: Worker[] = [];
  const listen = (worker: Worker) => workers.push(worker);
  process.on('worker', listen);
  t.after(() => process.off('worker', listen));
  await using stage = await setStage({
    workers: 2,
    profileFor: (origin) => ({
      upstreams: { shop: { base_url: origin } },
      memory: { max_entries: 6 },
      types: {
        products: { ttl: '1h', stale_while_revalidate: '1m' },
        llm_responses: { ttl: '1h' },
      },
      routes: [
        {
          name: 'product',
          match: { method: 'GET', path: '/catalog/{id}' },
          type: 'products',
          upstream: 'shop',
          tags: ['product:{id}'],
        },
      ],
    }),
  });
  const price = Array.from({ length: PRODUCTS }, () => 0);
  /** The price that was true when the last invalidation of a product had been answered. */
  const told = Array.from({ length: PRODUCTS }, () => 0);
  stage.upstream.answer(async ({ path, json }, response) => {
    if (path.endsWith('/chat/completions')) {
      const [, asked = ''] = /What does (\d+) cost/.exec(JSON.stringify(json())) ?? [];
      return await writeProse(price[Number(asked)] ?? 0, json().stream === true, response, random);
    }
    const id = Number(path.split('/').at(-1));
    const body = JSON.stringify({ price: price[id] });
    await wait(random() * 4);
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  });
  let broken = 0;
  const asks = Array.from({ length: ASKERS }, async () => {
    for (let at = 0; at < ASKED; at += 1) {
      const id = Math.floor(random() * PRODUCTS);
      const least = told[id] ?? 0;
      const answer = await stage.ask(...questionOf(id, random)).catch(() => undefined);
      if (answer === undefined) broken += 1;
      else {
        const [, got = Number.NaN] = /price\\*":(\d+)/.exec(answer.body.toString())?.map(Number) ?? [];
        assert.ok(
          got >= least,
          `product ${id}: ${got}, after ${least} had been told (${answer.headers.get('x-cache')})`,
        );
      }
      if (random() < 0.3) await wait(random() * 3);
    }
  });
  const changes = (async () => {
    for (let at = 0; at < CHANGES; at += 1) {
      const id = Math.floor(random() * PRODUCTS);
      const now = (price[id] ?? 0) + 1;
      price[id] = now;
      const body = random() < 0.5 ? { tags: `product:${id}` } : { type: ['products', 'llm_responses'] };
      const answer = await stage.ask('/cache/invalidate', { body }).catch(() => undefined);
      if (answer?.status === 200) told[id] = now;
      if (kills > 0 && at % Math.floor(CHANGES / (kills + 1)) === 7) await workers.at(-1)?.terminate();
      await wait(random() * 6);
    }
  })();
  await within(Promise.all([...asks, changes]), 'the story', 50_000);
  assert.ok(kills > 0 || broken === 0, `${broken} requests broke`);
  const outcomes = new Set(
    stage.reprise.events.flatMap((event) => (event.kind === 'answered' ? [event.outcome] : [])),
  );
  for (const outcome of ['HIT', 'MISS', 'COALESCED']) assert.ok(outcomes.has(outcome), [...outcomes].join());
}

for (let run = 0; run < 3; run += 1) {
  it('a purge is never undone by another thread, whatever is on its way', async (t) => {
    await story(t, randomInt(2 ** 31), 0);
  });
}

it('nor while threads end and are replaced', async (t) => {
  await story(t, randomInt(2 ** 31), 3);
});
