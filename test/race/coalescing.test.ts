import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '../support/deadline.ts';
import { type Answer, chat, open, send } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { startReprise, type TestReprise } from '../support/reprise.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

/** Resolves when `count` data-plane requests wait inside the proxy. */
function waiting(reprise: TestReprise, count: number): Promise<void> {
  return until(() => reprise.running() >= count, `${count} requests in the proxy`);
}

const path = '/v1/chat/completions';

function outcomes(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { headers } of answers) {
    const word = headers.get('x-cache') ?? 'none';
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

async function both(
  profile: Record<string, unknown> = {},
): Promise<AsyncDisposable & { upstream: Upstream; reprise: TestReprise }> {
  const upstream = await startUpstream();
  const reprise = await startReprise({ upstream: upstream.url, profile });
  return {
    upstream,
    reprise,
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      await reprise[Symbol.asyncDispose]();
    },
  };
}

describe('coalescing', () => {
  it('200 identical JSON calls make one upstream call, and all get the same bytes', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const calls = Array.from({ length: 200 }, () => send(stage.reprise.url + path, { body: chat('same') }));
    await within(waiting(stage.reprise, 200), 'all 200 wait');
    gate.release();
    const answers = await within(Promise.all(calls), 'all answers');
    assert.equal(stage.upstream.calls.length, 1);
    assert.equal(new Set(answers.map(({ body }) => body.toString())).size, 1);
    assert.deepEqual(outcomes(answers), { MISS: 1, COALESCED: 199 });
    const after = await send(stage.reprise.url + path, { body: chat('same') });
    assert.equal(after.headers.get('x-cache'), 'HIT');
  });

  it('500 identical streamed chats make one upstream call and get 500 equal answers', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const calls = Array.from({ length: 500 }, () =>
      send(stage.reprise.url + path, { body: chat('stream', { stream: true }) }),
    );
    await within(waiting(stage.reprise, 500), 'all 500 wait', 20_000);
    gate.release();
    const answers = await within(Promise.all(calls), 'all answers', 20_000);
    assert.equal(stage.upstream.calls.length, 1);
    assert.equal(new Set(answers.map(({ body }) => body.toString())).size, 1);
    assert.match(answers[0]?.body.toString() ?? '', /data: \[DONE\]\n\n$/);
    assert.deepEqual(outcomes(answers), { MISS: 1, COALESCED: 499 });
  });

  it('500 identical streamed chats survive the first caller, who leaves after the first chunk', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    gate.let(2); // the head, and one chunk
    const first = await within(
      open(stage.reprise.url + path, { body: chat('leaver', { stream: true }) }),
      'the first head',
    );
    const calls = Array.from({ length: 499 }, () =>
      send(stage.reprise.url + path, { body: chat('leaver', { stream: true }) }),
    );
    await within(waiting(stage.reprise, 500), 'all wait', 20_000);
    first.leave();
    await within(
      until(() => stage.reprise.running() === 499, 'the first has gone'),
      'the first has gone',
    );
    gate.release();
    const answers = await within(Promise.all(calls), 'all answers', 20_000);
    assert.equal(stage.upstream.calls.length, 1);
    assert.equal(new Set(answers.map(({ body }) => body.toString())).size, 1);
    assert.match(answers[0]?.body.toString() ?? '', /data: \[DONE\]\n\n$/);
    const hit = await send(stage.reprise.url + path, { body: chat('leaver', { stream: true }) });
    assert.equal(hit.headers.get('x-cache'), 'HIT');
    assert.deepEqual(hit.body, withoutPadding(answers[0]?.body));
  });

  it('a late joiner of a stream gets what has passed, then follows live', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    gate.let(6); // the head, and five chunks
    const first = await within(
      open(stage.reprise.url + path, { body: chat('late', { stream: true }) }),
      'first head',
    );
    const firstChunks = collect(first.chunks);
    await within(gate.arrived(7), 'five chunks have gone out');
    const late = await within(
      open(stage.reprise.url + path, { body: chat('late', { stream: true }) }),
      'late head',
    );
    assert.equal(late.headers.get('x-cache'), 'COALESCED');
    const lateChunks = collect(late.chunks);
    await until(() => lateChunks.text().split('\n\n').length > 5, 'the late one has what had passed');
    gate.release();
    assert.equal(await within(lateChunks.done, 'late end'), await within(firstChunks.done, 'first end'));
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('the first bytes of a streamed miss reach the client before the upstream sends more', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    gate.let(2);
    const answer = await within(
      open(stage.reprise.url + path, { body: chat('now', { stream: true }) }),
      'head',
    );
    const chunks = collect(answer.chunks);
    await within(
      until(() => chunks.text().includes('\n\n'), 'the first event'),
      'the first event',
    );
    gate.release();
    await chunks.done;
  });

  it('who wants JSON joins a running stream', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    gate.let(2);
    const stream = await within(
      open(stage.reprise.url + path, { body: chat('mixed', { stream: true }) }),
      'head',
    );
    const chunks = collect(stream.chunks);
    const json = send(stage.reprise.url + path, { body: chat('mixed') });
    await within(waiting(stage.reprise, 2), 'both are in');
    gate.release();
    const answer = await within(json, 'the JSON');
    await chunks.done;
    assert.equal(stage.upstream.calls.length, 1);
    assert.equal(answer.headers.get('x-cache'), 'COALESCED');
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.equal(answer.json().object, 'chat.completion');
  });

  it('who wants a stream while a JSON call runs starts one, which others then join', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const json = send(stage.reprise.url + path, { body: chat('begun') });
    await within(gate.arrived(1), 'the JSON call is upstream');
    const stream = send(stage.reprise.url + path, { body: chat('begun', { stream: true }) });
    await within(gate.arrived(2), 'the stream is upstream');
    const joiners = [
      send(stage.reprise.url + path, { body: chat('begun', { stream: true }) }),
      send(stage.reprise.url + path, { body: chat('begun') }),
    ];
    await within(waiting(stage.reprise, 4), 'all are in');
    gate.release();
    const answers = await within(Promise.all([json, stream, ...joiners]), 'all answers');
    assert.equal(stage.upstream.calls.length, 2);
    assert.deepEqual(
      answers.map(({ headers }) => headers.get('x-cache')),
      ['MISS', 'MISS', 'COALESCED', 'COALESCED'],
    );
  });

  for (const value of ['no-cache', 'max-age=0']) {
    it(`${value} makes its own call, which others may join`, async () => {
      await using stage = await both();
      await send(stage.reprise.url + path, { body: chat('fresh') });
      const gate = stage.upstream.hold();
      const refresh = send(stage.reprise.url + path, {
        body: chat('fresh'),
        headers: { 'cache-control': value },
      });
      await within(gate.arrived(1), 'the refresh is upstream');
      const hit = await send(stage.reprise.url + path, { body: chat('fresh') });
      assert.equal(hit.headers.get('x-cache'), 'HIT');
      gate.release();
      const answer = await within(refresh, 'the refresh');
      assert.equal(answer.headers.get('x-cache'), 'REFRESH');
      assert.equal(answer.headers.get('x-cache-reason'), 'client-no-cache');
      assert.equal(stage.upstream.calls.length, 2);
    });
  }

  it('a caller joins a refresh where nothing was cached', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const refresh = send(stage.reprise.url + path, {
      body: chat('first'),
      headers: { 'cache-control': 'no-cache' },
    });
    await within(gate.arrived(1), 'upstream');
    const joiner = send(stage.reprise.url + path, { body: chat('first') });
    await within(waiting(stage.reprise, 2), 'both');
    gate.release();
    assert.equal((await joiner).headers.get('x-cache'), 'COALESCED');
    assert.equal((await refresh).headers.get('x-cache'), 'REFRESH');
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('no-store makes its own call, joined by nobody and recorded nowhere', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const first = send(stage.reprise.url + path, {
      body: chat('secret'),
      headers: { 'cache-control': 'no-store' },
    });
    await within(gate.arrived(1), 'the first');
    const second = send(stage.reprise.url + path, {
      body: chat('secret'),
      headers: { 'cache-control': 'no-store' },
    });
    await within(gate.arrived(2), 'the second');
    gate.release();
    for (const answer of await Promise.all([first, second])) {
      assert.equal(answer.headers.get('x-cache'), 'BYPASS');
      assert.equal(answer.headers.get('x-cache-reason'), 'client-no-store');
    }
    assert.equal(
      (await send(stage.reprise.url + path, { body: chat('secret') })).headers.get('x-cache'),
      'MISS',
    );
  });

  it('only-if-cached never joins', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const running = send(stage.reprise.url + path, { body: chat('cached?') });
    await within(gate.arrived(1), 'upstream');
    const asked = await within(
      send(stage.reprise.url + path, {
        body: chat('cached?'),
        headers: { 'cache-control': 'only-if-cached' },
      }),
      'an answer at once',
    );
    assert.equal(asked.status, 504);
    assert.equal((asked.json().error as { code: string }).code, 'not_cached');
    gate.release();
    await running;
  });

  it('another service_tier does not join', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const calls = ['auto', 'priority'].map((service_tier) =>
      send(stage.reprise.url + path, { body: chat('tier', { service_tier }) }),
    );
    await within(gate.arrived(2), 'two calls upstream');
    gate.release();
    await Promise.all(calls);
    assert.equal(stage.upstream.calls.length, 2);
  });

  it('a Responses stream is not joined by a caller whose metadata it would not repeat', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const calls = ['a', 'b'].map((who) =>
      send(`${stage.reprise.url}/v1/responses`, {
        body: { model: 'm', input: 'hi', stream: true, metadata: { who } },
      }),
    );
    await within(gate.arrived(2), 'two calls upstream');
    gate.release();
    const [one, other] = await Promise.all(calls);
    assert.match(one?.body.toString() ?? '', /"who":"a"/);
    assert.match(other?.body.toString() ?? '', /"who":"b"/);
  });

  it('of several x-cache-ttl the shortest counts', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const calls = ['90s', '20s', '60s'].map((ttl) =>
      send(stage.reprise.url + path, { body: chat('ttl'), headers: { 'x-cache-ttl': ttl } }),
    );
    await within(waiting(stage.reprise, 3), 'all three');
    gate.release();
    await Promise.all(calls);
    const hit = await send(stage.reprise.url + path, { body: chat('ttl') });
    assert.match(hit.headers.get('cache-status') ?? '', /^reprise; hit; ttl=(19|20); detail=l1$/);
  });

  it('a longer x-cache-ttl of one who joins makes the founder’s answer live no longer', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const founder = send(stage.reprise.url + path, { body: chat('founder') });
    await within(gate.arrived(1), 'the call');
    const joiner = send(stage.reprise.url + path, {
      body: chat('founder'),
      headers: { 'x-cache-ttl': '20h' },
    });
    await within(waiting(stage.reprise, 2), 'both');
    gate.release();
    await Promise.all([founder, joiner]);
    const hit = await send(stage.reprise.url + path, { body: chat('founder') });
    assert.match(hit.headers.get('cache-status') ?? '', /^reprise; hit; ttl=(1799|1800); detail=l1$/);
  });

  it('an upstream error reaches all whose request it answered, once, and is not stored', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    stage.upstream.answer((_request, response) =>
      sendJson(response, 400, {
        error: { message: 'bad', type: 'invalid_request_error', param: null, code: null },
      }),
    );
    const calls = Array.from({ length: 20 }, () => send(stage.reprise.url + path, { body: chat('bad') }));
    await within(waiting(stage.reprise, 20), 'all 20');
    gate.release();
    for (const answer of await within(Promise.all(calls), 'all answers')) {
      assert.equal(answer.status, 400);
      assert.deepEqual(answer.json(), {
        error: { message: 'bad', type: 'invalid_request_error', param: null, code: null },
      });
    }
    assert.equal(stage.upstream.calls.length, 1);
    stage.upstream.answer(undefined);
    assert.equal(
      (await send(stage.reprise.url + path, { body: chat('bad') })).headers.get('x-cache'),
      'MISS',
    );
  });

  it('when the last caller leaves, the upstream call is cancelled', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    let leave = () => {};
    const gone = open(stage.reprise.url + path, { body: chat('gone') }, (how) => {
      leave = how;
    });
    gone.catch(() => undefined);
    await within(gate.arrived(1), 'upstream');
    leave();
    await within(
      until(() => stage.upstream.sockets() === 0, 'the upstream socket is closed'),
      'cancelled',
    );
  });

  it('a caller that has gone does not ask again for what it had joined', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    stage.upstream.answer((request, response) => {
      const { input } = request.json() as { input: string[] };
      if (input.includes('bad')) return sendJson(response, 400, { error: { message: 'bad item' } });
      return sendJson(response, 200, {});
    });
    const embeddings = `${stage.reprise.url}/v1/embeddings`;
    const bad = send(embeddings, { body: { model: 'e', input: ['bad', 'shared'] } });
    await within(gate.arrived(1), 'the bad batch');
    let leave = () => {};
    const gone = open(embeddings, { body: { model: 'e', input: ['shared'] } }, (how) => {
      leave = how;
    });
    gone.catch(() => undefined);
    await within(waiting(stage.reprise, 2), 'it waits');
    leave();
    await within(
      until(() => stage.reprise.running() === 1, 'it has gone'),
      'it has gone',
    );
    gate.release();
    assert.equal((await within(bad, 'the bad one')).status, 400);
    await send(`${stage.reprise.url}/v1/models`);
    assert.deepEqual(
      stage.upstream.calls.map(({ url }) => url),
      ['/v1/embeddings', '/v1/models'],
    );
  });

  it('on_abandon: finish keeps an abandoned call, and stores its answer', async () => {
    await using stage = await both({ types: { llm_responses: { on_abandon: 'finish' } } });
    const gate = stage.upstream.hold();
    let leave = () => {};
    const gone = open(stage.reprise.url + path, { body: chat('kept') }, (how) => {
      leave = how;
    });
    gone.catch(() => undefined);
    await within(gate.arrived(1), 'upstream');
    leave();
    await until(() => stage.reprise.running() === 0, 'the caller has gone');
    gate.release();
    await within(
      until(
        async () =>
          (
            await send(stage.reprise.url + path, {
              body: chat('kept'),
              headers: { 'cache-control': 'only-if-cached' },
            })
          ).status === 200,
        'stored',
      ),
      'stored',
    );
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('requests that are not cacheable do not wait for each other', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const body = { model: 'm', input: 'news?', tools: [{ type: 'web_search' }] };
    const calls = Array.from({ length: 5 }, () => send(`${stage.reprise.url}/v1/responses`, { body }));
    await within(gate.arrived(5), 'five calls upstream');
    gate.release();
    for (const answer of await Promise.all(calls))
      assert.equal(answer.headers.get('x-cache-reason'), 'tool:web_search');
  });
});

describe('embedding items in flight', () => {
  const embeddings = '/v1/embeddings';
  const ask = (stage: { reprise: TestReprise }, input: unknown) =>
    send(stage.reprise.url + embeddings, { body: { model: 'e', input } });

  it('are shared across different batches', async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    const one = ask(stage, ['a', 'b']);
    await within(gate.arrived(1), 'the first batch');
    const other = ask(stage, ['b', 'c']);
    await within(gate.arrived(2), 'the second batch');
    assert.deepEqual(
      stage.upstream.calls.map((call) => call.json().input),
      [['a', 'b'], ['c']],
    );
    gate.release();
    const [first, second] = await within(Promise.all([one, other]), 'both');
    const vectors = (answer: Answer) =>
      (answer.json().data as { embedding: unknown }[]).map(({ embedding }) => embedding);
    assert.ok(first && second);
    assert.deepEqual(vectors(first)[1], vectors(second)[0]);
  });

  it("a bad item in one batch never fails another's", async () => {
    await using stage = await both();
    const gate = stage.upstream.hold();
    stage.upstream.answer((request, response) => {
      const { input } = request.json() as { input: string[] };
      if (input.includes('bad'))
        return sendJson(response, 400, {
          error: { message: 'bad item', type: 'invalid_request_error', param: 'input', code: null },
        });
      return sendJson(response, 200, {
        object: 'list',
        data: input.map((_, index) => ({ object: 'embedding', index, embedding: [index, 0.5] })),
        model: 'e',
        usage: { prompt_tokens: 1, total_tokens: 1 },
      });
    });
    const bad = ask(stage, ['bad', 'shared']);
    await within(gate.arrived(1), 'the bad batch');
    const good = ask(stage, ['shared']);
    await within(waiting(stage.reprise, 2), 'the good one waits');
    gate.release();
    assert.equal((await within(bad, 'bad')).status, 400);
    assert.equal((await within(good, 'good')).status, 200);
    assert.equal(stage.upstream.calls.length, 2);
  });
});

function collect(chunks: AsyncIterable<Buffer>): { text(): string; done: Promise<string> } {
  let text = '';
  const read = async () => {
    for await (const chunk of chunks) text += chunk.toString();
    return text;
  };
  return { text: () => text, done: read() };
}

/** A stream as it is stored: without the random padding of OpenAI's events. */
function withoutPadding(stream: Buffer | undefined): Buffer {
  return Buffer.from((stream ?? '').toString().replaceAll(/,"obfuscation":"[^"]*"/g, ''));
}
