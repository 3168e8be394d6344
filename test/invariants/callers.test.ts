import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '../support/deadline.ts';
import { oracleVector } from '../support/embeddings.ts';
import { type Answer, chat, open, type Sent } from '../support/http.ts';
import { chatPiece, dataEvent, perRequestHeaders, sendEvents, sendJson } from '../support/openai-server.ts';
import { oneRoute, setStage } from '../support/stage.ts';

const CHAT = '/v1/chat/completions';

/** One request of each kind: JSON, a stream, and those without a body. */
const ASKED: readonly (readonly [path: string, body: object | undefined])[] = [
  [CHAT, chat('x')],
  [CHAT, chat('x', { stream: true })],
  ['/v1/completions', { model: 'm', prompt: 'x' }],
  ['/v1/completions', { model: 'm', prompt: 'x', stream: true }],
  ['/v1/responses', { model: 'm', input: 'x' }],
  ['/v1/responses', { model: 'm', input: 'x', stream: true }],
  ['/v1/embeddings', { model: 'm', input: 'x' }],
  ['/v1/embeddings', { model: 'm', input: ['x', 'y'], encoding_format: 'base64' }],
  ['/v1/moderations', { input: ['x'] }],
  ['/v1/rerank', { model: 'm', query: 'x', documents: ['y'] }],
  ['/v1/vector_stores/vs/search', { query: 'x' }],
  ['/v1/models', undefined],
  ['/catalog/1', undefined],
];

describe('what must always hold among callers', () => {
  it("1. Nobody gets another's answer", async () => {
    await using stage = await setStage();
    // The upstream says who asked; every endpoint, many credentials at once, hits and joins mixed.
    stage.upstream.answer((request, response, turn) => {
      const who = [
        request.headers.authorization,
        request.headers['openai-project'],
        request.headers['api-key'],
      ].join('|');
      if (request.body.includes('"stream":true'))
        return sendEvents(response, [chatPiece({ content: who }, 'stop'), dataEvent('[DONE]')], turn);
      sendJson(response, 200, {
        id: who,
        data: [{ object: 'embedding', index: 0, embedding: [...Buffer.from(who)].map((byte) => byte / 256) }],
        choices: [{ index: 0, message: { role: 'assistant', content: who }, finish_reason: 'stop' }],
        results: [{ index: 0, relevance_score: 1, who }],
        status: 'completed',
        output: [{ type: 'message', content: [{ type: 'output_text', text: who }] }],
        usage: { prompt_tokens: 1, total_tokens: 1 },
        model: 'm',
      });
    });
    const requests = [
      [CHAT, chat('x')],
      [CHAT, chat('another', { stream: true })],
      ['/v1/completions', { model: 'm', prompt: 'x' }],
      ['/v1/responses', { model: 'm', input: 'x' }],
      ['/v1/embeddings', { model: 'm', input: 'x' }],
      ['/v1/moderations', { input: ['x'] }],
      ['/v2/rerank', { query: 'x', documents: ['y'] }],
      ['/v1/vector_stores/vs/search', { query: 'x' }],
      ['/v1/models', undefined],
    ] as const;
    const callers = [
      { authorization: 'Bearer a' },
      { authorization: 'Bearer b' },
      { authorization: 'Bearer a', 'openai-project': 'p' },
      { authorization: undefined, 'api-key': 'a' },
      { authorization: 'Bearer a', 'api-key': 'a' },
      { authorization: undefined },
    ];
    const asked = [];
    for (let round = 0; round < 6; round += 1) {
      for (const headers of callers) {
        for (const [path, body] of requests)
          asked.push({ headers, path, sent: { headers, ...(body && { body }) } });
      }
    }
    const answers = await Promise.all(asked.map(({ path, sent }) => stage.ask(path, sent)));
    for (const [at, { headers, path }] of asked.entries()) {
      const h: Record<string, string | undefined> = headers;
      const who = [h.authorization, h['openai-project'], h['api-key']].join('|');
      const text = answers[at]?.body.toString() ?? '';
      if (path === '/v1/embeddings')
        assert.deepEqual(
          JSON.parse(text).data[0].embedding,
          [...Buffer.from(who)].map((byte) => byte / 256),
        );
      else assert.ok(text.includes(JSON.stringify(who)), `${path} for ${who}: ${text}`);
    }
    assert.equal(stage.upstream.calls.length, callers.length * requests.length);
  });

  it("4. A caller's departure harms no other caller", async () => {
    await using stage = await setStage();
    const gate = stage.upstream.hold();
    const body = chat('crowd', { stream: true });
    gate.let(2);
    const first = await within(open(stage.reprise.url + CHAT, { body }), 'the first');
    const crowd = await Promise.all(
      Array.from({ length: 20 }, () => open(stage.reprise.url + CHAT, { body })),
    );
    for (const [at, { leave }] of crowd.entries()) if (at % 2 === 0) leave();
    first.leave();
    await within(
      until(() => stage.reprise.running() === 10, 'eleven have left'),
      'eleven have left',
    );
    gate.release();
    const texts = await Promise.all(
      crowd
        .filter((_, at) => at % 2 === 1)
        .map(async ({ chunks }) => {
          let text = '';
          for await (const chunk of chunks) text += chunk.toString();
          return text;
        }),
    );
    assert.equal(new Set(texts).size, 1);
    assert.match(texts[0] ?? '', /data: \[DONE\]\n\n$/);
    assert.equal(stage.upstream.calls.length, 1);
  });

  it("4. A caller's departure harms no other caller: nor of a batch it shares an item with", async () => {
    await using stage = await setStage();
    const gate = stage.upstream.hold();
    const ask = (...input: string[]) => ({ body: { model: 'e', input, encoding_format: 'base64' } });
    let leave = () => {};
    const first = open(`${stage.reprise.url}/v1/embeddings`, ask('shared', 'its own'), (given) => {
      leave = given;
    });
    await within(gate.arrived(1), 'the first call');
    const second = stage.ask('/v1/embeddings', ask('another', 'shared'));
    await within(gate.arrived(2), 'the second call');
    leave();
    await assert.rejects(first);
    await until(() => stage.reprise.running() === 1, 'the first has left');
    gate.release();
    const { data } = (await within(second, 'the second')).json() as { data: { embedding: string }[] };
    assert.deepEqual(
      data.map(({ embedding }) => embedding),
      ['another', 'shared'].map((text) => oracleVector('e', text).toString('base64')),
    );
    assert.deepEqual(
      stage.upstream.calls.map((call) => call.json().input),
      [['shared', 'its own'], ['another']],
    );
  });

  for (const [path, body] of ASKED) {
    it(`10. An answer says nothing of who else asked, replayed or joined live: ${path} ${JSON.stringify(body ?? '')}`, async () => {
      await using stage = await setStage(oneRoute());
      stage.upstream.answer((_request, response) => {
        // With a cookie it would be nobody else's.
        const headers = Object.entries(perRequestHeaders()).filter(([name]) => name !== 'set-cookie');
        response.writeHead(200, Object.fromEntries(headers)).end('a lamp');
      }, '/catalog/1');
      const asking = (more: object): Sent => ({
        headers: { authorization: path.startsWith('/catalog') ? undefined : 'Bearer sk-test' },
        ...(body && { body: { ...body, ...more } }),
      });
      const streams = JSON.stringify(body ?? null).includes('"stream":true');
      const gate = streams ? stage.upstream.holdChunks(1) : stage.upstream.hold();
      const ada = stage.ask(path, asking(path === '/v1/responses' ? ADA : {}));
      await within(gate.arrived(1), 'the first call');
      const joining = stage.ask(path, asking({}));
      await until(() => stage.reprise.running() === 2, 'who joins');
      gate.release();
      const first = await ada;
      const others = [await joining, await stage.ask(path, asking({}))];
      assert.equal(others[1]?.headers.get('x-cache'), 'HIT');
      for (const other of others) {
        assert.equal(other.status, 200);
        if (other.headers.get('x-cache') !== 'MISS') saysNothing(other, first);
      }
    });
  }
});

// What OpenAI's API takes to tell one end user's calls from another's; Responses repeat them in their answer.
const ADA = {
  metadata: { name: 'Ada' },
  user: 'user-ada',
  safety_identifier: 'safe-ada',
  prompt_cache_key: 'pck-ada',
};

/** Whether `other` tells nothing of the call that brought `first`. */
function saysNothing(other: Answer, first: Answer): void {
  assert.doesNotMatch(other.body.toString(), /"Ada"|-ada/);
  const told = Object.keys(perRequestHeaders()).filter(
    (name) => !['x-request-id', 'openai-version', 'cache-control'].includes(name),
  );
  for (const name of told) assert.equal(other.headers.get(name), undefined, name);
  assert.match(other.headers.get('x-request-id') ?? '', /^req_[0-9a-f]{24}$/);
  assert.notEqual(other.headers.get('x-request-id'), first.headers.get('x-request-id'));
  assert.doesNotMatch([...other.headers].join('\n'), /req_upstream|org-of-the-first/);
}
