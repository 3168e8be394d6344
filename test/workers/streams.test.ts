import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { until, within } from '../support/deadline.ts';
import { chat, open, type Sent, type Streaming } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { cacheOf } from '../support/shop.ts';
import { closed, type Stage, type StageOptions, setStage } from '../support/stage.ts';

const CHAT = '/v1/chat/completions';
/** So many connections reach all threads. */
const MANY = 24;

/** Opens so many streams, one after the other, each over a connection of its own. */
function openMany(stage: Stage, count: number, content: string, sent: Sent = {}): Promise<Streaming[]> {
  const body = chat(content, { stream: true });
  return within(
    Promise.all(Array.from({ length: count }, () => open(stage.reprise.url + CHAT, { body, ...sent }))),
    'all heads',
    20_000,
  );
}

async function textOf({ chunks }: Streaming): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk.toString();
  return text;
}

/** Reads a stream's first bytes; the rest is for whoever goes on. */
async function first({ chunks }: Streaming): Promise<AsyncIterator<Buffer>> {
  const reading = chunks[Symbol.asyncIterator]();
  const { value } = await within(reading.next(), 'the first bytes');
  assert.match(String(value), /^data: /);
  return reading;
}

async function rest(reading: AsyncIterator<Buffer>): Promise<string> {
  let text = '';
  for (;;) {
    const { done, value } = await within(reading.next(), 'the rest');
    if (done) return text;
    text += value.toString();
  }
}

/** Resolves when so many requests are being answered, and every thread has had its turn with what had come to it. */
async function waiting(stage: Stage, count: number): Promise<void> {
  await within(stage.running(count), `${count} requests`);
  for (let at = 0; at < MANY; at += 1) await stage.ask('/health/live');
}

const threads = (workers: number, more: StageOptions = {}) => setStage({ workers, ...more });

for (const workers of [2, 3])
  describe(`${workers} threads`, () => {
    it('make one call of 100 identical streams, which all begin at once and are the same to the byte', async () => {
      await using stage = await threads(workers);
      for (let round = 1; round <= 5; round += 1) {
        const gate = stage.upstream.holdChunks(1);
        const streams = await openMany(stage, 100, `round ${round}`);
        const readings = await Promise.all(streams.map(first));
        assert.equal(stage.upstream.calls.length, round);
        gate.release();
        const texts = new Set(await Promise.all(readings.map(rest)));
        assert.equal(texts.size, 1);
        assert.ok([...texts][0]?.endsWith('data: [DONE]\n\n'));
        const told = streams.map(({ headers }) => headers.get('x-cache'));
        assert.equal(told.filter((word) => word === 'MISS').length, 1);
        assert.equal(told.filter((word) => word === 'COALESCED').length, 99);
        const own = streams.filter(({ headers }) => headers.has('x-ratelimit-remaining-requests'));
        assert.ok(own.length <= 1);
      }
    });

    it('make one call of streams that all come before the upstream has said anything, or go on coming while it does', async () => {
      await using stage = await threads(workers);
      const gate = stage.upstream.hold();
      const early = Array.from({ length: 60 }, () => stage.ask(CHAT, { body: chat('x', { stream: true }) }));
      await waiting(stage, 60);
      gate.release();
      for (const { status } of await Promise.all(early)) assert.equal(status, 200);
      assert.equal(stage.upstream.calls.length, 1);
      for (let round = 2; round < 12; round += 1) {
        const body = chat(`straggling ${round}`, { stream: true });
        await Promise.all(
          Array.from({ length: 60 }, async (_, at) => {
            await new Promise((resolve) => setTimeout(resolve, at / 4));
            await stage.ask(CHAT, { body });
          }),
        );
        assert.equal(stage.upstream.calls.length, round);
      }
    });
  });

describe('a stream that another thread fetches', () => {
  it('is a hit for whoever asks after its last byte, and counts as spared for who followed it', async () => {
    await using stage = await threads(2);
    for (let round = 0; round < 10; round += 1) {
      const body = chat(`round ${round}`, { stream: true });
      await Promise.all(
        Array.from({ length: MANY }, async () => {
          await stage.ask(CHAT, { body });
          assert.equal(cacheOf(await stage.ask(CHAT, { body })), 'HIT');
        }),
      );
    }
    assert.equal(stage.upstream.calls.length, 10);
    const { saved, upstreams } = (await stage.ask('/monitoring/cache')).json() as {
      saved: { requests: number };
      upstreams: object;
    };
    assert.equal(saved.requests, 10 * (2 * MANY - 1), JSON.stringify(upstreams));
    const calls = stage.reprise.events.filter(({ kind }) => kind === 'fetched');
    assert.equal(calls.length, 10);
  });

  it('is taken over by JSON callers, and no other thread than its own makes a call for them', async () => {
    await using stage = await threads(2);
    const gate = stage.upstream.holdChunks(1);
    const streams = await openMany(stage, MANY, 'x');
    const whole = Array.from({ length: MANY }, () => stage.ask(CHAT, { body: chat('x') }));
    await waiting(stage, 2 * MANY);
    gate.release();
    await Promise.all(streams.map(textOf));
    for (const { status } of await within(Promise.all(whole), 'all of them')) assert.equal(status, 200);
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('takes the place of a JSON call, once for all threads', async () => {
    await using stage = await threads(3);
    const gate = stage.upstream.hold();
    const whole = Array.from({ length: MANY }, () => stage.ask(CHAT, { body: chat('x') }));
    await within(stage.running(MANY), 'who wants JSON');
    await within(gate.arrived(1), 'the JSON call');
    const streams = Array.from({ length: 2 * MANY }, () =>
      stage.ask(CHAT, { body: chat('x', { stream: true }) }),
    );
    await waiting(stage, 3 * MANY);
    await within(gate.arrived(2), 'the stream');
    gate.release();
    await within(Promise.all([...whole, ...streams]), 'all of them');
    assert.equal(stage.upstream.calls.length, 2);
  });

  it('is what each asked for: whoever wants its usage has it, and nobody else', async () => {
    await using stage = await threads(2);
    const gate = stage.upstream.holdChunks(1);
    const plain = openMany(stage, MANY, 'x');
    const counted = openMany(stage, MANY, 'x', {
      body: chat('x', { stream: true, stream_options: { include_usage: true } }),
    });
    const streams = [await plain, await counted] as const;
    gate.release();
    for (const [at, texts] of (
      await Promise.all(streams.map((all) => Promise.all(all.map(textOf))))
    ).entries()) {
      assert.equal(new Set(texts).size, 1);
      assert.equal(/"usage":\{/.test(texts[0] ?? ''), at === 1);
    }
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('is not followed by who would be repeated another’s metadata', async () => {
    await using stage = await threads(2);
    const ask = (topic: string) => ({
      model: 'm',
      input: 'x',
      stream: true,
      store: false,
      metadata: { topic },
    });
    const gate = stage.upstream.holdChunks(1);
    const asked = Array.from({ length: 2 * MANY }, async (_, at) => {
      const topic = `topic-${at % 2}`;
      const stream = await open(`${stage.reprise.url}/v1/responses`, { body: ask(topic) });
      return { topic, stream };
    });
    const streams = await within(Promise.all(asked), 'all heads', 20_000);
    gate.release();
    for (const { topic, stream } of streams) {
      const text = await textOf(stream);
      assert.ok(text.includes(topic) && !text.includes(topic === 'topic-0' ? 'topic-1' : 'topic-0'));
    }
  });

  it('goes on for who is left: whoever goes away harms nobody, in which thread they may be', async () => {
    await using stage = await threads(2);
    for (let round = 1; round <= 6; round += 1) {
      const gate = stage.upstream.holdChunks(1);
      const streams = await openMany(stage, MANY, `round ${round}`);
      const readings = await Promise.all(streams.map(first));
      // Who made the call leaves, and most of the others.
      const stays = streams.findIndex(({ headers }) => headers.get('x-cache') === 'COALESCED') + round;
      for (const [at, stream] of streams.entries()) if (at !== stays) stream.leave();
      await within(stage.running(1), 'the one that is left');
      gate.release();
      const last = readings[stays] ?? assert.fail();
      assert.ok((await rest(last)).endsWith('data: [DONE]\n\n'));
      assert.equal(stage.upstream.calls.length, round);
      assert.equal(cacheOf(await stage.ask(CHAT, { body: chat(`round ${round}`) })), 'HIT');
    }
  });

  it('is given up when the last of all threads has left', async () => {
    await using stage = await threads(2);
    stage.upstream.holdChunks(1);
    const streams = await openMany(stage, MANY, 'x');
    assert.equal(stage.upstream.sockets(), 1);
    for (const stream of streams) stream.leave();
    await until(() => stage.upstream.sockets() === 0, 'no call any more');
  });

  it('is given up when all have left before it began', async () => {
    await using stage = await threads(2);
    const gate = stage.upstream.hold();
    const leaves: (() => void)[] = [];
    const body = chat('x', { stream: true });
    const asked = Array.from({ length: MANY }, () =>
      open(stage.reprise.url + CHAT, { body }, (leave) => leaves.push(leave)).catch(() => undefined),
    );
    await within(gate.arrived(1), 'the call');
    await within(stage.running(MANY), 'all of them');
    for (const leave of leaves) leave();
    await Promise.all(asked);
    await until(() => stage.upstream.sockets() === 0, 'no call any more');
  });

  it('comes whole to a slow reader, and to all others sooner, also where it is more than is kept', async () => {
    const profile = { server: { max_entry: '1MB' } };
    await using stage = await threads(2, { profile });
    const piece = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content: 'x'.repeat(60_000) }, finish_reason: null }] })}\n\n`;
    const gate = stage.upstream.hold();
    stage.upstream.answer(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let at = 0; at < 400; at += 1) {
        if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve));
      }
      response.end('data: [DONE]\n\n');
    }, '/chat/completions');
    const asked = openMany(stage, MANY, 'x');
    await waiting(stage, MANY);
    gate.release();
    const streams = await asked;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().external + process.memoryUsage().arrayBuffers);
    }, 20);
    const texts = await within(
      Promise.all(
        streams.map(async ({ chunks }, at) => {
          let size = 0;
          let end = '';
          for await (const chunk of chunks) {
            size += chunk.length;
            end = chunk.toString().slice(-14);
            if (at % 5 === 0 && size % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
          }
          return `${size} ${end}`;
        }),
      ),
      'all of it',
      60_000,
    );
    clearInterval(watch);
    assert.deepEqual([...new Set(texts)], [`${400 * piece.length + 14} data: [DONE]\n\n`]);
    assert.equal(stage.upstream.calls.length, 1);
    assert.ok(most < 400_000_000, `${most} bytes`);
  });

  it('breaks for all where the upstream breaks it, and is not stored', async () => {
    await using stage = await threads(2);
    const gate = stage.upstream.hold();
    stage.upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[]}\n\n', () => setTimeout(() => response.destroy(), 50));
    }, '/chat/completions');
    const asked = openMany(stage, MANY, 'x');
    await waiting(stage, MANY);
    gate.release();
    const settled = await within(Promise.allSettled((await asked).map(textOf)), 'all ends');
    assert.ok(settled.every(({ status }) => status === 'rejected'));
    assert.equal(stage.upstream.calls.length, 1);
  });

  for (const [what, status, body] of [
    ['429', 429, { error: { message: 'slow down' } }],
    ['500', 500, { error: { message: 'broken' } }],
    ['JSON', 200, { id: 'c', object: 'chat.completion', choices: [] }],
  ] as const) {
    it(`that turns out to be ${what} reaches who asked in its own thread; the others make one call a thread`, async () => {
      await using stage = await threads(3, { upstreamSettings: { breaker: { failures: 1000 } } });
      stage.upstream.answer((_request, response) => sendJson(response, status, body), '/chat/completions');
      for (let round = 1; round <= 4; round += 1) {
        const before = stage.upstream.calls.length;
        const gate = stage.upstream.hold();
        const asked = Array.from({ length: 60 }, () =>
          stage.ask(CHAT, { body: chat(`round ${round}`, { stream: true }) }),
        );
        await waiting(stage, 60);
        gate.release();
        for (const answer of await within(Promise.all(asked), 'all answers')) {
          assert.equal(answer.status, status);
          assert.deepEqual(answer.json(), body);
        }
        const calls = stage.upstream.calls.length - before;
        assert.ok(calls <= 3, `${calls} calls`);
      }
    });
  }

  it('that turns out to be a whole answer serves those who follow it, too', async () => {
    await using stage = await threads(3);
    const choices = [
      { index: 0, message: { role: 'assistant', content: 'hi', refusal: null }, finish_reason: 'stop' },
    ];
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const whole = { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices, usage };
    stage.upstream.answer((_request, response) => sendJson(response, 200, whole), '/chat/completions');
    const gate = stage.upstream.hold();
    const asked = Array.from({ length: 60 }, () => stage.ask(CHAT, { body: chat('x', { stream: true }) }));
    await waiting(stage, 60);
    gate.release();
    const answers = await within(Promise.all(asked), 'all answers');
    assert.equal(stage.upstream.calls.length, 1);
    for (const { body } of answers) assert.ok(body.toString().endsWith('data: [DONE]\n\n'));
  });

  it('serves nobody who asks after a purge, and goes on for those who asked before', async () => {
    await using stage = await threads(2);
    const tagged = { 'x-cache-tags': 'lamp' };
    for (let round = 1; round <= 4; round += 1) {
      const gate = stage.upstream.holdChunks(1);
      const before = await openMany(stage, MANY, `round ${round}`, { headers: tagged });
      const calls = stage.upstream.calls.length;
      await stage.ask('/cache/invalidate', { body: { tags: 'lamp' } });
      const after = await openMany(stage, MANY, `round ${round}`, { headers: tagged });
      const later = stage.upstream.calls.length - calls;
      assert.equal(later, 1);
      gate.release();
      for (const text of await Promise.all([...before, ...after].map(textOf)))
        assert.ok(text.endsWith('data: [DONE]\n\n'));
      assert.equal(cacheOf(await stage.ask(CHAT, { body: chat(`round ${round}`) })), 'HIT');
    }
  });

  it('is purged by every tag that anybody who followed it gave, whenever they came', async () => {
    await using stage = await threads(2);
    for (let round = 0; round < 6; round += 1) {
      const gate = stage.upstream.holdChunks(1);
      const body = chat(`round ${round}`, { stream: true });
      const streams = await within(
        Promise.all(
          Array.from({ length: MANY }, (_, at) =>
            open(stage.reprise.url + CHAT, { body, headers: { 'x-cache-tags': `said-${round}-${at}` } }),
          ),
        ),
        'all heads',
      );
      gate.release();
      // Some come while it ends.
      const late = Array.from({ length: MANY }, (_, at) =>
        stage.ask(CHAT, { body, headers: { 'x-cache-tags': `late-${round}-${at}` } }),
      );
      await Promise.all([...streams.map(textOf), ...late]);
      const { entries } = (await stage.ask('/monitoring/cache/entries')).json();
      assert.ok(Array.isArray(entries) && entries.length === 1 + round);
      for (let at = 0; at < MANY; at += 1) {
        for (const tag of [`said-${round}-${at}`, `late-${round}-${at}`]) {
          const dry = await stage.ask('/cache/invalidate', { body: { tags: tag, dry_run: true } });
          assert.equal(dry.json().matched, 1, tag);
        }
      }
    }
  });
});

/** The threads that are started from now on. */
function started(t: TestContext): Worker[] {
  const workers: Worker[] = [];
  const listen = (worker: Worker) => workers.push(worker);
  process.on('worker', listen);
  t.after(() => process.off('worker', listen));
  return workers;
}

describe('a thread that ends', () => {
  it('breaks the streams that others followed, and what had not begun is fetched anew, once', async (t) => {
    const workers = started(t);
    await using stage = await threads(2);
    for (let round = 0; round < 6; round += 1) {
      const isBegun = round % 2 === 0;
      const gate = isBegun ? stage.upstream.holdChunks(1) : stage.upstream.hold();
      const body = chat(`round ${round}`, { stream: true });
      const before = stage.upstream.calls.length;
      const asked = Array.from({ length: MANY }, async () => {
        const stream = await open(stage.reprise.url + CHAT, { body });
        return await textOf(stream);
      });
      const settled = Promise.allSettled(asked);
      await waiting(stage, MANY);
      assert.equal(stage.upstream.calls.length, before + 1);
      await workers.at(-1)?.terminate();
      gate.release();
      const answers = await within(settled, 'what becomes of them', 10_000);
      const whole = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      for (const text of whole) assert.ok(text.endsWith('data: [DONE]\n\n'));
      if (!isBegun) assert.ok(whole.length > 0);
      assert.ok(stage.upstream.calls.length <= before + 2);
      await until(
        () =>
          stage.ask('/health/ready').then(
            ({ status, json }) =>
              status === 200 && JSON.stringify(json()).includes('"workers":{"state":"ok"'),
            () => false,
          ),
        'another thread',
        20_000,
      );
    }
  });

  it('at a stop lets who follows it finish', async () => {
    await using stage = await threads(2);
    const gate = stage.upstream.holdChunks(1);
    const streams = await openMany(stage, MANY, 'x');
    const readings = await Promise.all(streams.map(first));
    // Only one that follows is left.
    const stays = streams.map(({ headers }) => headers.get('x-cache')).lastIndexOf('COALESCED');
    for (const [at, stream] of streams.entries()) if (at !== stays) stream.leave();
    await within(stage.running(1), 'the one that is left');
    const stopped = stage.reprise.stop();
    await closed(stage);
    gate.release();
    assert.ok((await rest(readings[stays] ?? assert.fail())).endsWith('data: [DONE]\n\n'));
    await within(stopped, 'the stop');
  });
});
