import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../support/deadline.ts';
import { sendJson } from '../support/openai-server.ts';
import { setStage } from '../support/stage.ts';
import { answering, cutAfterChunks } from '../support/upstream/faults.ts';
import { HI } from './openai-llm-calls.ts';
import { type Client, SDKS } from './openai-sdk.ts';
import { all } from './twice.ts';

const ANOTHER = { ...HI, model: 'another' };

// Of the stand-in's answer as a stream: the role, twelve words, the end.
const CHUNKS = 14;

/** What the upstream refuses, and the class of error that stands for it. */
const REFUSALS = [
  [400, 'BadRequestError', { type: 'invalid_request_error', param: 'model', code: 'model_not_found' }],
  [401, 'AuthenticationError', { type: 'invalid_request_error', param: null, code: 'invalid_api_key' }],
  [429, 'RateLimitError', { type: 'requests', param: null, code: 'rate_limit_exceeded' }],
] as const;

for (const sdk of SDKS) {
  describe(`${sdk.name} through the proxy`, () => {
    for (const [status, name, error] of REFUSALS) {
      it(`shows a ${status} of the upstream as its own error, each time anew`, async () => {
        await using stage = await setStage();
        const message = `No, says the upstream (${status}).`;
        stage.upstream.answer(
          answering(status, JSON.stringify({ error: { message, ...error } }), {
            'content-type': 'application/json',
            'retry-after': '7',
          }),
        );
        const { api } = sdk.connect(`${stage.reprise.url}/v1`);
        for (const ask of [
          () => api.chat.completions.create(HI),
          () => api.chat.completions.create({ ...HI, stream: true }),
          () => api.embeddings.create({ model: 'nobody', input: 'a' }),
        ]) {
          const thrown = await failure(ask());
          assert.ok(thrown instanceof sdk.errors[name], `${thrown}`);
          assert.equal(thrown.message, `${status} ${message}`);
          assert.partialDeepStrictEqual({ ...thrown }, { status, ...error });
          assert.equal(headerOf(thrown, 'retry-after'), '7');
        }
        assert.equal(stage.upstream.calls.length, 3);
      });
    }

    it('asks again by itself when told to, and what it then gets is kept', async () => {
      await using stage = await setStage();
      stage.upstream.answer((_request, response) => {
        stage.upstream.answer(undefined);
        sendJson(response, 429, { error: { message: 'Slowly.' } }, { 'retry-after-ms': '1' });
      });
      const { api } = sdk.connect(`${stage.reprise.url}/v1`, { maxRetries: 1 });
      const first = await api.chat.completions.create(HI);
      assert.deepEqual(await api.chat.completions.create(HI), first);
      assert.equal(stage.upstream.calls.length, 2);
    });

    it('shows an error of ours with its code, and does not repeat what cannot succeed', async () => {
      await using stage = await setStage();
      const { api } = sdk.connect(`${stage.reprise.url}/v1`, { maxRetries: 2 });
      const thrown = await failure(
        api.chat.completions.create(HI, { headers: { 'cache-control': 'only-if-cached' } }),
      );
      assert.ok(thrown instanceof sdk.errors.InternalServerError, `${thrown}`);
      assert.partialDeepStrictEqual(
        { ...thrown },
        { status: 504, type: 'reprise_error', code: 'not_cached' },
      );
      assert.match(thrown.message, /^504 There is no stored answer/);
      assert.equal(stage.reprise.events.length, 1);
      assert.equal(stage.upstream.calls.length, 0);
    });

    it('shows that the upstream refuses connections, and still gets what is cached', async () => {
      await using stage = await setStage();
      const { api } = sdk.connect(`${stage.reprise.url}/v1`);
      const kept = await api.chat.completions.create(HI);
      await stage.upstream.close();
      const thrown = await failure(api.chat.completions.create(ANOTHER));
      assert.ok(thrown instanceof sdk.errors.InternalServerError, `${thrown}`);
      assert.partialDeepStrictEqual(
        { ...thrown },
        { status: 502, type: 'reprise_error', code: 'upstream_unreachable' },
      );
      assert.match(thrown.message, /^502 The upstream .* cannot be reached: nothing listens there\./);
      assert.deepEqual(await api.chat.completions.create(HI), kept);
    });

    it('sees a stream break that breaks at the upstream, and nothing of it is kept', async () => {
      await using stage = await setStage();
      stage.upstream.answer(cutAfterChunks(4));
      const { api } = sdk.connect(`${stage.reprise.url}/v1`);
      await failure(api.chat.completions.create({ ...HI, stream: true }).then(all));
      stage.upstream.answer(undefined);
      const whole = await api.chat.completions.create({ ...HI, stream: true }).then(all);
      assert.equal(stage.upstream.calls.length, 2);
      assert.equal(whole.length, CHUNKS);
    });

    it('leaves nothing behind when it aborts in the middle of a stream', async () => {
      await using stage = await setStage();
      const gate = stage.upstream.holdChunks(3);
      const { api } = sdk.connect(`${stage.reprise.url}/v1`);
      await leaveAfter(3, api);
      await until(() => stage.reprise.running() === 0, 'the request has ended');
      await until(() => stage.upstream.sockets() === 0, 'the call to the upstream has been given up');
      gate.release();

      const { response, data } = await api.chat.completions.create({ ...HI, stream: true }).withResponse();
      assert.equal(response.headers.get('x-cache'), 'MISS');
      assert.equal((await all(data)).length, CHUNKS);
      assert.equal(stage.upstream.calls.length, 2);
    });

    it('shows in the headers what the cache did', async () => {
      await using stage = await setStage();
      const { api } = sdk.connect(`${stage.reprise.url}/v1`);
      for (const ask of ASKING_FOR_HEADERS) {
        const [missed, hit] = [await ask(api), await ask(api)];
        assert.equal(missed.status, 200);
        assert.equal(missed.headers.get('x-cache'), 'MISS');
        assert.match(missed.headers.get('x-request-id') ?? '', /^req_upstream_/);
        assert.equal(hit.headers.get('x-cache'), 'HIT');
        assert.equal(hit.headers.get('x-cache-level'), 'l1');
        assert.match(hit.headers.get('age') ?? '', /^\d+$/);
        assert.doesNotMatch(hit.headers.get('x-request-id') ?? 'req_upstream_', /^req_upstream_/);
      }
    });
  });
}

/** Calls that show the head of their answer. */
const ASKING_FOR_HEADERS = [
  async (api: Client['api']) => (await api.chat.completions.create(HI).withResponse()).response,
  async (api: Client['api']) => {
    const { data, response } = await api.chat.completions.create({ ...ANOTHER, stream: true }).withResponse();
    await all(data);
    return response;
  },
  async (api: Client['api']) => {
    const response = await api.embeddings.create({ model: 'e', input: 'a' }).asResponse();
    await response.json();
    return response;
  },
  async (api: Client['api']) => (await api.models.list().withResponse()).response,
];

/** Reads so many chunks of a stream, aborts, and reads on: how an SDK ends that is its own affair. */
async function leaveAfter(count: number, api: Client['api']): Promise<void> {
  const leaving = new AbortController();
  const stream = await api.chat.completions.create({ ...HI, stream: true }, { signal: leaving.signal });
  let read = 0;
  for await (const _chunk of stream) {
    read += 1;
    if (read === count) leaving.abort();
  }
  assert.equal(read, count);
}

/** What the call fails with. */
async function failure(call: PromiseLike<unknown>): Promise<Error> {
  try {
    await call;
  } catch (thrown) {
    if (thrown instanceof Error) return thrown;
    throw thrown;
  }
  throw new assert.AssertionError({ message: 'The call has succeeded.' });
}

/** A header of the answer that an error came from: major 4 has them in an object, the others as `Headers`. */
function headerOf(thrown: Error, name: string): string | null | undefined {
  const { headers } = thrown as Error & { headers?: Headers | Record<string, string> };
  return headers instanceof Headers ? headers.get(name) : headers?.[name];
}
