import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CohereClient, CohereClientV2, CohereError } from 'cohere-ai';
import { setStage } from '../support/stage.ts';
import { type Calls, describeTwice } from './twice.ts';

const QUERY = {
  model: 'rerank-v3.5',
  query: 'a lamp for reading',
  documents: ['Lamps', 'Chairs', 'Desk lamps', 'Tables'],
};

interface Clients {
  readonly v1: CohereClient;
  readonly v2: CohereClientV2;
}

/** Cohere's clients put the version into the path themselves. */
function connect(baseURL: string): Clients {
  const options = { token: 'co-test', environment: baseURL.replace(/\/v1$/, ''), maxRetries: 0 };
  return { v1: new CohereClient(options), v2: new CohereClientV2(options) };
}

const CALLS: Calls<Clients> = new Map<string, (clients: Clients) => Promise<unknown>>([
  ['v2 rerank', async ({ v2 }) => v2.rerank(QUERY)],
  ['v2 rerank, the best two', async ({ v2 }) => v2.rerank({ ...QUERY, topN: 2 })],
  ['v2 rerank of shortened documents', async ({ v2 }) => v2.rerank({ ...QUERY, maxTokensPerDoc: 64 })],
  ['v1 rerank', async ({ v1 }) => v1.rerank(QUERY)],
  ['v1 rerank, the best two', async ({ v1 }) => v1.rerank({ ...QUERY, topN: 2 })],
  [
    'v1 rerank of documents with fields',
    async ({ v1 }) =>
      v1.rerank({
        ...QUERY,
        documents: QUERY.documents.map((text) => ({ text, lang: 'en' })),
        rankFields: ['text'],
      }),
  ],
  ['v2 of the v1 client', async ({ v1 }) => v1.v2.rerank(QUERY)],
]);

describe('cohere-ai', () => {
  describeTwice(connect, CALLS);

  for (const version of ['v1', 'v2'] as const) {
    it(`${version}: one ranking answers for every number of documents wanted`, async () => {
      await using stage = await setStage();
      const direct = connect(stage.upstream.url);
      const client = connect(`${stage.reprise.url}/v1`);
      const wanted = [2, 1, 3, 4, undefined];
      const right: unknown[] = [];
      for (const topN of wanted) right.push(await rank(direct, version, topN));
      for (const [at, topN] of wanted.entries()) {
        assert.deepEqual(await rank(client, version, topN), right[at], `the best ${topN ?? 'of all'}`);
      }
      assert.equal(stage.upstream.calls.length, wanted.length + 1);
    });
  }

  it('shows in the headers what the cache did', async () => {
    await using stage = await setStage();
    const { v2 } = connect(`${stage.reprise.url}/v1`);
    const first = await v2.rerank(QUERY).withRawResponse();
    const second = await v2.rerank({ ...QUERY, topN: 1 }).withRawResponse();
    assert.equal(first.rawResponse.headers.get('x-cache'), 'MISS');
    assert.equal(second.rawResponse.headers.get('x-cache'), 'HIT');
  });

  it('shows an error of ours as its own', async () => {
    await using stage = await setStage();
    await stage.upstream.close();
    const { v2 } = connect(`${stage.reprise.url}/v1`);
    await assert.rejects(
      async () => v2.rerank(QUERY),
      (thrown) => {
        assert.ok(thrown instanceof CohereError, `${thrown}`);
        assert.equal(thrown.statusCode, 502);
        assert.match(JSON.stringify(thrown.body), /"code":"upstream_unreachable"/);
        return true;
      },
    );
  });
});

async function rank(clients: Clients, version: 'v1' | 'v2', topN: number | undefined): Promise<unknown> {
  return clients[version].rerank({ ...QUERY, ...(topN !== undefined && { topN }) });
}
