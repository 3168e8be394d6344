import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import { seededRandom } from '../../src/demo/random.ts';
import {
  between,
  type Item,
  oracleVector,
  pick,
  randomTexts,
  randomTokenArrays,
  requestBody,
  upstreamAnswer,
} from '../support/embeddings.ts';
import { setStage } from '../support/stage.ts';

const ITEMS = 20_000;

it(`${ITEMS} embedding items in random batches, encodings and company: no vector out of place, bit for bit`, async (t) => {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  // A small L1 and a pool of items that overlap: cached, missing, repeated and in-flight ones mix in every batch.
  await using stage = await setStage({ profile: { memory: { max_entries: 300 } } });
  stage.upstream.answer((request, response) => {
    const encoding = pick(random, ['as-asked', 'as-asked', 'float', 'base64'] as const);
    const body = upstreamAnswer(request.body, { encoding, shuffle: random });
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  });
  const texts = randomTexts(random, 1_200);
  const arrays = randomTokenArrays(random, 300);

  let items = 0;
  async function client(): Promise<void> {
    while (items < ITEMS) {
      const pool: readonly Item[] = random() < 0.8 ? texts : arrays;
      const input = Array.from({ length: between(random, 1, random() < 0.1 ? 200 : 12) }, () =>
        pick(random, pool),
      );
      items += input.length;
      const wish = {
        model: pick(random, ['small', 'large']),
        input: input.length === 1 && random() < 0.5 ? (input[0] ?? '') : input,
        ...(random() < 0.7 && { encoding: pick(random, ['float', 'base64'] as const) }),
        ...(random() < 0.3 && { dimensions: 8 }),
      };
      const answer = await stage.ask('/v1/embeddings', { body: requestBody(wish, random) });
      assert.equal(answer.status, 200, answer.body.toString());
      const { data } = answer.json() as { data: { index: number; embedding: unknown }[] };
      assert.equal(data.length, input.length);
      for (const [index, item] of input.entries()) {
        assert.equal(data[index]?.index, index);
        const vector = bytesOf(data[index]?.embedding, wish.encoding ?? 'float');
        assert.ok(
          vector.equals(oracleVector(wish.model, item, wish.dimensions)),
          `item ${index} of ${input.length}: ${JSON.stringify(item)}`,
        );
      }
    }
  }
  await Promise.all(Array.from({ length: 12 }, client));
  t.diagnostic(`${items} items, ${stage.upstream.calls.length} upstream calls`);
});

/** The float32 bytes of an embedding in the encoding that was asked for. */
function bytesOf(embedding: unknown, encoding: 'float' | 'base64'): Buffer {
  if (encoding === 'base64') {
    assert.equal(typeof embedding, 'string');
    return Buffer.from(String(embedding), 'base64');
  }
  assert.ok(Array.isArray(embedding));
  const bytes = Buffer.alloc(embedding.length * 4);
  for (const [at, value] of embedding.entries()) {
    assert.equal(typeof value, 'number');
    // The float32 printed as a double.
    assert.ok(Object.is(Math.fround(value), value));
    bytes.writeFloatLE(value, at * 4);
  }
  return bytes;
}
