import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PlanInput } from '../../src/endpoints/endpoint.ts';
import { createRouteEndpoint } from '../../src/endpoints/route.ts';
import { ENDPOINTS } from '../../src/endpoints/table.ts';
import { type TaggedPlan, withTags } from '../../src/endpoints/tagged.ts';
import { type TagRule, TagRules } from '../../src/policy/tag-rules.ts';
import { planOf, take } from '../support/plans.ts';

const endpoint = (name: string, ...rules: TagRule[]) => {
  const found = ENDPOINTS.find((known) => known.name === name) ?? assert.fail(name);
  return withTags(found, new TagRules(rules, () => 0), 'api');
};

function planned(...[of, body, more]: Parameters<typeof planOf>): TaggedPlan {
  const plan = planOf(of, body, more);
  return 'tags' in plan ? (plan as TaggedPlan) : assert.fail(JSON.stringify(plan));
}

const CHAT = { model: 'gpt-5', messages: [{ role: 'user', content: 'Is SKU-7 or SKU-8 better?' }] };
const SKU = { text: 'SKU-(\\d+)', tag: 'product:{1}' };
const ANSWER = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'SKU-7' }, finish_reason: 'stop' }],
};

describe('the tags that are built in', () => {
  for (const [name, body, params, expected] of [
    ['chat', CHAT, [], ['model:gpt-5']],
    ['completions', { model: 'gpt-5', prompt: 'a' }, [], ['model:gpt-5']],
    ['responses', { model: 'gpt-5', input: 'a', store: false }, [], ['model:gpt-5']],
    ['embeddings', { model: 'e', input: ['a', 'b'] }, [], ['model:e']],
    ['moderations', { model: 'm', input: ['a', 'b'] }, [], ['model:m']],
    ['rerank', { model: 'r', query: 'a', documents: ['b'] }, [], ['model:r']],
    ['vector_store_search', { query: 'a' }, [['vector_store_id', 'vs_1']], ['vector_store:vs_1']],
    ['moderations', { input: ['a'] }, [], []],
    ['chat', { ...CHAT, model: 'other' }, [['model', 'deployed']], ['model:deployed']],
  ] as const) {
    it(`of ${name}: ${expected.join() || 'none'}`, () => {
      assert.deepEqual(planned(endpoint(name), body, { params: new Map(params) }).tags, expected);
    });
  }

  it('a model whose name is no tag is not kept', () => {
    const plan = planOf(endpoint('chat'), { ...CHAT, model: 'a\u0000' });
    assert.deepEqual(plan, { kind: 'bypass', reason: 'tags-unreadable', touches: 'nothing' });
  });
});

describe('metadata.cache_tags', () => {
  const sent = (name: string, body: object) => {
    const plan = planned(endpoint(name), body);
    return { tags: plan.tags, body: plan.narrow([0]).toString(), content: plan.parts[0]?.content };
  };

  it('are tags, and stay here with nothing else changed', () => {
    const text =
      '{"model":"gpt-5", "metadata" : {"topic": "x", "cache_tags": "product:7, a b,"},"messages":[1e0]}';
    const plan = planned(endpoint('chat'), text);
    assert.deepEqual(plan.tags, ['product:7', 'a b', 'model:gpt-5']);
    assert.equal(
      plan.narrow([0]).toString(),
      '{"model":"gpt-5", "metadata" : {"topic": "x"},"messages":[1e0]}',
    );
  });

  it('take metadata along that held nothing else, so that every endpoint takes them', () => {
    for (const [name, body] of [
      ['chat', CHAT],
      ['embeddings', { model: 'e', input: ['a'] }],
      ['moderations', { model: 'e', input: ['a'] }],
      ['rerank', { model: 'r', query: 'a', documents: ['b'] }],
    ] as const) {
      const plain = sent(name, body);
      const tagged = sent(name, { ...body, metadata: { cache_tags: 'product:7' } });
      assert.deepEqual(tagged, { ...plain, tags: ['product:7', ...plain.tags] });
    }
  });

  it('that cannot be read are refused by name', () => {
    for (const cacheTags of [['a'], 7, null, 'a,b\u0000', 'x'.repeat(1025)]) {
      assert.throws(() => planOf(endpoint('chat'), { ...CHAT, metadata: { cache_tags: cacheTags } }), {
        code: 'invalid_request',
        param: 'metadata.cache_tags',
      });
    }
  });

  it('are only those of the metadata', () => {
    const body = JSON.stringify({ ...CHAT, cache_tags: 'a', metadata: { a: { cache_tags: 'b' } } });
    const plan = planned(endpoint('chat'), body);
    assert.deepEqual([plan.tags, plan.narrow([0]).toString()], [['model:gpt-5'], body]);
  });

  it('are repeated to who sent them, as the rest of the metadata is, in JSON and in a running stream', () => {
    const body = {
      model: 'gpt-5',
      input: 'a',
      store: false,
      stream: true,
      metadata: { t: 'x', cache_tags: 'a' },
    };
    const response = { status: 'completed', output: [], store: false, metadata: { t: 'x' } };
    const { view, takeApart } = planned(endpoint('responses'), body);
    const event = (said: object) =>
      Buffer.from(`event: response.completed\ndata: ${JSON.stringify(said)}\n\n`);
    const seen =
      view?.()
        .push(event({ type: 'response.completed', response }))
        .toString() ?? '';
    assert.deepEqual(JSON.parse(seen.split('data: ')[1] ?? ''), {
      type: 'response.completed',
      response: { ...response, metadata: body.metadata },
    });
    const broken = Buffer.from('data: {"response"\n\n');
    assert.deepEqual(view?.().push(broken), broken);

    const json = planned(endpoint('responses'), { ...body, stream: false });
    const taken = takeApart({ status: 200, headers: [], body: Buffer.from(JSON.stringify(response)) }, [0]);
    const shown = json.putTogether(taken.kind === 'parts' ? taken.payloads : [], {
      identity: 'keep',
      now: 0,
      newId: () => '',
    });
    assert.deepEqual(JSON.parse(shown.body.toString()).metadata, body.metadata);
    assert.equal(planned(endpoint('responses'), { ...body, metadata: { t: 'x' } }).view, undefined);
  });
});

describe('the tags that rules find in a request', () => {
  it('in the text before the model, and nowhere else', () => {
    const body = {
      ...CHAT,
      model: 'SKU-1',
      user: 'SKU-2',
      tools: [{ type: 'function', function: { name: 'f', description: 'SKU-3' } }],
      messages: [
        { role: 'system', content: 'You know SKU-4.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'SKU-5' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,SKU-6' } },
          ],
        },
        {
          role: 'assistant',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"id":"SKU-7"}' } }],
        },
      ],
    };
    assert.deepEqual(planned(endpoint('chat', SKU), body).tags, [
      'model:SKU-1',
      'product:4',
      'product:5',
      'product:7',
    ]);
  });

  it('also in a text that begins as the URL of a file does', () => {
    for (const content of [
      'data: SKU-7 costs 12',
      'data:\nSKU-7',
      'data:SKU-7, lamp',
      'data: a,b;base64,SKU-7',
    ]) {
      const body = { ...CHAT, messages: [{ role: 'user', content }] };
      assert.deepEqual(planned(endpoint('chat', SKU), body).tags, ['model:gpt-5', 'product:7'], content);
    }
  });

  it('of a batch each part has those of its own text', () => {
    for (const name of ['embeddings', 'moderations']) {
      const plan = planned(endpoint(name, SKU), {
        model: 'm',
        input: ['SKU-1 SKU-2', 'none', 'SKU-3', 'none'],
      });
      assert.deepEqual(plan.tags, ['model:m']);
      assert.deepEqual(
        plan.parts.map(({ tags }) => tags),
        [['product:1', 'product:2'], [], ['product:3']],
      );
      assert.equal('texts' in plan, false);
    }
    const tokens = planned(endpoint('embeddings', SKU), { model: 'm', input: [[1], [2]] });
    assert.deepEqual(
      tokens.parts.map(({ tags }) => tags),
      [[], []],
    );
  });

  it('a request whose tags cannot be told is bypassed', () => {
    const topic = { request: '$.metadata.topic', tag: 'topic:{value}' };
    const many = Array.from({ length: 300 }, (_, at) => `SKU-${at}`).join(' ');
    for (const [name, rule, body, reason] of [
      ['chat', topic, { ...CHAT, metadata: { topic: {} } }, 'tags-unreadable'],
      ['chat', SKU, { ...CHAT, messages: [{ role: 'user', content: many }] }, 'too-many-tags'],
      ['embeddings', SKU, { model: 'e', input: ['a', many] }, 'too-many-tags'],
      ['chat', topic, { ...CHAT, metadata: { cache_tags: many.replaceAll(' ', ',') } }, 'too-many-tags'],
    ] as const) {
      const { kind, touches, ...planned } = planOf(endpoint(name, rule), body);
      assert.deepEqual([kind, 'reason' in planned && planned.reason, touches], ['bypass', reason, 'nothing']);
    }
  });
});

describe('the tags of an answer', () => {
  const HEADERS = [
    ['content-type', 'application/json'],
    ['surrogate-key', 'a b'],
  ] as const;

  it('come with what is taken of it: those of its headers, and those that rules find', () => {
    const plan = planned(
      endpoint(
        'chat',
        { json: '$.choices[*].finish_reason', tag: 'end:{value}' },
        { header: 'x-c', tag: 'c:{value}' },
      ),
      CHAT,
    );
    const headers = [...HEADERS, ['x-c', 'd'] as const];
    assert.equal(plan.tagsInBody, true);
    assert.deepEqual(plan.tagsOfHead(headers), { ok: true, tags: ['a', 'b', 'c:d'] });
    const taken = plan.takeApart({ status: 200, headers, body: Buffer.from(JSON.stringify(ANSWER)) }, [0]);
    assert.deepEqual(taken.kind === 'parts' && [taken.tags, taken.refused], [
      ['a', 'b', 'c:d', 'end:stop'],
      undefined,
    ]);
    assert.equal(planned(endpoint('chat'), CHAT).tagsInBody, false);
  });

  it('one whose tags cannot be told is shown and not stored', () => {
    const plan = planned(endpoint('chat', { json: '$.choices', tag: 'end:{value}' }), CHAT);
    const taken = take(plan, ANSWER);
    assert.equal(taken.kind === 'parts' && taken.refused, 'tags-unreadable');
    const groups = planned(endpoint('chat'), CHAT).takeApart(
      { status: 200, headers: [['cache-groups', 'a']], body: Buffer.from(JSON.stringify(ANSWER)) },
      [0],
    );
    assert.equal(groups.kind === 'parts' && groups.refused, 'tags-unreadable');
  });

  it('one that is refused anyway is refused for that', () => {
    const plan = planned(endpoint('chat', { json: '$.choices', tag: 'end:{value}' }), CHAT);
    const cut = { choices: [{ ...ANSWER.choices[0], finish_reason: 'length' }] };
    const taken = take(plan, cut);
    assert.equal(taken.kind === 'parts' && taken.refused, 'finish:length');
    assert.deepEqual(take(plan, 'html'), { kind: 'opaque', reason: 'not-json' });
  });

  it('of a stream are found in the answer that it makes up', () => {
    const rule = { json: '$.choices[*].message.content', tag: 'said:{value}' };
    const plan = planned(endpoint('chat', rule), { ...CHAT, stream: true });
    const chunk = (delta: object, finish: string | null) =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    const recorder = plan.record?.({ status: 200, headers: HEADERS }, 1e6);
    const stream = [
      chunk({ role: 'assistant', content: 'prod' }, null),
      chunk({ content: 'uct:7' }, 'stop'),
      'data: [DONE]\n\n',
    ];
    const taken = recorder?.push(Buffer.from(stream.join('')));
    assert.deepEqual(taken?.kind === 'parts' && taken.tags, ['a', 'b', 'said:product:7']);
    const responses = planned(endpoint('responses', { json: '$.id', tag: '{value}' }), {
      model: 'm',
      input: 'a',
      stream: true,
    });
    const final = { type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [] } };
    const done = responses
      .record?.({ status: 200, headers: [] }, 1e6)
      .push(Buffer.from(`data: ${JSON.stringify(final)}\n\n`));
    assert.deepEqual(done?.kind === 'parts' && done.tags, ['resp_1']);
  });
});

describe('a route', () => {
  const ROUTE = {
    name: 'search',
    match: { method: ['GET', 'POST'], path: '/catalog/{shop}' },
    type: 'search_results',
    key: { query: '*', headers: [], body: true },
    respect_upstream: false,
  } as const;
  const route = (...rules: TagRule[]) =>
    withTags(createRouteEndpoint(ROUTE), new TagRules(rules, () => 0), 'user');
  const asked: Partial<PlanInput> = { query: 'q=SKU-1', params: new Map([['shop', 'north']]) };

  it('has tags of its path, its query, all texts of its body, and its answer', () => {
    const plan = planned(
      route('shop:{shop}', SKU, { json: '$.hits[*].id', tag: 'product:{value}' }),
      { a: ['SKU-2'] },
      asked,
    );
    assert.deepEqual(plan.tags, ['shop:north', 'product:2', 'product:1']);
    const taken = take(plan, { hits: [{ id: 3 }, { id: '4' }] });
    assert.deepEqual(taken.kind === 'parts' && taken.tags, ['product:3', 'product:4']);
    const html = take(plan, '<html>');
    assert.equal(html.kind === 'parts' && html.refused, 'tags-unreadable');
  });

  it("keeps its callers' bodies as they are, metadata.cache_tags too", () => {
    const body = JSON.stringify({ metadata: { cache_tags: 'a' } });
    const plan = planned(route(), body, asked);
    assert.deepEqual([plan.tags, plan.narrow([0]).toString()], [[], body]);
  });

  it('without a body has none to read; with one that is no JSON it is bypassed where a rule would', () => {
    const topic = { request: '$.topic', tag: '{value}' };
    assert.deepEqual(planned(route(topic, SKU), '', asked).tags, ['product:1']);
    const form = { ...asked, header: () => undefined };
    assert.equal(planOf(route(topic), 'a=b', form).kind, 'bypass');
    assert.equal(planOf(route(SKU), 'a=b', form).kind, 'bypass');
    assert.equal(planOf(route('shop:{shop}'), 'a=b', form).kind, 'plan');
  });
});

it('searches, rankings, vectors and routes give their tags on, and what models write inherits them', () => {
  const kinds = ENDPOINTS.map(({ name, lineage }) => `${name} ${lineage ?? 'neither'}`);
  assert.deepEqual([...new Set(kinds)].sort(), [
    'chat inherits',
    'completions inherits',
    'embeddings gives',
    'models neither',
    'moderations neither',
    'rerank gives',
    'responses inherits',
    'vector_store_search gives',
  ]);
});
