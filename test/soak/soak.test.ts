import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import { soak } from './run.ts';

it('3,000 mixed requests, with clients that leave and an upstream that fails, leave nothing behind', async (t) => {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  t.diagnostic(`SEED=${seed}`);
  const problems = await soak({
    requests: 3_000,
    parts: 3,
    seed,
    onPart: ({ sample }) => t.diagnostic(JSON.stringify(sample)),
  });
  assert.deepEqual(problems, []);
});
