import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { readBody } from '../../src/openai/body.ts';
import { canonicalRequest, canonicalValue } from '../../src/openai/canonical.ts';
import { DIALECTS, type Dialect } from '../../src/openai/dialect.ts';
import type { RequestApi } from '../../src/openai/fields.ts';
import { parseJson } from '../../src/openai/json.ts';
import { createKeyring } from '../../src/policy/key.ts';
import { type Pick, pickFrom, Schema, shuffled, spell, type Tree, type Value } from './json-values.ts';
import { REQUESTS } from './requests.ts';

// A failure prints the seed and path that find it again: pass them on as fc.assert's `seed` and `path`.
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`seed ${seed}`);

const APIS: readonly RequestApi[] = [
  'chat',
  'completions',
  'responses',
  'embeddings',
  'moderations',
  'rerank',
  'vector_store_search',
];
const dialects = fc.constantFrom(...DIALECTS);
const pickSeeds = fc.nat();

/** The key of a request sent as this text. */
function keyOf(api: RequestApi, dialect: Dialect, text: string): string {
  const read = readBody(Buffer.from(text));
  assert(read.ok, `${read.ok || read.problem}: ${text}`);
  const context = {
    ...{
      type: 'llm_responses',
      namespace: '',
      scope: 's',
      variant: '',
      method: 'POST',
      path: '/v1/x',
      query: '',
    },
    ...{ baseUrl: 'https://api.openai.com/v1', dialect, headers: [] },
  };
  return createKeyring(context)('m', canonicalRequest(api, dialect, read.root)).id;
}

for (const api of APIS) {
  test(`${api}: a request means the same however it is spelled and whatever is told of no consequence`, () => {
    fc.assert(
      fc.property(REQUESTS[api], dialects, pickSeeds, (request, dialect, pickSeed) => {
        const pick = pickFrom(pickSeed);
        const told = withInconsequential(api, dialect, request, pick);
        const [one, other] = [spell(request, pick), spell(told, pick)];
        assert.equal(keyOf(api, dialect, one), keyOf(api, dialect, other), `${dialect}\n${one}\n${other}`);
      }),
      { seed, numRuns: 600 },
    );
  });

  test(`${api}: any change of content is another request`, () => {
    fc.assert(
      fc.property(REQUESTS[api], dialects, pickSeeds, (request, dialect, pickSeed) => {
        const pick = pickFrom(pickSeed);
        const changed = withOneChange(request, pick);
        const [one, other] = [spell(request, pick), spell(changed, pick)];
        assert.notEqual(keyOf(api, dialect, one), keyOf(api, dialect, other), `${dialect}\n${one}\n${other}`);
      }),
      { seed, numRuns: 2_000 },
    );
  });
}

test('two values have one text exactly if they are equal', () => {
  const name = fc.constantFrom('a', 'b', '1', '\ud800', '\ufffd');
  const leaf = fc.oneof(name, fc.constantFrom(0, 1, 10, 0.1, null, true, '0', '1', 'null'));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(name, tie('value'), { maxKeys: 2, noNullPrototype: true }),
    ),
  }));
  const textOf = (one: unknown) => {
    const parsed = parseJson(JSON.stringify(one));
    assert(parsed.ok);
    return Buffer.from(canonicalValue(parsed.root)).toString('hex');
  };
  fc.assert(
    fc.property(value, value, (one, other) => {
      assert.equal(textOf(one) === textOf(other), isDeepStrictEqual(one, other));
    }),
    { seed, numRuns: 10_000 },
  );
});

/** A member to add to a request that has none of its name; `in`: the dialects where that changes nothing. */
interface Addition {
  readonly name: string;
  readonly value: Value;
  readonly in?: readonly Dialect[];
  readonly when?: (request: Tree) => boolean;
}

const OPENAI: readonly Dialect[] = ['openai', 'azure'];

function additions(
  values: Readonly<Record<string, readonly Value[]>>,
  dialectsOf?: readonly Dialect[],
): Addition[] {
  return Object.entries(values).flatMap(([name, list]) =>
    list.map((value) => ({ name, value, ...(dialectsOf && { in: dialectsOf }) })),
  );
}

const object = (members: Record<string, Value>): Tree => new Map(Object.entries(members));

const accounting = additions({
  user: ['u'],
  metadata: [null, object({ cache_tags: 'a' })],
  safety_identifier: [null, 's'],
  service_tier: [null, 'flex'],
  prompt_cache_key: [null, 'k'],
  prompt_cache_retention: [null, '24h'],
  prompt_cache_options: [object({ ttl: '12h' })],
  stream: [null, true, false],
  stream_options: [null, object({}), object({ include_obfuscation: false })],
});
const vllm = additions({ priority: [3], request_id: ['r'] }, ['vllm']);
const servers = [
  ...vllm,
  ...additions({ cache_prompt: [true], id_slot: [1], timings_per_token: [true, false] }, ['llamacpp']),
  ...additions({ keep_alive: ['5m', -1] }, ['ollama']),
];
const sampling = [
  ...additions({
    ...{ temperature: [null], top_p: [null], n: [null, 1], seed: [null], stop: [null] },
    ...{ frequency_penalty: [null, 0], presence_penalty: [null, -0], logit_bias: [null, object({})] },
    ...{ stream: [null, true, false], stream_options: [object({ include_usage: true })] },
  }),
  ...additions({ temperature: [1], top_p: [1] }, [...OPENAI, 'ollama']),
  ...servers,
];

const ADDITIONS: Readonly<Record<RequestApi, readonly Addition[]>> = {
  chat: [
    ...accounting,
    ...additions({ store: [null, true, false] }),
    ...sampling,
    ...additions({
      ...{ logprobs: [null, false], modalities: [null, ['text'], ['text', 'text']], audio: [null] },
      ...{
        response_format: [object({ type: 'text' })],
        tools: [[]],
        reasoning_effort: [null],
        verbosity: [null],
      },
      ...{ max_tokens: [null], max_completion_tokens: [null], prediction: [null], moderation: [null] },
    }),
    ...additions({ verbosity: ['medium'], parallel_tool_calls: [true] }, OPENAI),
    { name: 'tool_choice', value: 'auto', in: OPENAI, when: (request) => request.has('tools') },
    { name: 'tool_choice', value: 'none', when: (request) => !request.has('tools') },
    { name: 'parallel_tool_calls', value: false, in: OPENAI, when: (request) => !request.has('tools') },
    { name: 'function_call', value: 'auto', in: OPENAI, when: (request) => request.has('functions') },
    { name: 'top_logprobs', value: null, when: (request) => !request.has('logprobs') },
  ],
  completions: [
    ...sampling,
    ...additions({ user: ['u'], echo: [null, false], suffix: [null], best_of: [null], logprobs: [null] }),
    ...additions({ max_tokens: [16] }, [...OPENAI, 'vllm']),
    { name: 'best_of', value: 1, when: (request) => !request.has('n') },
  ],
  responses: [
    ...accounting,
    // A response is kept unless its request says otherwise, and its id is of use only then.
    ...additions({ store: [null, true] }),
    ...servers,
    ...additions({
      ...{ temperature: [null], top_p: [null], tools: [[]], include: [null, []], truncation: [null] },
      ...{ reasoning: [null, object({})], text: [object({}), object({ format: object({ type: 'text' }) })] },
      ...{ instructions: [null], prompt: [null], conversation: [null], background: [null, false] },
      ...{ previous_response_id: [null], max_output_tokens: [null], parallel_tool_calls: [null] },
    }),
    ...additions(
      {
        ...{ temperature: [1], top_p: [1], tool_choice: ['auto'], parallel_tool_calls: [true] },
        ...{ truncation: ['disabled'], text: [object({ verbosity: 'medium' })] },
      },
      OPENAI,
    ),
  ],
  embeddings: [...vllm, ...additions({ user: ['u'], encoding_format: ['float', 'base64'] })],
  moderations: [],
  rerank: [
    ...vllm,
    ...additions(
      {
        ...{ user: ['u'], top_n: [0], truncate_prompt_tokens: [null] },
        ...{ max_tokens_per_query: [0], max_tokens_per_doc: [0] },
      },
      ['vllm'],
    ),
  ],
  vector_store_search: additions(
    {
      ...{ rewrite_query: [false], max_num_results: [10] },
      ...{
        ranking_options: [
          object({}),
          object({ ranker: 'auto', score_threshold: 0 }),
          object({ ranker: 'auto' }),
        ],
      },
    },
    OPENAI,
  ),
};

/** The request with things added or said otherwise that make no difference to an upstream of this dialect. */
function withInconsequential(api: RequestApi, dialect: Dialect, request: Tree, pick: Pick): Tree {
  const told = new Map(request);
  for (const { name, value, in: where, when } of shuffled(ADDITIONS[api], pick)) {
    const applies = !told.has(name) && (where?.includes(dialect) ?? true) && (when?.(request) ?? true);
    if (applies && pick(3) === 0) told.set(name, value);
  }
  const stop = told.get('stop');
  if (Array.isArray(stop) && stop.length === 1 && api !== 'responses') told.set('stop', stop[0] ?? null);
  for (const [list, field] of [
    ['messages', 'content'],
    ['input', 'content'],
    ['input', 'output'],
  ] as const) {
    const items = told.get(list);
    if ((api === 'chat' || api === 'responses') && Array.isArray(items))
      told.set(
        list,
        items.map((item) => marked(item, field)),
      );
  }
  return told;
}

/** A message or item whose content parts each end a cached prefix. */
function marked(item: Value, field: string): Value {
  const parts = item instanceof Map ? item.get(field) : undefined;
  if (!(item instanceof Map) || !Array.isArray(parts)) return item;
  const mark = object({ mode: 'explicit' });
  const withMark = parts.map((part) =>
    part instanceof Map ? new Map([...part, ['prompt_cache_breakpoint', mark] as const]) : part,
  );
  return new Map([...item, [field, withMark] as const]);
}

/** The request with one thing in it changed, anywhere. */
function withOneChange(request: Tree, pick: Pick): Tree {
  const target = pick(countOf(request));
  let seen = 0;
  const visit = (value: Value): Value => {
    const here = seen++ === target;
    if (here) return changed(value, pick);
    if (Array.isArray(value)) return value.map(visit);
    if (!(value instanceof Map)) return value;
    const members = [...value].map(([name, inner]) => [name, visit(inner)] as const);
    return value instanceof Schema ? new Schema(members) : new Map(members);
  };
  const result = visit(request);
  assert(result instanceof Map);
  return result;
}

function countOf(value: Value): number {
  const inner = Array.isArray(value) ? value : value instanceof Map ? [...value.values()] : [];
  return inner.reduce<number>((sum, one) => sum + countOf(one), 1);
}

/** A value that is not equal: mostly of the same kind, else what a careless reading takes for the same. */
function changed(value: Value, pick: Pick): Value {
  if (value === null) return [false, 0, '', 'null', []][pick(5)] ?? [];
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'bigint') return value + 1n;
  if (typeof value === 'number') return pick(2) === 0 ? oneUlpFrom(value) : String(value);
  if (typeof value === 'string') {
    const tokens = Array.from(value, (character) => character.codePointAt(0) ?? 0);
    return pick(6) === 0 ? (pick(2) === 0 ? [value] : tokens) : changedText(value, pick);
  }
  if (Array.isArray(value)) return changedList(value, pick);
  return changedTree(value, pick);
}

function oneUlpFrom(value: number): number {
  const bits = new BigInt64Array(new Float64Array([value]).buffer);
  bits[0] = (bits[0] ?? 0n) + 1n;
  return new Float64Array(bits.buffer)[0] ?? 0;
}

function changedText(value: string, pick: Pick): string {
  const changes = [
    `${value} `,
    ` ${value}`,
    `${value}\u0000`,
    `${value}\ud800`,
    value.toUpperCase(),
    value.toLowerCase(),
    value.normalize('NFD'),
    value.normalize('NFKC'),
    value.toWellFormed(),
    value.slice(1),
  ].filter((other) => other !== value);
  return changes[pick(changes.length)] ?? `${value}!`;
}

function changedList(value: readonly Value[], pick: Pick): Value[] {
  if (value.length > 0 && value.every((item) => typeof item === 'number') && pick(3) === 0)
    return value.map(String);
  const at = pick(value.length + 1);
  const [first, second, ...rest] = value;
  switch (pick(3)) {
    case 0:
      if (value.length > 0) return value.toSpliced(Math.min(at, value.length - 1), 1);
      break;
    case 1:
      if (first !== undefined && second !== undefined && !sameValue(first, second))
        return [second, first, ...rest];
      break;
  }
  return value.toSpliced(at, 0, 'new');
}

function changedTree(value: Tree, pick: Pick): Tree {
  const members = [...value];
  const make = (list: readonly (readonly [string, Value])[]) =>
    value instanceof Schema ? new Schema(list) : new Map(list);
  const [first, second, ...rest] = members;
  if (value instanceof Schema && first !== undefined && second !== undefined && pick(2) === 0) {
    return make([second, first, ...rest]);
  }
  if (members.length > 0 && pick(2) === 0) return make(members.toSpliced(pick(members.length), 1));
  return make([...members, ['x_new_field', null]]);
}

/** Whether two values are equal, in the sense in which requests are. */
function sameValue(one: Value, other: Value): boolean {
  const plain = (value: Value): string => {
    const parsed = parseJson(spell(value, () => 0));
    assert(parsed.ok);
    return canonicalValue(parsed.root);
  };
  return plain(one) === plain(other);
}
