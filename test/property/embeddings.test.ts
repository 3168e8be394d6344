import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import type { Payload } from '../../src/cache/entry.ts';
import { seededRandom } from '../../src/demo/random.ts';
import type { Plan } from '../../src/endpoints/endpoint.ts';
import { DIALECTS, type Dialect } from '../../src/openai/dialect.ts';
import {
  between,
  type Item,
  itemsOf,
  oracleVector,
  pick,
  planEmbeddings,
  randomTexts,
  randomTokenArrays,
  requestBody,
  upstreamAnswer,
  vectorsOf,
} from '../support/embeddings.ts';

const REQUESTS = 1_500;

it('any mix of items, encodings, repeats and orders gives each input its own vector, bit for bit', (context) => {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  context.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  const texts = randomTexts(random, 120);
  const arrays = randomTokenArrays(random, 60);
  // What is cached, by what it is the answer to. Entries go missing at random.
  const cache = new Map<string, Payload>();

  for (let round = 0; round < REQUESTS; round += 1) {
    const pool: readonly Item[] = pick(random, [texts, texts, arrays]);
    const items = Array.from({ length: between(random, 1, 12) }, () => pick(random, pool));
    const [first] = items;
    const wish = {
      model: pick(random, ['small', 'large']),
      input: first !== undefined && random() < 0.3 ? first : items,
      ...(random() < 0.7 && { encoding: pick(random, ['float', 'base64'] as const) }),
      ...(random() < 0.3 && { dimensions: 8 }),
    };
    const plan = planFor(requestBody(wish, random), pick(random, DIALECTS));

    const missing = [...plan.parts.keys()].filter((part) => {
      const { content } = plan.parts[part] ?? assert.fail();
      if (random() < 0.2) cache.delete(content);
      return !cache.has(content);
    });
    if (missing.length > 0) {
      const narrowed = plan.narrow(missing);
      assert.equal(itemsOf(JSON.parse(narrowed.toString()).input).length, missing.length);
      const encoding = pick(random, ['as-asked', 'float', 'base64'] as const);
      const body = upstreamAnswer(narrowed, { encoding, shuffle: random });
      const taken = plan.takeApart({ status: 200, headers: [], body }, missing);
      assert.ok(taken.kind === 'parts' && taken.refused === undefined, JSON.stringify(taken));
      for (const [index, part] of missing.entries()) {
        cache.set(plan.parts[part]?.content ?? assert.fail(), taken.payloads[index] ?? assert.fail());
      }
    }
    const payloads = plan.parts.map(({ content }) => cache.get(content) ?? assert.fail());
    assert.ok(payloads.every((payload) => plan.serves(payload)));
    assert.deepEqual(plan.disagreeing?.(payloads), []);
    const answer = plan.putTogether(payloads, { identity: 'keep', now: 0, newId: () => '' });

    const vectors = vectorsOf(answer.body, wish.encoding ?? 'float');
    const expected = itemsOf(wish.input).map((item) => oracleVector(wish.model, item, wish.dimensions));
    assert.deepEqual(vectors, expected, `round ${round}: ${JSON.stringify(wish)}`);
  }
});

function planFor(body: Buffer, dialect: Dialect): Plan {
  const plan = planEmbeddings(body, dialect);
  return plan.kind === 'plan' ? plan : assert.fail(`${plan.reason}: ${body}`);
}
