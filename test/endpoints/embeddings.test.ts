import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Payload } from '../../src/cache/entry.ts';
import type { Bypass, Plan } from '../../src/endpoints/endpoint.ts';
import type { Dialect } from '../../src/openai/dialect.ts';
import { planEmbeddings, vectorsOf } from '../support/embeddings.ts';

const REPLAY = { identity: 'keep', now: 0, newId: () => 'x'.repeat(24) } as const;

/** Bytes of the float32 vectors [1, 2], [3, 4] and [5, 6]. */
const [ONE, TWO, THREE] = [floats(1, 2), floats(3, 4), floats(5, 6)];

describe('the parts of an embeddings request', () => {
  it('are its texts, each repeat the part of its first', () => {
    const plan = planned({ input: ['a', 'b', 'a'] });
    assert.equal(plan.parts.length, 2);
    assert.deepEqual(plan.order, [0, 1, 0]);
    assert.equal(plan.type, 'embeddings');
    assert.equal(plan.label, 'm');
  });

  it('are the same alone and in any batch, in either encoding, whoever the user is', () => {
    const [alone] = contents({ input: 'a' });
    assert.deepEqual(contents({ input: ['b', 'a'] })[1], alone);
    assert.deepEqual(contents({ input: ['a'], encoding_format: 'base64' }), [alone]);
    assert.deepEqual(contents({ input: 'a', encoding_format: 'float', user: 'u' }), [alone]);
  });

  it('are the same however the text is escaped', () => {
    const literal = contentsOf('{"model":"m","input":"é/"}');
    assert.deepEqual(contentsOf('{"input":["\\u00e9\\/"],"model":"m"}'), literal);
  });

  it('are one for an array of tokens, and one for each of several', () => {
    const [alone] = contents({ input: [1, 2] });
    assert.deepEqual(contents({ input: [[1, 2], [12]] })[0], alone);
    assert.equal(planned({ input: [1, 2] }).parts.length, 1);
  });

  it('differ by model, dimensions, text or tokens, and every field that shapes a vector', () => {
    const different = [
      { input: 'a' },
      { input: 'A' },
      { input: 'a ' },
      { input: '1' },
      { input: '[1]' },
      { input: [1] },
      { input: [1, 2] },
      { input: [12] },
      { input: 'a', model: 'n' },
      { input: 'a', dimensions: 2 },
      { input: 'a', input_type: 'query' },
      { input: 'a', task: 'retrieval' },
      { input: 'a', truncate: 'END' },
      { input: 'a', normalize: false },
      { input: 'a', late_chunking: true },
    ].flatMap((fields) => contents(fields));
    assert.equal(new Set(different).size, different.length);
  });

  it('are one for the whole request where a field may tie its inputs together', () => {
    const plan = planned({ input: ['a', 'b'], late_chunking: true });
    assert.equal(plan.parts.length, 1);
    assert.deepEqual(plan.order, [0]);
  });

  const limits: [string, unknown][] = [
    ['no input', undefined],
    ['null', null],
    ['empty text', ''],
    ['an empty array', []],
    ['an empty text among others', ['a', '']],
    ['an empty token array', [[1], []]],
    ['texts and tokens mixed', ['a', 1]],
    ['tokens and texts mixed', [1, 'a']],
    ['token arrays and texts mixed', [[1], 'a']],
    ['negative tokens', [-1]],
    ['tokens with a fraction', [1.5]],
    ['objects', [{ text: 'a' }]],
    ['an object', { text: 'a' }],
    ['more than 2,048 items', Array.from({ length: 2049 }, (_, index) => `t${index}`)],
  ];
  for (const [name, input] of limits) {
    it(`are not made of ${name}`, () => {
      assert.equal(bypassOf(planOf({ input })), 'input-not-itemizable');
    });
  }

  it('are not made where the vectors are asked for in another form than float32', () => {
    for (const [field, value, reason] of [
      ['encoding_format', 'bytes', 'encoding-unknown'],
      ['encoding_format', null, 'encoding-unknown'],
      ['embed_dtype', 'float16', 'embed-dtype'],
      ['endianness', 'big', 'endianness'],
    ] as const) {
      assert.equal(bypassOf(planOf({ input: 'a', [field]: value })), reason);
    }
  });
});

describe('what goes upstream', () => {
  it('is the caller’s own bytes where all is missing and nothing repeated', () => {
    for (const json of [
      '{ "input" : ["a",\n"b"], "model":"m", "encoding_format":"base64"}',
      '{"model":"m","encoding_format":"base64","input":"a"}',
      '{"model":"m","encoding_format":"base64","input":[7, 8]}',
    ]) {
      for (const dialect of ['openai', 'generic'] as const) {
        const plan = planOfText(json, dialect);
        assert.equal(plan.narrow([...plan.parts.keys()]).toString(), json);
      }
    }
  });

  it('has only the missing items, in their own spelling and order, and the rest untouched', () => {
    const plan = planOfText('{"user" : "u", "input": ["a" , "\\u0062","c", "a"] ,"model":"m"}');
    assert.equal(plan.narrow([1, 2]).toString(), '{"user" : "u", "input": ["\\u0062","c"] ,"model":"m"}');
    assert.equal(
      plan.narrow([0, 1, 2]).toString(),
      '{"user" : "u", "input": ["a","\\u0062","c"] ,"model":"m"}',
    );
  });

  it('keeps token arrays as arrays in an array', () => {
    const plan = planOfText('{"model":"m","input":[[1, 2],[3]]}');
    assert.equal(plan.narrow([0]).toString(), '{"model":"m","input":[[1, 2]]}');
  });

  it('asks for base64 where it is known to be given, whatever the caller wants', () => {
    for (const dialect of ['openai', 'azure', 'vllm'] as const) {
      const silent = planOfText('{"model":"m","input":["a","b"]}', dialect);
      assert.equal(
        silent.narrow([0, 1]).toString(),
        '{"encoding_format":"base64","model":"m","input":["a","b"]}',
      );
      assert.equal(silent.narrow([1]).toString(), '{"encoding_format":"base64","model":"m","input":["b"]}');
      const said = planOfText('{"input":"a","encoding_format" : "float","model":"m"}', dialect);
      assert.equal(said.narrow([0]).toString(), '{"input":"a","encoding_format" : "base64","model":"m"}');
    }
  });

  it('is the caller’s own body for a request that is not taken apart', () => {
    const json = '{"model":"m","input":["a","a"],"late_chunking":true}';
    assert.equal(planOfText(json, 'openai').narrow([0]).toString(), json);
  });
});

describe('an upstream’s answer', () => {
  it('is mapped by index, whatever its order and its encoding', () => {
    const plan = planned({ input: ['a', 'b', 'c'] });
    const answer = list(item(2, THREE), item(0, [1, 2]), item(1, TWO));
    assert.deepEqual(bodies(plan, answer, [0, 1, 2]), [ONE, TWO, THREE]);
    assert.deepEqual(bodies(plan, list(item(1, [5, 6]), item(0, ONE)), [0, 2]), [ONE, THREE]);
  });

  it('gives its tokens to the items: exactly where it can be known, by length where not', () => {
    const texts = planned({ input: ['aa', 'aa', 'bbbbbb'] });
    const both = list(item(0, ONE), item(1, TWO));
    assert.deepEqual(facts(texts, both, [0, 1]), [
      { model: 'm-1', tokens: 2, tokens_estimated: true },
      { model: 'm-1', tokens: 6, tokens_estimated: true },
    ]);
    assert.deepEqual(facts(texts, list(item(0, ONE)), [1]), [
      { model: 'm-1', tokens: 8, tokens_estimated: false },
    ]);
    const tokens = planned({
      input: [
        [1, 2, 3],
        [1, 2, 3, 4, 5],
      ],
    });
    assert.deepEqual(
      facts(tokens, both, [0, 1]).map((fact) => [fact.tokens, fact.tokens_estimated]),
      [
        [3, false],
        [5, false],
      ],
    );
  });

  const bad: [string, string, string][] = [
    ['not-json', 'no JSON', '<html>'],
    ['not-embeddings', 'without data', '{"object":"list"}'],
    ['not-embeddings', 'no object', '[]'],
    [
      'not-embeddings',
      'with an error inside',
      `{"error":{"message":"m"},"data":[${item(0, ONE)},${item(1, TWO)}]}`,
    ],
    ['not-embeddings', 'with items that are no objects', list('1', '2')],
    ['vector-count', 'with a vector too few', list(item(0, ONE))],
    ['vector-count', 'with a vector too many', list(item(0, ONE), item(1, TWO), item(2, THREE))],
    ['vector-index', 'with an index twice', list(item(0, ONE), item(0, TWO))],
    ['vector-index', 'with an index out of range', list(item(1, ONE), item(2, TWO))],
    ['vector-index', 'with a negative index', list(item(-1, ONE), item(0, TWO))],
    ['vector-index', 'with half an index', list(item(0, ONE), item(0.5, TWO))],
    ['vector-index', 'without indexes', list('{"embedding":[1,2]}', '{"embedding":[1,2]}')],
    ['vector-unreadable', 'with an empty vector', list(item(0, ONE), item(1, []))],
    ['vector-unreadable', 'with half a float', list(item(0, ONE), item(1, Buffer.alloc(6)))],
    ['vector-length', 'with vectors of two lengths', list(item(0, ONE), item(1, [1, 2, 3]))],
  ];
  for (const [reason, name, body] of bad) {
    it(`${name} is opaque: ${reason}`, () => {
      const plan = planned({ input: ['a', 'b', 'c'] });
      assert.deepEqual(take(plan, body, [0, 2]), { kind: 'opaque', reason });
    });
  }

  it('of another length than asked for is shown and not stored, and never put among cached vectors', () => {
    const plan = planned({ input: ['a', 'b'], dimensions: 3 });
    const whole = take(plan, list(item(0, ONE), item(1, TWO)), [0, 1]);
    assert.equal(whole.kind === 'parts' && whole.refused, 'vector-length');
    const narrowed = take(plan, list(item(0, ONE)), [1]);
    assert.deepEqual(narrowed, { kind: 'opaque', reason: 'vector-length' });
    const right = take(plan, list(item(0, [1, 2, 3])), [1]);
    assert.equal(right.kind === 'parts' && right.refused, undefined);
  });

  it('that is not finite is shown and not stored', () => {
    const taken = take(planned({ input: 'a' }), list(item(0, floats(1, Number.NaN))), [0]);
    assert.equal(taken.kind === 'parts' && taken.refused, 'vector-not-finite');
  });

  it('that is a 404 is no vector', () => {
    const answer = { status: 404, headers: [], body: Buffer.from('{}') };
    assert.deepEqual(planned({ input: 'a' }).takeApart(answer, [0]), {
      kind: 'opaque',
      reason: 'status:404',
    });
  });
});

describe('what the caller gets', () => {
  it('is every item in its order, in its encoding, with the usage of all, repeats counted', () => {
    const plan = planned({ input: ['aa', 'bbbbbb', 'aa'], encoding_format: 'base64' });
    const payloads = taken(plan, list(item(0, [1, 2]), item(1, TWO)), [0, 1]);
    const { status, headers, body } = plan.putTogether(payloads, REPLAY);
    assert.equal(status, 200);
    assert.deepEqual(headers, [['content-type', 'application/json']]);
    assert.deepEqual(JSON.parse(body.toString()), {
      object: 'list',
      data: [ONE, TWO, ONE].map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: vector.toString('base64'),
      })),
      model: 'm-1',
      usage: { prompt_tokens: 10, total_tokens: 10 },
    });
  });

  it('says no usage where the upstream has not said that of every item', () => {
    const plan = planned({ input: ['aa', 'b'] });
    const untold = (...items: string[]) => list(...items).replace(/,"usage":.*$/, '}');
    const usage = (payloads: readonly Payload[]) =>
      JSON.parse(plan.putTogether(payloads, REPLAY).body.toString()).usage;
    const [known] = taken(plan, list(item(0, ONE)), [0]);
    const [unknown] = taken(plan, untold(item(0, TWO)), [1]);
    assert.ok(known !== undefined && unknown !== undefined);
    assert.deepEqual(unknown.facts, { model: 'm-1' });
    assert.equal(usage([known, unknown]), undefined);
    assert.equal(usage(taken(plan, untold(item(0, ONE), item(1, TWO)), [0, 1])), undefined);
    assert.deepEqual(usage([known, known]), { prompt_tokens: 16, total_tokens: 16 });
  });

  it('is the same vectors as numbers for who wants floats', () => {
    for (const fields of [{ input: ['a', 'b'] }, { input: ['a', 'b'], encoding_format: 'float' }]) {
      const plan = planned(fields);
      const payloads = taken(plan, list(item(0, ONE), item(1, TWO)), [0, 1]);
      assert.deepEqual(vectorsOf(plan.putTogether(payloads, REPLAY).body, 'float'), [ONE, TWO]);
    }
  });

  it('is never of two snapshots or two lengths: all that is at hand is then asked for anew', () => {
    const plan = planned({ input: ['a', 'b', 'c'] });
    const [payload] = taken(plan, list(item(0, ONE)), [0]);
    assert.ok(payload);
    const newer: Payload = { ...payload, facts: { ...payload.facts, model: 'm-2' } };
    const longer: Payload = { ...payload, body: floats(1, 2, 3) };
    assert.deepEqual(plan.disagreeing?.([payload, undefined, payload]), []);
    assert.deepEqual(plan.disagreeing?.([undefined, undefined, undefined]), []);
    assert.deepEqual(plan.disagreeing?.([undefined, payload, newer]), [1, 2]);
    assert.deepEqual(plan.disagreeing?.([longer, undefined, payload]), [0, 2]);
  });

  it('has the caller’s encoding also where the request is not taken apart, and no identity of another call', () => {
    const extra = '"extra":9007199254740993';
    const body = `{"id":"embd-1","created":1,${extra},"data":[{"embedding":[1,2]},{"embedding":"${TWO.toString('base64')}"}]}`;
    for (const [encoding, first, second] of [
      ['float', '[1,2]', '[3,4]'],
      ['base64', `"${ONE.toString('base64')}"`, `"${TWO.toString('base64')}"`],
    ] as const) {
      const plan = planned({ input: ['a', 'b'], late_chunking: true, encoding_format: encoding });
      const rendering = plan.putTogether(taken(plan, body, [0]), REPLAY);
      assert.equal(
        rendering.body.toString(),
        `{${extra},"data":[{"embedding":${first}},{"embedding":${second}}]}`,
      );
    }
  });

  it('is one entry for each encoding where the request is not taken apart: its vectors may be no float32', () => {
    const fields = { input: 'a', output_dtype: 'int8' };
    assert.notDeepEqual(contents({ ...fields, encoding_format: 'base64' }), contents(fields));
  });
});

it('a batch of 2,048 items is planned within a fraction of a second', () => {
  const input = Array.from({ length: 2048 }, (_, index) => `text number ${index}, of a usual length`);
  const body = JSON.stringify({ model: 'm', input });
  planOfText(body);
  const began = performance.now();
  assert.equal(planOfText(body).parts.length, 2048);
  // A few milliseconds on an idle machine.
  assert.ok(performance.now() - began < 250);
});

function planOf(fields: Readonly<Record<string, unknown>>, dialect: Dialect = 'generic'): Plan | Bypass {
  return planEmbeddings(Buffer.from(JSON.stringify({ model: 'm', ...fields })), dialect);
}

function bypassOf(plan: Plan | Bypass): string {
  return plan.kind === 'bypass' ? plan.reason : assert.fail('it is planned');
}

function planOfText(json: string, dialect: Dialect = 'generic'): Plan {
  const plan = planEmbeddings(Buffer.from(json), dialect);
  return plan.kind === 'plan' ? plan : assert.fail(plan.reason);
}

function planned(fields: Readonly<Record<string, unknown>>): Plan {
  return planOfText(JSON.stringify({ model: 'm', ...fields }));
}

function contentsOf(json: string): string[] {
  return planOfText(json).parts.map(({ content }) => content);
}

function contents(fields: Readonly<Record<string, unknown>>): string[] {
  return planned(fields).parts.map(({ content }) => content);
}

function take(plan: Plan, body: string, asked: readonly number[]) {
  const headers = [['content-type', 'application/json']] as const;
  return plan.takeApart({ status: 200, headers, body: Buffer.from(body) }, asked);
}

function taken(plan: Plan, body: string, asked: readonly number[]): readonly Payload[] {
  const parts = take(plan, body, asked);
  return parts.kind === 'parts' ? parts.payloads : assert.fail(parts.kind);
}

function bodies(plan: Plan, body: string, asked: readonly number[]) {
  return taken(plan, body, asked).map((payload) => payload.body);
}

function facts(plan: Plan, body: string, asked: readonly number[]) {
  return taken(plan, body, asked).map((payload) => payload.facts);
}

function floats(...values: number[]): Buffer {
  const vector = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) vector.writeFloatLE(value, at * 4);
  return vector;
}

function item(index: number, embedding: Buffer | readonly number[]): string {
  const json = Buffer.isBuffer(embedding) ? embedding.toString('base64') : embedding;
  return JSON.stringify({ object: 'embedding', index, embedding: json });
}

/** An answer of 8 prompt tokens. */
function list(...items: string[]): string {
  return `{"object":"list","data":[${items.join()}],"model":"m-1","usage":{"prompt_tokens":8,"total_tokens":8}}`;
}
