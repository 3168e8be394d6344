import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import OpenAI from 'openai-v6';
import { oracleVector, upstreamAnswer } from '../support/embeddings.ts';
import { setStage } from '../support/stage.ts';

const MODEL = 'text-embedding-3-small';

describe('the openai SDK at major 6', () => {
  for (const encoding of ['as-asked', 'float', 'base64'] as const) {
    it(`gets the right vectors from an upstream that answers in ${encoding}, mixed from cache and upstream`, async () => {
      await using stage = await setStage();
      stage.upstream.answer((request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(upstreamAnswer(request.body, { encoding }));
      });
      const client = new OpenAI({ apiKey: 'sk-test', baseURL: `${stage.reprise.url}/v1`, maxRetries: 0 });
      await client.embeddings.create({ model: MODEL, input: ['a', 'b'] });
      for (const run of ['partial', 'cached']) {
        const { data } = await client.embeddings.create({ model: MODEL, input: ['c', 'b', 'd', 'c'] });
        for (const [index, text] of ['c', 'b', 'd', 'c'].entries()) {
          const oracle = oracleVector(MODEL, text);
          assert.deepEqual(data[index]?.embedding, floats(oracle), `${text} (${run})`);
        }
      }
      assert.equal(stage.upstream.calls.length, 2);
    });
  }

  it('assembles the same answer from a replayed stream', async () => {
    await using stage = await setStage();
    const client = new OpenAI({ apiKey: 'sk-test', baseURL: `${stage.reprise.url}/v1`, maxRetries: 0 });
    const ask = async () => {
      const stream = client.chat.completions.stream({
        model: 'gpt-5-mini',
        messages: [{ role: 'user', content: 'hi' }],
        n: 2,
      });
      // The random padding of OpenAI's events, which this SDK takes for a part of the answer, is not replayed.
      return { ...(await stream.finalChatCompletion()), obfuscation: undefined };
    };
    assert.deepEqual(await ask(), await ask());
    assert.equal(stage.upstream.calls.length, 1);
  });
});

function floats(vector: Buffer): number[] {
  return Array.from({ length: vector.length / 4 }, (_, at) => vector.readFloatLE(at * 4));
}
