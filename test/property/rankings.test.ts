import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import { seededRandom } from '../../src/demo/random.ts';
import { between, pick, randomTexts } from '../support/embeddings.ts';
import { rankingAnswer } from '../support/rankings.ts';
import { setStage } from '../support/stage.ts';
import type { Handler } from '../support/upstream.ts';

const QUERIES = 25;
const PATHS = ['/v1/rerank', '/v2/rerank', '/rerank'] as const;

it('at every top_n a ranking is what the upstream itself would answer, and it is asked once', async (t) => {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  await using stage = await setStage();
  for (let query = 0; query < QUERIES; query += 1) {
    const form = pick(random, ['cohere', 'vllm'] as const);
    const path = pick(random, PATHS);
    const documents = randomTexts(random, between(random, 1, 30));
    const asked = { model: 'r', query: `query ${query}`, documents };
    stage.upstream.answer(rerankingIn(form));
    const before = stage.upstream.calls.length;
    const limits = [undefined, ...documents.keys(), documents.length, documents.length + 5]
      .map((limit) => ({ limit, place: random() }))
      .sort((one, other) => one.place - other.place);
    for (const { limit } of limits) {
      if (limit === 0) continue;
      const body = { ...asked, ...(limit !== undefined && { top_n: limit }) };
      const answer = await stage.ask(path, { body });
      assert.equal(answer.body.toString(), rankingAnswer(body, form), `${limit} of ${documents.length}`);
    }
    assert.equal(stage.upstream.calls.length, before + 1);
    assert.equal('top_n' in (stage.upstream.calls.at(-1)?.json() ?? {}), false);
  }
});

const rerankingIn =
  (form: 'cohere' | 'vllm'): Handler =>
  (request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(rankingAnswer(request.json(), form));
  };
