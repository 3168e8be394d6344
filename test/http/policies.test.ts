import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chat, type Sent, send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';
import { type Stage, setStage } from '../support/stage.ts';

const CHAT = '/v1/chat/completions';

function withPolicy(policy: object, type = 'llm_responses'): Promise<Stage> {
  return setStage({ profile: { types: { [type]: policy } } });
}

async function told(stage: Pick<Stage, 'ask'>, body: object, path = CHAT): Promise<string> {
  const { headers } = await stage.ask(path, { body });
  return [headers.get('x-cache'), headers.get('x-cache-reason')].filter(Boolean).join(' ');
}

describe('which calls are cached by their randomness', () => {
  const calls: Readonly<Record<string, object>> = {
    'at temperature 0': { temperature: 0 },
    'at temperature 0.0': { temperature: 0.0, seed: 7 },
    'with a seed': { temperature: 1, seed: 7 },
    'drawn freely': { temperature: 0.7 },
    'of no said temperature': {},
    'with no seed': { seed: null },
  };
  const settings: readonly (readonly [sampling: string, cached: readonly string[]])[] = [
    ['any', Object.keys(calls)],
    ['seeded', ['at temperature 0', 'at temperature 0.0', 'with a seed']],
    ['greedy', ['at temperature 0', 'at temperature 0.0']],
  ];
  for (const [sampling, cached] of settings) {
    it(`${sampling}: ${cached.join(', ')}`, async () => {
      await using stage = await withPolicy({ sampling });
      for (const [what, more] of Object.entries(calls)) {
        const body = chat(what, more);
        const words = [await told(stage, body), await told(stage, body)];
        const expected = cached.includes(what)
          ? ['MISS absent', 'HIT']
          : ['BYPASS sampling', 'BYPASS sampling'];
        assert.deepEqual(words, expected, what);
      }
    });
  }

  it('embeddings are not drawn, whatever the setting', async () => {
    await using stage = await withPolicy({ sampling: 'greedy' }, 'embeddings');
    const body = { model: 'm', input: 'x' };
    assert.equal(await told(stage, body, '/v1/embeddings'), 'MISS absent');
    assert.equal(await told(stage, body, '/v1/embeddings'), 'HIT');
  });
});

describe('what the cache does, by type', () => {
  it('off: it is not asked, and the caller’s bytes go upstream as they are', async () => {
    await using stage = await withPolicy({ mode: 'off' });
    const body = chat('x', { stream: true });
    assert.equal(await told(stage, body), 'BYPASS mode-off');
    assert.equal(await told(stage, body), 'BYPASS mode-off');
    assert.equal(stage.upstream.calls[1]?.body.toString(), JSON.stringify(body));
    assert.equal(await told(stage, { model: 'm', input: 'x' }, '/v1/embeddings'), 'MISS absent');
  });

  it('read_only: what is there is served, and nothing is added', async () => {
    await using stage = await withPolicy({});
    await told(stage, chat('old'));
    await stage.reprise.stop();
    await using reprise = await startReprise({
      upstream: stage.upstream.url,
      folder: stage.reprise.folder,
      profile: { types: { llm_responses: { mode: 'read_only' } } },
    });
    const again = { ask: (path: string, sent?: Sent) => send(reprise.url + path, sent) };
    assert.equal(await told(again, chat('old')), 'HIT');
    assert.equal(await told(again, chat('new')), 'MISS absent');
    assert.equal(await told(again, chat('new')), 'MISS absent');
  });

  it('read_only: calls under way are joined all the same', async () => {
    await using stage = await withPolicy({ mode: 'read_only' });
    const gate = stage.upstream.hold();
    const both = [told(stage, chat('x')), told(stage, chat('x'))];
    await stage.running(2);
    gate.release();
    assert.deepEqual((await Promise.all(both)).sort(), ['COALESCED', 'MISS absent']);
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('shadow: what would have been a hit is counted, and everybody is answered by the upstream', async () => {
    await using stage = await withPolicy({ mode: 'shadow' });
    const words = [await told(stage, chat('x')), await told(stage, chat('x')), await told(stage, chat('y'))];
    assert.deepEqual(words, ['BYPASS shadow-miss', 'BYPASS shadow-hit', 'BYPASS shadow-miss']);
    assert.equal(stage.upstream.calls.length, 3);
    assert.deepEqual(
      stage.reprise.events.flatMap((event) => (event.kind === 'answered' ? [event.reason] : [])),
      ['shadow-miss', 'shadow-hit', 'shadow-miss'],
    );
  });

  it('shadow: nobody joins a call, and a failure is not answered with an old entry', async () => {
    await using stage = await withPolicy({ mode: 'shadow', ttl: '1ms', stale_if_error: '1h' });
    await told(stage, chat('x'));
    const gate = stage.upstream.hold();
    const both = [told(stage, chat('y')), told(stage, chat('y'))];
    await stage.running(2);
    gate.release();
    await Promise.all(both);
    assert.equal(stage.upstream.calls.length, 3);
    stage.upstream.answer((_request, response) => void response.writeHead(500).end());
    assert.equal((await stage.ask(CHAT, { body: chat('x') })).status, 500);
  });

  it('shadow: a batch goes upstream whole, and is answered whole', async () => {
    await using stage = await withPolicy({ mode: 'shadow' }, 'embeddings');
    const first = { model: 'm', input: ['a', 'b'] };
    await told(stage, first, '/v1/embeddings');
    assert.equal(
      await told(stage, { model: 'm', input: ['a', 'c'] }, '/v1/embeddings'),
      'BYPASS shadow-miss',
    );
    assert.equal(await told(stage, first, '/v1/embeddings'), 'BYPASS shadow-hit');
    assert.deepEqual(
      stage.upstream.calls.map((call) => call.json().input),
      [
        ['a', 'b'],
        ['a', 'c'],
        ['a', 'b'],
      ],
    );
  });

  it('shadow: only-if-cached finds nothing', async () => {
    await using stage = await withPolicy({ mode: 'shadow' });
    await told(stage, chat('x'));
    const only = await stage.ask(CHAT, { body: chat('x'), headers: { 'cache-control': 'only-if-cached' } });
    assert.equal(only.status, 504);
  });
});
