import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hashOf } from '../../src/policy/client-key.ts';
import { until, within } from '../support/deadline.ts';
import { type Answer, chat } from '../support/http.ts';
import { CHAT, numberOf, PRODUCT, saying, setNumbered } from '../support/numbered.ts';
import { sendJson } from '../support/openai-server.ts';
import { cacheOf, setShop } from '../support/shop.ts';
import { oneRoute, setStage } from '../support/stage.ts';

// Each request here goes over a connection of its own, and the system hands these out: of a few dozen both threads get some.
const TWO = { workers: 2 };
const MANY = 24;

async function times<T>(count: number, ask: (at: number) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  for (let at = 0; at < count; at += 1) answers.push(await ask(at));
  return answers;
}

function counted(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) {
    const word = cacheOf(answer) ?? 'none';
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

describe('what two threads share', () => {
  it('entries: what one has fetched the other serves, from L2 and then from its own L1', async () => {
    await using stage = await setStage(TWO);
    for (const body of [chat('x'), chat('streamed', { stream: true })]) {
      const answers = await times(MANY, () => stage.ask('/v1/chat/completions', { body }));
      assert.deepEqual(counted(answers), { MISS: 1, HIT: MANY - 1 });
      const levels = answers.map(({ headers }) => headers.get('x-cache-level'));
      assert.equal(levels.filter((level) => level === 'l2').length, 1);
      assert.equal(new Set(answers.slice(1).map(({ body: got }) => got.toString())).size, 1);
    }
    const vectors = await times(MANY, (at) =>
      stage.ask('/v1/embeddings', {
        body: { model: 'e', input: ['a', 'b', `own ${at}`], encoding_format: 'base64' },
      }),
    );
    assert.deepEqual(counted(vectors), { MISS: 1, PARTIAL: MANY - 1 });
    assert.equal(stage.upstream.calls.length, 2 + MANY);
  });

  it('entries, also where there is no disk', async () => {
    await using stage = await setStage({ ...TWO, profile: { disk: { max_bytes: 0 } } });
    const answers = await times(MANY, () => stage.ask('/v1/chat/completions', { body: chat('x') }));
    assert.deepEqual(counted(answers), { MISS: 1, HIT: MANY - 1 });
  });

  it('fetches: 300 identical JSON requests make one upstream call', async () => {
    await using stage = await setStage(TWO);
    for (let round = 0; round < 5; round += 1) {
      const gate = stage.upstream.hold();
      const asked = Array.from({ length: 300 }, () =>
        stage.ask('/v1/chat/completions', { body: chat(`round ${round}`) }),
      );
      await within(stage.running(300), 'all 300');
      gate.release();
      const answers = await within(Promise.all(asked), 'all answers');
      assert.equal(stage.upstream.calls.length, round + 1);
      assert.equal(new Set(answers.map(({ body }) => body.toString())).size, 1);
    }
  });

  it('fetches: identical streams make one call, and JSON callers wait for what that brings', async () => {
    await using stage = await setStage(TWO);
    const gate = stage.upstream.hold();
    const streams = Array.from({ length: 100 }, () =>
      stage.ask('/v1/chat/completions', { body: chat('x', { stream: true }) }),
    );
    await within(stage.running(100), 'all streams');
    await within(gate.arrived(1), 'the call');
    const whole = Array.from({ length: 50 }, () => stage.ask('/v1/chat/completions', { body: chat('x') }));
    await within(stage.running(150), 'all others');
    gate.release();
    await within(Promise.all([...streams, ...whole]), 'all answers');
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('fetches: a stale entry is refreshed once', async () => {
    await using shop = await setStage({
      ...TWO,
      ...oneRoute({}, { types: { products: { ttl: '10ms', stale_while_revalidate: '1m' } } }),
    });
    shop.upstream.answer((_request, response) => sendPlain(response, { at: shop.upstream.calls.length }));
    const plain = () => shop.ask('/catalog/7', { headers: { authorization: undefined } });
    await plain();
    // The entry is stale at once; nothing comes back while it is asked for.
    const gate = shop.upstream.hold();
    let arrived = false;
    const refreshing = gate.arrived(1).then(() => {
      arrived = true;
    });
    await until(async () => {
      await plain();
      return arrived;
    }, 'the refresh');
    await refreshing;
    assert.deepEqual(counted(await times(MANY, plain)), { STALE: MANY });
    assert.equal(shop.upstream.calls.length, 2);
    gate.release();
  });

  it('invalidations: none that any of them carries out leaves something with another', async () => {
    await using stage = await setNumbered(TWO);
    for (const [tag, asked] of [
      ['lamp', PRODUCT],
      ['chair', CHAT],
    ] as const) {
      const question = saying(asked, { 'x-cache-tags': tag });
      for (let round = 0; round < 10; round += 1) {
        const before = numberOf((await times(MANY / 2, () => stage.put(question)))[0] ?? assert.fail());
        assert.equal((await stage.invalidate({ tags: tag })).json().matched, 1);
        const answers = await times(MANY / 2, () => stage.put(question));
        assert.deepEqual(counted(answers), { MISS: 1, HIT: MANY / 2 - 1 });
        assert.equal(answers[0]?.headers.get('x-cache-reason'), 'invalidated');
        assert.ok(answers.every((answer) => numberOf(answer) === before + 1));
      }
    }
  });

  it('tags: what a hit in one thread says of an entry counts for the copies of the other', async () => {
    await using stage = await setNumbered(TWO);
    for (let round = 0; round < 10; round += 1) {
      await times(6, () => stage.put(PRODUCT));
      await stage.put(saying(PRODUCT, { 'x-cache-tags': `said-${round}` }));
      await stage.invalidate({ tags: `said-${round}` });
      assert.equal(cacheOf(await stage.put(PRODUCT)), 'MISS');
    }
  });

  it('tags: what hits in both threads say of an entry at the same time counts, all of it', async () => {
    await using stage = await setStage(TWO);
    for (let round = 0; round < 10; round += 1) {
      const body = chat(`round ${round}`);
      await stage.ask(CHAT.path, { body });
      const tags = Array.from({ length: MANY }, (_, at) => `said-${round}-${at}`);
      const hits = tags.map((tag) => stage.ask(CHAT.path, { body, headers: { 'x-cache-tags': tag } }));
      for (const hit of await Promise.all(hits)) assert.equal(cacheOf(hit), 'HIT');
      for (const tag of tags) {
        const { matched } = (
          await stage.ask('/cache/invalidate', { body: { tags: tag, dry_run: true } })
        ).json();
        assert.equal(matched, 1, tag);
      }
      await stage.ask('/cache/invalidate', { body: { tags: tags[round] } });
      assert.equal(cacheOf(await stage.ask(CHAT.path, { body })), 'MISS');
    }
  });

  it('refreshes: a newer answer takes the place of the copies of the other', async () => {
    await using stage = await setNumbered(TWO);
    for (let round = 0; round < 10; round += 1) {
      await times(6, () => stage.put(PRODUCT));
      const fresh = await stage.put(saying(PRODUCT, { 'cache-control': 'no-cache' }));
      const answers = await times(6, () => stage.put(PRODUCT));
      assert.deepEqual(
        answers.map(numberOf),
        answers.map(() => numberOf(fresh)),
      );
    }
  });

  it('traces: prose inherits what was told in the other thread', async () => {
    await using shop = await setShop({}, TWO);
    for (let id = 0; id < 20; id += 1) {
      await shop.product(id, `trace-${id}`);
      await shop.prose(`What of ${id}?`, `trace-${id}`);
    }
    for (let id = 0; id < 20; id += 2) assert.equal(await shop.invalidate({ tags: `product:${id}` }), 2);
    for (let id = 0; id < 20; id += 1)
      assert.equal(cacheOf(await shop.prose(`What of ${id}?`)), id % 2 === 0 ? 'MISS' : 'HIT', `of ${id}`);
  });

  it('limits: a key may not call more often for there being threads', async () => {
    // None comes back while the test lasts, however slow the machine is.
    const keys = [{ name: 'limited', hash: hashOf('rp-limited'), rate: '10/h' }];
    await using stage = await setStage({
      ...TWO,
      profile: { access: { mode: 'gateway', keys } },
      upstreamSettings: { api_key: 'sk-operator' },
    });
    const answers = await times(2 * MANY, () =>
      stage.ask('/v1/chat/completions', { headers: { authorization: 'Bearer rp-limited' }, body: chat('x') }),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 10);
    assert.equal(answers.filter(({ status }) => status === 429).length, 2 * MANY - 10);
  });

  it('limits: an upstream gets no more calls at once, and a queue is one', async () => {
    await using stage = await setStage({
      ...TWO,
      upstreamSettings: { concurrency: { max: 3, queue: 10 } },
    });
    const gate = stage.upstream.hold();
    let answered = 0;
    const asked = Array.from({ length: 20 }, async (_, at) => {
      const answer = await stage.ask('/v1/chat/completions', { body: chat(`${at}`) });
      answered += 1;
      return answer;
    });
    await within(gate.arrived(3), 'three calls');
    // That thirteen are being answered would not do: it is so for a moment while they come, too.
    await until(() => answered === 7, 'seven refused');
    assert.equal(stage.upstream.calls.length, 3);
    gate.release();
    const statuses = (await within(Promise.all(asked), 'all answers')).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, 13);
    assert.equal(statuses.filter((status) => status === 503).length, 7);
  });

  it('verifications: a credential that was taken is for both, and one that was not for neither', async () => {
    await using stage = await setStage({ ...TWO, profile: { access: { share: 'verified' } } });
    const ask = (who: string, content: string) =>
      stage.ask('/v1/chat/completions', { headers: { authorization: `Bearer ${who}` }, body: chat(content) });
    await times(6, () => ask('a', 'hello'));
    await ask('b', 'hello');
    assert.deepEqual(counted(await times(MANY, () => ask('b', 'hello'))), { HIT: MANY });
    for (let round = 0; round < 5; round += 1) {
      stage.upstream.answer((_request, response) => sendJson(response, 401, { error: { message: 'no' } }));
      await ask('b', `another ${round}`);
      stage.upstream.answer(undefined);
      const after = await ask('b', 'hello');
      assert.equal(after.headers.get('x-cache-reason'), 'credential-unverified');
    }
  });

  it('health: failures in a row are counted together, and open the breaker for all', async () => {
    await using stage = await setStage({
      ...TWO,
      upstreamSettings: { breaker: { failures: 5, probe: '1m' } },
    });
    stage.upstream.answer((_request, response) => sendJson(response, 500, { error: { message: 'no' } }));
    const answers = await times(MANY, (at) => stage.ask('/v1/chat/completions', { body: chat(`${at}`) }));
    assert.equal(stage.upstream.calls.length, 5);
    assert.equal(answers.filter(({ status }) => status === 503).length, MANY - 5);
    const { checks } = (await stage.ask('/health/ready')).json() as {
      checks: Record<string, { state: string }>;
    };
    assert.equal(checks['upstream:default']?.state, 'degraded');
  });

  it('vector stores that were written to: no thread keeps their searches', async () => {
    await using stage = await setStage(TWO);
    const search = () => stage.ask('/v1/vector_stores/vs/search', { body: { query: 'x' } });
    assert.deepEqual(counted(await times(6, search)), { MISS: 1, HIT: 5 });
    await stage.ask('/v1/vector_stores/vs/files', { body: { file_id: 'f' } });
    assert.deepEqual(counted(await times(6, search)), { MISS: 6 });
  });
});

type Figures = Readonly<Record<string, number>>;

describe('what is told of two threads', () => {
  it('figures are those of both', async () => {
    await using stage = await setStage(TWO);
    for (let at = 0; at < 10; at += 1)
      await times(4, () => stage.ask('/v1/chat/completions', { body: chat(`${at}`) }));
    const { requests } = (await stage.ask('/monitoring/cache')).json() as { requests: Figures };
    assert.deepEqual([requests.total, requests.hits, requests.misses, requests.errors], [40, 30, 10, 0]);
    const levels = async () => (await stage.ask('/monitoring/cache/levels')).json().levels as Figures[];
    // It is written to behind the answers.
    await until(async () => (await levels())[1]?.entries === 10, 'ten entries in L2');
    const [l1, l2] = await levels();
    assert.equal((l1?.hits ?? 0) + (l2?.hits ?? 0), 30);
    assert.equal(l1?.misses, (l2?.hits ?? 0) + (l2?.misses ?? 0));
    assert.equal(l2?.promotions, l2?.hits);
    assert.equal(l1?.entries, 10 + (l2?.hits ?? 0));
    const { entries } = (await stage.ask('/monitoring/cache/entries')).json();
    assert.equal((entries as unknown[]).length, 10);
    const metrics = (await stage.ask('/metrics')).body.toString();
    assert.match(metrics, /reprise_requests_total\{[^}]*outcome="hits?"[^}]*\} 30/);
  });

  it('L1 is full where both are: the main thread, which has one for values, answers from the disk', async () => {
    await using stage = await setStage({ ...TWO, profile: { memory: { max_entries: 4 } } });
    const l1 = async () =>
      ((await stage.ask('/monitoring/cache/levels')).json() as { levels: Figures[] }).levels[0];
    assert.equal((await l1())?.max_entries, 8);
    for (let at = 0; at < 10; at += 1)
      await times(8, () => stage.ask('/v1/chat/completions', { body: chat(`${at}`) }));
    const full = await l1();
    assert.deepEqual([full?.entries, full?.max_entries, full?.utilization], [8, 8, 1]);
  });

  it('L1 is cleared in both', async () => {
    await using stage = await setStage(TWO);
    await times(MANY, () => stage.ask('/v1/chat/completions', { body: chat('x') }));
    const cleared = await stage.ask('/cache/clear', { body: { level: 'l1' } });
    assert.equal(cleared.json().cleared, 1);
    const after = await stage.ask('/v1/chat/completions', { body: chat('x') });
    assert.equal(after.headers.get('x-cache-level'), 'l2');
  });
});

function sendPlain(response: Parameters<typeof sendJson>[0], body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
