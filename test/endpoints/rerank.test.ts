import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rerankEndpoint as endpoint } from '../../src/endpoints/rerank.ts';
import { contentsOf, FRESH, KEEP, payloadsOf, planned, take } from '../support/plans.ts';
import { rankingAnswer } from '../support/rankings.ts';

const DOCUMENTS = ['a', 'b', 'c', 'd'];
const ASKED = { model: 'r', query: 'q', documents: DOCUMENTS };

describe('the entry of a ranking', () => {
  it('is the same for every top_n, at each of the paths', () => {
    const [whole] = contentsOf(endpoint, ASKED);
    for (const topN of [1, 2, 4, 5, 1000]) {
      assert.deepEqual(contentsOf(endpoint, { ...ASKED, top_n: topN }), [whole], String(topN));
    }
    assert.deepEqual(endpoint.paths, ['/v1/rerank', '/v2/rerank', '/rerank']);
  });

  it('is the same for a top_n of 0 where that means all', () => {
    const zero = { ...ASKED, top_n: 0 };
    assert.deepEqual(contentsOf(endpoint, zero, { dialect: 'vllm' }), contentsOf(endpoint, ASKED));
    assert.notDeepEqual(contentsOf(endpoint, zero), contentsOf(endpoint, ASKED));
  });

  it('differs by everything else', () => {
    const requests = [
      ASKED,
      { ...ASKED, model: 's' },
      { ...ASKED, query: 'p' },
      { ...ASKED, documents: ['b', 'a', 'c', 'd'] },
      { ...ASKED, documents: DOCUMENTS.map((text) => ({ text })) },
      { ...ASKED, return_documents: true },
      { ...ASKED, return_documents: false },
      { ...ASKED, rank_fields: ['title'] },
      { ...ASKED, max_tokens_per_doc: 4096 },
      { ...ASKED, max_chunks_per_doc: 10 },
      { ...ASKED, unknown: null },
    ];
    const contents = requests.flatMap((request) => contentsOf(endpoint, request));
    assert.equal(new Set(contents).size, requests.length);
  });

  it('is its own for what is no number of results, which goes upstream as it is', () => {
    const [whole] = contentsOf(endpoint, ASKED);
    for (const topN of [
      '0',
      '-1',
      '"2"',
      '2.5',
      '2.0',
      '2e0',
      'null',
      'true',
      '[]',
      '1000000000000000000000',
    ]) {
      const body = `{"query":"q","model":"r","documents":["a","b","c","d"],"top_n":${topN}}`;
      const plan = planned(endpoint, body);
      assert.notEqual(plan.parts[0]?.content, whole, topN);
      assert.equal(plan.narrow([0]).toString(), body);
      const answer = '{"results":[{"index":3,"relevance_score":0.1}]}';
      assert.equal(plan.putTogether(payloadsOf(plan, answer), KEEP).body.toString(), answer);
    }
  });

  it('is its own for documents of no known form', () => {
    for (const documents of ['a', [], { content: [] }, null]) {
      const asked = { query: 'q', documents, top_n: 1 };
      assert.notDeepEqual(contentsOf(endpoint, asked), contentsOf(endpoint, { query: 'q', documents }));
      assert.equal(planned(endpoint, asked).narrow([0]).toString(), JSON.stringify(asked));
    }
  });

  it('may have no model: it is the server’s only one', () => {
    assert.equal(planned(endpoint, { query: 'q', documents: ['a'] }).label, '');
    assert.equal(planned(endpoint, ASKED).type, 'search_results');
  });
});

describe('what goes upstream for a ranking', () => {
  it('is the caller’s own bytes, without its limit', () => {
    const asked = (limit: string) => `{ "query":"q" ${limit}, "documents" : ["a","\\u0062"]}`;
    assert.equal(planned(endpoint, asked('')).narrow([0]).toString(), asked(''));
    assert.equal(
      planned(endpoint, asked(', "top_n": 1')).narrow([0]).toString(),
      '{ "query":"q" , "documents" : ["a","\\u0062"]}',
    );
  });
});

describe('what a caller gets of a ranking', () => {
  it('is the upstream’s own answer to its top_n, byte for byte', () => {
    for (const form of ['cohere', 'vllm'] as const) {
      const whole = rankingAnswer(ASKED, form);
      for (const topN of [1, 2, 3, 4, 5, 99]) {
        const plan = planned(endpoint, { ...ASKED, top_n: topN });
        const shown = plan.putTogether(payloadsOf(plan, whole), KEEP).body.toString();
        assert.equal(shown, rankingAnswer({ ...ASKED, top_n: topN }, form), `${form} ${topN}`);
      }
    }
  });

  it('has a new id for who wants one, cut or not', () => {
    for (const topN of [2, 4]) {
      const plan = planned(endpoint, { ...ASKED, top_n: topN });
      const fresh = plan.putTogether(payloadsOf(plan, rankingAnswer(ASKED)), FRESH).body.toString();
      const own = rankingAnswer({ ...ASKED, top_n: topN });
      assert.equal(fresh, own.replace('07734bd2', `rerank-${'n'.repeat(24)}`));
    }
  });

  const result = (index: unknown, score: unknown) =>
    `{"index":${String(index)},"relevance_score":${String(score)}}`;
  const answer = (...results: string[]) => `{"results":[${results.join()}]}`;
  const REST = [result(2, 0.2), result(3, 0.1)];
  for (const [reason, name, body] of [
    ['not-json', 'no JSON', '<html>'],
    ['not-an-object', 'a bare list', `[${result(0, 1)}]`],
    ['error-inside', 'an error', '{"error":"overloaded"}'],
    ['not-a-ranking', 'no results', '{"data":[]}'],
    ['not-a-ranking', 'results by place', '{"results":{"0":1}}'],
    ['not-a-ranking', 'results without a score', answer(result(0, 0.9), '{"index":1}', ...REST)],
    ['not-a-ranking', 'results without an index', answer('{"relevance_score":1}', result(1, 0.3), ...REST)],
    ['not-a-ranking', 'scores that are text', answer(result(0, '"0.9"'), result(1, 0.3), ...REST)],
    ['ranking-incomplete', 'too few results', answer(result(0, 0.9), result(1, 0.3))],
    ['ranking-incomplete', 'too many', answer(result(0, 0.9), result(1, 0.3), ...REST, result(4, 0))],
    ['ranking-incomplete', 'a document twice', answer(result(2, 0.9), result(1, 0.3), ...REST)],
    ['ranking-incomplete', 'a document that is none', answer(result(4, 0.9), result(1, 0.3), ...REST)],
    ['ranking-incomplete', 'half a document', answer(result(0.5, 0.9), result(1, 0.3), ...REST)],
    ['ranking-unsorted', 'the order of the documents', answer(result(0, 0.3), result(1, 0.9), ...REST)],
  ] as const) {
    it(`is what came, where that is ${name}: ${reason}`, () => {
      const plan = planned(endpoint, { ...ASKED, top_n: 2 });
      assert.deepEqual(take(plan, body), { kind: 'opaque', reason });
    });
  }
});
