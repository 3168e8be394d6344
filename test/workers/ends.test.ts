import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { until, within } from '../support/deadline.ts';
import { type Answer, chat, open, type Sent } from '../support/http.ts';
import { cacheOf } from '../support/shop.ts';
import { closed, type Stage, setStage } from '../support/stage.ts';

const CHAT = '/v1/chat/completions';
const MANY = 24;

/** The threads that are started from now on. */
function threads(t: TestContext): Worker[] {
  const started: Worker[] = [];
  const listen = (worker: Worker) => started.push(worker);
  process.on('worker', listen);
  t.after(() => process.off('worker', listen));
  return started;
}

/** What `x-cache` says, if anything, in an answer to another process, for which this thread waits without doing anything else. */
function askedAside(url: string, { body, headers }: Sent): string | undefined {
  const script = `
    const [url, sent] = process.argv.slice(1);
    fetch(url, JSON.parse(sent)).then(({ headers }) => console.log(headers.get('x-cache')), () => {});`;
  const sent = {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json', ...headers },
  };
  const args = ['-e', script, url, JSON.stringify(sent)];
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 3_000 }).stdout.trim() || undefined;
}

async function state(stage: Stage): Promise<string | undefined> {
  const { checks } = (await stage.ask('/health/ready')).json() as {
    checks: Record<string, { state: string }>;
  };
  return checks.workers?.state;
}

/** Resolves when all threads that ended have been replaced. */
async function otherThreads(stage: Stage): Promise<void> {
  const isWell = () =>
    state(stage).then(
      (said) => said === 'ok',
      () => false,
    );
  await until(isWell, 'other threads', 20_000);
}

describe('a thread that ends by itself', () => {
  it('is replaced, and only those who were connected with it notice', async (t) => {
    const workers = threads(t);
    await using stage = await setStage({ workers: 2 });
    for (let round = 0; round < 3; round += 1) {
      const gate = stage.upstream.hold();
      const asked = Promise.allSettled(
        Array.from({ length: 40 }, () => stage.ask(CHAT, { body: chat(`round ${round}`) })),
      );
      await within(stage.running(40), 'all of them');
      await within(gate.arrived(1), 'the call');
      await workers.at(-1)?.terminate();
      // Where it was that one that fetched, another one does now.
      gate.release();
      const settled = await within(asked, 'what becomes of them');
      const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      assert.ok(answers.length > 0 && answers.length < 40, `${answers.length} answers`);
      assert.ok(answers.every(({ status }) => status === 200));
      await until(async () => (await state(stage)) === 'ok', 'another thread', 20_000);
      assert.equal(workers.length, 3 + round);
    }
    const { events } = stage.reprise;
    assert.equal(events.filter(({ kind }) => kind === 'degraded').length, 3);
    assert.equal(events.filter(({ kind }) => kind === 'recovered').length, 3);
  });

  it('leaves nothing behind: neither its L1 in the catalog, nor its places at an upstream, nor what it counted', async (t) => {
    const workers = threads(t);
    await using stage = await setStage({
      workers: 2,
      profile: { disk: { max_bytes: 0 }, memory: { max_entries: 4 } },
      upstreamSettings: { concurrency: { max: 1 } },
    });
    const ask = (content: string): Promise<Answer> => stage.ask(CHAT, { body: chat(content) });
    const gate = stage.upstream.hold();
    const held = Promise.allSettled(Array.from({ length: 12 }, (_, at) => ask(`held ${at}`)));
    await within(gate.arrived(1), 'the one call');
    for (const worker of [...workers]) await worker.terminate();
    await held;
    gate.release();
    await until(
      () =>
        ask('after').then(
          ({ status }) => status === 200,
          () => false,
        ),
      'a thread, and its turn',
      20_000,
    );
    const { entries } = (await stage.ask('/monitoring/cache/entries')).json();
    assert.ok(Array.isArray(entries) && entries.length <= 2, `${JSON.stringify(entries)}`);
  });

  it('loses no invalidation, and nothing that traces were told: the next one knows all of that', async (t) => {
    const workers = threads(t);
    await using stage = await setStage({ workers: 2 });
    const tagged = { body: chat('x'), headers: { 'x-cache-tags': 'lamp' } };
    const trace = { 'x-cache-trace': 'old' };
    for (let at = 0; at < MANY; at += 1) await stage.ask(CHAT, tagged);
    await stage.ask('/v1/vector_stores/vs/search', { body: { query: 'lamps' }, headers: trace });
    await stage.ask('/cache/invalidate', { body: { tags: 'lamp' } });
    for (const worker of [...workers]) await worker.terminate();
    await otherThreads(stage);
    const answers = [];
    for (let at = 0; at < MANY; at += 1) answers.push(cacheOf(await stage.ask(CHAT, tagged)));
    assert.deepEqual([answers[0], new Set(answers.slice(1))], ['MISS', new Set(['HIT'])]);
    const prose = async () => cacheOf(await stage.ask(CHAT, { body: chat('prose'), headers: trace }));
    assert.deepEqual([await prose(), await prose()], ['MISS', 'HIT']);
    await stage.ask('/cache/invalidate', { body: { tags: 'vector_store:vs' } });
    assert.equal(await prose(), 'MISS');
  });

  it('has been heard to its last word: a purge finds what a call has just said of an answer', async (t) => {
    const workers = threads(t);
    await using stage = await setStage({ workers: 2 });
    const url = stage.reprise.url + CHAT;
    const body = chat('x');
    for (let at = 0; at < MANY; at += 1) await stage.ask(CHAT, { body });
    // Meanwhile the hub, which is this very thread, hears nothing.
    assert.equal(askedAside(url, { body, headers: { 'x-cache-tags': 'lamp' } }), 'HIT');
    for (const worker of [...workers]) void worker.terminate();
    askedAside(url, { body });
    await otherThreads(stage);
    await stage.ask('/cache/invalidate', { body: { tags: 'lamp' } });
    assert.equal(cacheOf(await stage.ask(CHAT, { body })), 'MISS');
  });

  it('forgets no write to a vector store: the next one keeps none of its searches either', async (t) => {
    const workers = threads(t);
    await using stage = await setStage({ workers: 2 });
    await stage.ask('/v1/vector_stores/vs/files', { body: { file_id: 'f' } });
    for (const worker of [...workers]) await worker.terminate();
    await otherThreads(stage);
    for (let at = 0; at < 6; at += 1) {
      const search = await stage.ask('/v1/vector_stores/vs/search', { body: { query: 'lamps' } });
      assert.equal(search.headers.get('x-cache-reason'), 'vector-store-written');
    }
  });
});

describe('a stop', () => {
  it('lets running answers finish in all threads, streams too, and takes no new connection', async () => {
    await using stage = await setStage({ workers: 2 });
    const gate = stage.upstream.holdChunks(1);
    const streams = await Promise.all(
      Array.from({ length: MANY }, (_, at) =>
        open(stage.reprise.url + CHAT, { body: chat(`${at}`, { stream: true }) }),
      ),
    );
    const stopped = stage.reprise.stop();
    await closed(stage);
    gate.release();
    const texts = await Promise.all(
      streams.map(async ({ chunks }) => {
        let text = '';
        for await (const chunk of chunks) text += chunk.toString();
        return text;
      }),
    );
    assert.ok(texts.every((text) => text.endsWith('data: [DONE]\n\n')));
    await within(stopped, 'the stop');
    const { events } = stage.reprise;
    assert.equal(events.filter(({ kind }) => kind === 'answered').length, MANY);
    assert.equal(events.filter(({ kind }) => kind === 'degraded').length, 0);
  });

  it('cuts off what does not finish in time', async () => {
    await using stage = await setStage({ workers: 2, profile: { server: { drain: '200ms' } } });
    stage.upstream.hold();
    const asked = Array.from({ length: 6 }, (_, at) => stage.ask(CHAT, { body: chat(`${at}`) }));
    await within(stage.running(6), 'all of them');
    const settled = Promise.allSettled(asked);
    await within(stage.reprise.stop(), 'the stop');
    assert.ok((await settled).every(({ status }) => status === 'rejected'));
  });
});
