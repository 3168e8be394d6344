import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hashOf } from '../../src/policy/client-key.ts';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { type Answer, chat, send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';
import { type Handler, startUpstream } from '../support/upstream.ts';

/** Two people of one tenant, and one of another. */
const PEOPLE = ['ann', 'bob', 'cat'] as const;
type Person = (typeof PEOPLE)[number];

/** For each way of sharing, who is served what ann paid for: what touches nothing of the account, and what does. */
const MODES: readonly (readonly [mode: string, access: object, free: readonly Person[]])[] = [
  ['passthrough, credential', {}, ['ann']],
  ['passthrough, verified', { share: 'verified' }, ['ann', 'bob', 'cat']],
  ['gateway, tenant', { mode: 'gateway', share: 'tenant' }, ['ann', 'bob']],
  ['gateway, all', { mode: 'gateway', share: 'all' }, ['ann', 'bob', 'cat']],
];

interface Asked {
  readonly path: string;
  readonly body?: object;
}

const ENDPOINTS: readonly (readonly [endpoint: string, asked: Asked, owned: boolean])[] = [
  ['chat', { path: '/v1/chat/completions', body: chat('x') }, false],
  ['chat, streamed', { path: '/v1/chat/completions', body: chat('x', { stream: true }) }, false],
  ['chat with a file', { path: '/v1/chat/completions', body: chat('x', { file_id: 'f' }) }, true],
  ['completions', { path: '/v1/completions', body: { model: 'm', prompt: 'x' } }, false],
  ['responses that are kept', { path: '/v1/responses', body: { model: 'm', input: 'x' } }, true],
  ['responses', { path: '/v1/responses', body: { model: 'm', input: 'x', store: false } }, false],
  [
    'responses after another',
    { path: '/v1/responses', body: { model: 'm', input: 'x', store: false, previous_response_id: 'r' } },
    true,
  ],
  ['embeddings', { path: '/v1/embeddings', body: { model: 'm', input: ['x', 'y'] } }, false],
  ['moderations', { path: '/v1/moderations', body: { model: 'm', input: ['x', 'y'] } }, false],
  ['a ranking', { path: '/v1/rerank', body: { model: 'm', query: 'x', documents: ['a'] } }, false],
  ['chat of an Azure deployment', { path: '/openai/deployments/d/chat/completions', body: chat('x') }, false],
  ['vector store search', { path: '/v1/vector_stores/vs/search', body: { query: 'x' } }, true],
  ['models', { path: '/v1/models' }, true],
  ['one model', { path: '/v1/models/m' }, true],
];

const KEYS = PEOPLE.map((name) => ({
  name,
  hash: hashOf(`rp-${name}`),
  tenant: name === 'cat' ? 'b' : 'a',
  objects: true,
}));

for (const [mode, access, free] of MODES) {
  const gateway = mode.startsWith('gateway');
  describe(`who is served what another paid for: ${mode}`, () => {
    for (const [endpoint, asked, owned] of ENDPOINTS) {
      const served = owned ? ['ann'] : free;
      it(`${endpoint}: ${served.join(', ')}, as a hit, as a join, and when it is stale`, async () => {
        const clock = new ManualClock();
        await using upstream = await startUpstream();
        await using reprise = await startReprise({
          upstream: upstream.url,
          clock,
          profile: {
            access: { ...access, ...(gateway && { keys: KEYS }) },
            types: Object.fromEntries(
              ['embeddings', 'llm_responses', 'search_results', 'models'].map((type) => [
                type,
                { ttl: '1m', stale_while_revalidate: '1m', stale_if_error: '1h' },
              ]),
            ),
          },
          upstreamSettings: gateway ? { api_key: 'sk-operator' } : {},
        });
        const ask = (who: Person, path = asked.path): Promise<Answer> =>
          send(reprise.url + path, {
            headers: { authorization: `Bearer rp-${who}` },
            ...(asked.body && { body: asked.body }),
          });
        const verify = async () => {
          // Everybody is one whom the upstream has answered, on this endpoint and model, and something else at that.
          for (const who of PEOPLE) await ask(who, `${asked.path}?first`);
        };
        const count = () => upstream.calls.length;

        await verify();
        let before = count();
        await ask('ann');
        assert.equal(count(), before + 1);
        for (const who of PEOPLE) {
          before = count();
          await ask(who);
          assert.equal(count() - before, served.includes(who) ? 0 : 1, `${who}, a hit`);
        }

        // An hour later, what is old may answer for an upstream that fails.
        clock.advance(90_000);
        await verify();
        upstream.answer(broken);
        for (const who of PEOPLE) {
          const { status, headers } = await ask(who);
          // By now each has paid for an entry of its own, so that nobody goes without.
          assert.deepEqual([status, headers.get('x-cache')], [200, 'STALE'], `${who}, stale`);
        }
        upstream.answer(undefined);
        clock.advance(2 * 3_600_000);

        await verify();
        for (const who of PEOPLE) {
          const gate = upstream.hold();
          before = count();
          const path = `${asked.path}?join=${who}`;
          const first = ask('ann', path);
          await until(() => count() === before + 1, 'the first call');
          const second = ask(who, path);
          await until(() => reprise.running() === 2 && count() >= before + 1, 'the second request');
          if (!served.includes(who)) await until(() => count() === before + 2, `${who} asks alone`);
          gate.release();
          await within(Promise.all([first, second]), 'both answers');
          assert.equal(count() - before, served.includes(who) ? 1 : 2, `${who}, a join`);
        }
      });
    }
  });
}

const broken: Handler = (_request, response) => {
  response.writeHead(503).end();
};

describe('200 concurrent callers of every endpoint', () => {
  for (const [mode, access, free] of MODES) {
    it(`are given what they or those who share with them paid for, and nothing else: ${mode}`, async (t) => {
      const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
      t.diagnostic(`SEED=${seed}`);
      const random = randomFrom(seed);
      const gateway = mode.startsWith('gateway');
      await using upstream = await startUpstream();
      await using reprise = await startReprise({
        upstream: upstream.url,
        // A small memory: entries also come and go between the tiers.
        profile: { access: { ...access, ...(gateway && { keys: KEYS }) }, memory: { max_entries: 8 } },
        upstreamSettings: gateway ? { api_key: 'sk-operator' } : {},
      });
      // Every answer bears a number; whoever is told MISS with it has paid for it.
      let serial = 0;
      upstream.answer((_request, response) => {
        serial += 1;
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(numbered(serial)));
      });
      const payers = new Map<number, Person>();
      const given: { who: Person; endpoint: string; owned: boolean; number: number }[] = [];
      const caller = async () => {
        for (let round = 0; round < 6; round += 1) {
          const who = PEOPLE[random(PEOPLE.length)] ?? 'ann';
          const [endpoint, { path, body }, owned] = ENDPOINTS[random(ENDPOINTS.length)] ?? CHAT;
          if (endpoint === 'chat, streamed') continue;
          const answer = await send(reprise.url + path, {
            headers: { authorization: `Bearer rp-${who}` },
            ...(body && {
              body: 'input' in body && Array.isArray(body.input) ? { ...body, input: ['x'] } : body,
            }),
          });
          assert.equal(answer.status, 200);
          const number = numberOf(answer);
          if (answer.headers.get('x-cache') === 'MISS') payers.set(number, who);
          given.push({ who, endpoint, owned, number });
        }
      };
      await Promise.all(Array.from({ length: 200 }, caller));
      assert.ok(
        given.length > 1000 && serial < given.length / 2,
        `${serial} calls for ${given.length} requests`,
      );
      for (const { who, endpoint, owned, number } of given) {
        const payer = payers.get(number);
        assert.ok(payer !== undefined, `nobody paid for ${number}`);
        const share = payer === who || (!owned && free.includes(payer) && free.includes(who));
        assert.ok(share, `${endpoint}: ${who} was given what ${payer} paid for`);
      }
      const sent = upstream.calls.map(({ rawHeaders }) => rawHeaders.join(' ')).join(' ');
      if (gateway) assert.doesNotMatch(sent, /rp-/);
    });
  }
});

const CHAT = ENDPOINTS[0] ?? assert.fail();

/** An answer that every endpoint can read, and whose number is in whatever is kept of it. */
function numbered(number: number): object {
  return {
    id: `n${number}`,
    model: 'm',
    object: 'response',
    status: 'completed',
    choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
    output: [{ type: 'message', content: [{ type: 'output_text', text: 'x' }] }],
    data: [{ object: 'embedding', index: 0, embedding: [number] }],
    results: [{ index: 0, relevance_score: 1 }],
    usage: { prompt_tokens: 1, total_tokens: 1 },
  };
}

function numberOf({ body }: Answer): number {
  const { id, data } = JSON.parse(body.toString());
  return id === undefined ? data[0].embedding[0] : Number(id.slice(1));
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
