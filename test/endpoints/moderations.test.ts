import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Payload } from '../../src/cache/entry.ts';
import { moderationsEndpoint as endpoint } from '../../src/endpoints/moderations.ts';
import { contentsOf, FRESH, KEEP, payloadsOf, planned, take } from '../support/plans.ts';

const [YES, NO] = ['{ "flagged":true, "scores":{"a":1.50e-3, "new":[]} }', '{"flagged":false}'];
const answer = (...results: string[]) => `{"id":"modr-1","model":"m-1","results":[${results.join(',\n')}]}`;
const PICTURE = [
  { type: 'text', text: 'a' },
  { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
];

describe('the parts of a moderation', () => {
  it('are the texts of a list, each repeat the part of its first', () => {
    const plan = planned(endpoint, { model: 'm', input: ['a', 'b', 'a'] });
    assert.equal(plan.parts.length, 2);
    assert.deepEqual(plan.order, [0, 1, 0]);
    assert.equal(plan.type, 'llm_responses');
    assert.equal(plan.label, 'm');
  });

  it('are the same in any list, however they are escaped', () => {
    const [alone] = contentsOf(endpoint, { input: ['é'] });
    assert.deepEqual(contentsOf(endpoint, '{"input":["b","\\u00e9"]}')[1], alone);
  });

  it('are the same where the model is the one that is taken anyway', () => {
    const said = { model: 'omni-moderation-latest', input: ['a'] };
    const silent = contentsOf(endpoint, { input: ['a'] }, { dialect: 'openai' });
    assert.deepEqual(contentsOf(endpoint, said, { dialect: 'openai' }), silent);
    assert.notDeepEqual(contentsOf(endpoint, said), contentsOf(endpoint, { input: ['a'] }));
  });

  it('are one for anything else than a list of texts, and for what may tie the texts together', () => {
    const requests: object[] = [
      { input: 'a' },
      { input: PICTURE },
      { input: ['a', PICTURE[0]] },
      { input: ['a', ''] },
      { input: ['a', 7] },
      { input: [] },
      { input: Array.from({ length: 2049 }, String) },
      { input: null },
      { model: 'm' },
      { input: ['a', 'b'], context: 'unknown' },
    ];
    const contents = requests.flatMap((request) => contentsOf(endpoint, request));
    assert.equal(contents.length, requests.length);
    assert.equal(new Set([...contents, ...contentsOf(endpoint, { input: ['a'] })]).size, requests.length + 1);
    for (const request of requests) {
      const text = JSON.stringify(request);
      assert.equal(planned(endpoint, request).narrow([0]).toString(), text);
    }
  });
});

describe('what goes upstream for a moderation', () => {
  it('is the caller’s own bytes where all is missing and nothing repeated, else only what is missing', () => {
    const text = '{ "input" : ["a" ,\n"\\u0062", "c"],"model":"m"}';
    const plan = planned(endpoint, text);
    assert.equal(plan.narrow([0, 1, 2]).toString(), text);
    assert.equal(plan.narrow([1, 2]).toString(), '{ "input" : ["\\u0062","c"],"model":"m"}');
    assert.equal(planned(endpoint, '{"input":["a","a"]}').narrow([0]).toString(), '{"input":["a"]}');
  });
});

describe('the results of a moderation', () => {
  it('are kept and shown byte for byte, in the caller’s order, with the identity they came with', () => {
    const plan = planned(endpoint, { input: ['a', 'b', 'a'] });
    const payloads = payloadsOf(plan, answer(YES, NO));
    assert.deepEqual(
      payloads.map(({ body }) => body.toString()),
      [YES, NO],
    );
    for (const { body } of payloads) assert.equal(body.buffer.byteLength, body.length);
    const { status, headers, body } = plan.putTogether(payloads, KEEP);
    assert.equal(status, 200);
    assert.deepEqual(headers, [['content-type', 'application/json']]);
    assert.equal(body.toString(), `{"id":"modr-1","model":"m-1","results":[${YES},${NO},${YES}]}`);
  });

  it('have a new identity for who wants one, in a list and as a whole', () => {
    for (const input of [['a', 'b'], 'a']) {
      const plan = planned(endpoint, { input });
      const body = answer(...(input === 'a' ? [YES] : [YES, NO]));
      const fresh = plan.putTogether(payloadsOf(plan, body), FRESH).body.toString();
      const kept = plan.putTogether(payloadsOf(plan, body), KEEP).body.toString();
      assert.equal(fresh, kept.replace('modr-1', `modr-${'n'.repeat(24)}`));
    }
  });

  it('lack what the upstream does not say, and only that', () => {
    const plan = planned(endpoint, { input: ['a'] });
    const payloads = payloadsOf(plan, `{"results":[${NO}]}`);
    assert.equal(plan.putTogether(payloads, KEEP).body.toString(), `{"results":[${NO}]}`);
  });

  it('are never of two snapshots of the model', () => {
    const plan = planned(endpoint, { input: ['a', 'b', 'c'] });
    const [payload] = payloadsOf(plan, answer(YES), [0]);
    assert.ok(payload);
    const other: Payload = { ...payload, facts: { ...payload.facts, model: 'm-2' } };
    assert.deepEqual(plan.disagreeing?.([payload, undefined, { ...payload, facts: { model: 'm-1' } }]), []);
    assert.deepEqual(plan.disagreeing?.([undefined, payload, other]), [1, 2]);
  });

  it('of a whole request are its answer, byte for byte', () => {
    const body = '{"id":"modr-1", "model":"m", "results":[{"flagged":true}], "extra":9007199254740993}';
    const plan = planned(endpoint, { input: PICTURE });
    assert.equal(plan.putTogether(payloadsOf(plan, body), KEEP).body.toString(), body);
  });

  for (const [reason, name, body] of [
    ['not-json', 'no JSON', '<html>'],
    ['not-an-object', 'no object', '[]'],
    ['error-inside', 'an error', `{"error":{"message":"m"},"results":[${YES},${NO}]}`],
    ['not-moderations', 'no results', '{"id":"modr-1"}'],
    ['not-moderations', 'results of another kind', '{"results":[true,false]}'],
    ['result-count', 'a result too few', answer(YES)],
    ['result-count', 'a result too many', answer(YES, NO, NO)],
  ] as const) {
    it(`cannot be taken from ${name}: ${reason}`, () => {
      const plan = planned(endpoint, { input: ['a', 'b', 'c'] });
      assert.deepEqual(take(plan, body, [0, 2]), { kind: 'opaque', reason });
    });
  }

  it('cannot be taken from a 404', () => {
    const plan = planned(endpoint, { input: ['a'] });
    const taken = plan.takeApart({ status: 404, headers: [], body: Buffer.from(answer(YES)) }, [0]);
    assert.deepEqual(taken, { kind: 'opaque', reason: 'status:404' });
  });
});
