import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import { seededRandom } from '../../src/demo/random.ts';
import { between, pick, randomTexts } from '../support/embeddings.ts';
import { moderationResult } from '../support/moderations.ts';
import { setStage } from '../support/stage.ts';

const REQUESTS = 400;

it('any mix of texts, cached, missing, under way and repeated, in any order, gives each text its own result', async (t) => {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  // A small L1: entries of every request push out others.
  await using stage = await setStage({ profile: { memory: { max_entries: 160 }, disk: { max_bytes: 0 } } });
  const texts = randomTexts(random, 150);
  let left = REQUESTS;

  async function client(): Promise<void> {
    while (left > 0) {
      left -= 1;
      const model = pick(random, ['small', 'large']);
      const input = Array.from({ length: between(random, 1, 12) }, () => pick(random, texts));
      const answer = await stage.ask('/v1/moderations', { body: { input, model } });
      const results = input.map((text) => moderationResult(model, text));
      const body = answer.body.toString();
      const [, list] =
        /^\{"id":"modr-\d+","model":"(?:small|large)-2024-09-26","results":\[(.*)\]\}$/s.exec(body) ?? [];
      // A miss is written like a hit: what is compared is every byte but the blanks between results.
      assert.equal(list, results.join(','), JSON.stringify(input));
    }
  }
  await Promise.all(Array.from({ length: 8 }, client));
  const asked = stage.upstream.calls.flatMap((call) => call.json().input as string[]);
  t.diagnostic(`${stage.upstream.calls.length} calls upstream with ${asked.length} texts`);
  assert.ok(stage.upstream.calls.length <= REQUESTS);
});
