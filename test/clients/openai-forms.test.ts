import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { oracleVector, upstreamAnswer } from '../support/embeddings.ts';
import { setStage } from '../support/stage.ts';
import { ANSWER, ASK_TOOL } from './openai-llm-calls.ts';
import { type Client, SDKS } from './openai-sdk.ts';
import { meaning } from './twice.ts';

const MODEL = 'text-embedding-3-small';

type Ask = (client: Client) => PromiseLike<object>;

/** Calls that ask for the same answer, as JSON and as a stream. */
const FORMS = new Map<string, { readonly json: Ask; readonly stream: Ask }>([
  [
    'chat',
    {
      json: ({ api }) => api.chat.completions.create(ASK_TOOL),
      stream: ({ chatHelpers }) =>
        chatHelpers.stream({ ...ASK_TOOL, stream_options: { include_usage: true } }).finalChatCompletion(),
    },
  ],
  [
    'responses',
    {
      json: ({ api }) => api.responses.create(ANSWER),
      stream: ({ api }) => api.responses.stream(ANSWER).finalResponse(),
    },
  ],
]);

for (const { name, connect } of SDKS) {
  describe(`${name}: one entry serves every form of an answer`, () => {
    for (const [kind, { json, stream }] of FORMS) {
      for (const [order, one, other] of [
        ['JSON first', json, stream],
        ['stream first', stream, json],
      ] as const) {
        it(`${kind}, ${order}`, async () => {
          await using stage = await setStage();
          const client = connect(`${stage.reprise.url}/v1`);
          const first = await one(client);
          const second = await other(client);
          assert.equal(stage.upstream.calls.length, 1);
          assert.deepEqual(said(second), said(first));
        });
      }
    }

    for (const encoding of ['as-asked', 'float', 'base64'] as const) {
      it(`vectors from an upstream that answers ${encoding}, some from the cache and some not`, async () => {
        await using stage = await setStage();
        stage.upstream.answer((request, response) => {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(upstreamAnswer(request.body, { encoding }));
        });
        const { api } = connect(`${stage.reprise.url}/v1`);
        const texts = ['c', 'b', 'd', 'c'];
        const right = texts.map((text) => floats(oracleVector(MODEL, text)));
        await api.embeddings.create({ model: MODEL, input: ['a', 'b'] });
        for (const asked of [{}, {}, { encoding_format: 'float' }]) {
          const { data } = await api.embeddings.create({ model: MODEL, input: texts, ...asked });
          assert.deepEqual(
            data.map(({ embedding }) => embedding),
            right,
          );
        }
        assert.equal(stage.upstream.calls.length, 2);
      });
    }
  });
}

/** What an answer says, without what the SDK's helpers make of it (`parsed`, `parsed_arguments`, `output_text`). */
function said(answer: object): unknown {
  const added = /^parsed|^output_(?:text|parsed)$/;
  return JSON.parse(JSON.stringify(meaning(answer), (key, value) => (added.test(key) ? undefined : value)));
}

function floats(vector: Buffer): number[] {
  return Array.from({ length: vector.length / 4 }, (_, at) => vector.readFloatLE(at * 4));
}
