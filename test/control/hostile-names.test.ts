import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent } from 'undici';
import { setStage } from '../support/stage.ts';

const NAMES = 10_000;
const AT_A_TIME = 40;

test('ten thousand models, namespaces and fields of hostile clients leave what is told of them bounded', async (t) => {
  await using stage = await setStage({ profile: { memory: { max_entries: 100 }, disk: { max_bytes: '0' } } });
  const agent = new Agent({ connections: AT_A_TIME });
  t.after(() => agent.close());
  const ask = async (at: number) => {
    const answer = await agent.request({
      origin: stage.reprise.url,
      path: '/v1/chat/completions',
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-cache-namespace': `n${at}`,
        [`x-h${at}`]: 'v',
      },
      body: JSON.stringify({
        model: `m${at}`,
        [`field_${at}`]: at,
        messages: [{ role: 'user', content: 'x' }],
      }),
    });
    await answer.body.dump();
    assert.equal(answer.statusCode, 200);
  };
  const told = async (path: string) =>
    (await stage.ask(path, { headers: { authorization: undefined } })).body.toString();
  const sizes = async () => {
    const paths = [
      '/metrics',
      '/monitoring/cache',
      '/monitoring/cache/efficiency',
      '/monitoring/cache/levels',
    ];
    return await Promise.all(paths.map(async (path) => (await told(path)).length));
  };
  const send = async (from: number, to: number) => {
    for (let next = from; next < to; next += AT_A_TIME) {
      await Promise.all(Array.from({ length: Math.min(AT_A_TIME, to - next) }, (_, at) => ask(next + at)));
    }
  };
  await send(0, 1_000);
  const early = await sizes();
  await send(1_000, NAMES);
  const late = await sizes();
  for (const [at, size] of late.entries()) {
    // Figures have more digits, and nothing else.
    assert.ok(size < (early[at] ?? 0) * 1.05 + 500, `${early[at]} characters became ${size}`);
  }
  const figures: unknown = JSON.parse(await told('/monitoring/cache'));
  assert.ok(typeof figures === 'object' && figures !== null);
  const { models, namespaces, requests } = Object(figures);
  assert.equal(requests.total, NAMES);
  for (const lines of [models, namespaces]) {
    assert.ok(Object.keys(lines).length <= 201);
    const counted = Object.values(lines).reduce<number>((sum, line) => sum + Object(line).misses, 0);
    assert.equal(counted, NAMES);
  }
});
