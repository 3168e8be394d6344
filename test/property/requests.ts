import fc from 'fast-check';
import type { RequestApi } from '../../src/openai/fields.ts';
import { Schema, type Tree, type Value } from './json-values.ts';

// Requests of content only, and none of it a default: whatever is changed in one changes what it means.

const text = fc.string({ unit: 'binary', maxLength: 12 });
const word = fc.constantFrom('a', 'b', 'gpt-4o', 'Straße', 'e\u0301', 'é', '2', '10', '\ud800', '😀');
const int64 = fc.bigInt({ min: 2n, max: 2n ** 63n - 1n });
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: 2, max: 1e300 }),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: -1e-300 }),
  int64,
);
const many = fc.integer({ min: 2, max: 5_000 });

function tree(
  fields: Record<string, fc.Arbitrary<Value>>,
  required: readonly string[] = [],
): fc.Arbitrary<Tree> {
  const arbitraries = Object.entries(fields).map(([name, value]) => {
    const one: fc.Arbitrary<readonly [string, Value]> = value.map((chosen) => [name, chosen] as const);
    return required.includes(name) ? one : fc.option(one, { nil: undefined });
  });
  return fc.tuple(...arbitraries).map((members) => new Map(members.filter((member) => member !== undefined)));
}

function list(item: fc.Arbitrary<Value>, minLength = 0): fc.Arbitrary<Value[]> {
  return fc.array(item, { minLength, maxLength: 3 });
}

function pairs(
  key: fc.Arbitrary<string>,
  value: fc.Arbitrary<Value>,
  minLength = 0,
): fc.Arbitrary<[string, Value][]> {
  return fc.uniqueArray(fc.tuple(key, value), { minLength, maxLength: 3, selector: ([name]) => name });
}

function map(key: fc.Arbitrary<string>, value: fc.Arbitrary<Value>, minLength = 0): fc.Arbitrary<Tree> {
  return pairs(key, value, minLength).map((members) => new Map(members));
}

const leaf: fc.Arbitrary<Value> = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const { schema } = fc.letrec<{ schema: Value }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 2 },
    leaf,
    list(tie('schema')),
    pairs(word, tie('schema')).map((members) => new Schema(members)),
  ),
}));
const schemaObject = pairs(word, schema, 1).map((members) => new Schema(members));
const anything = fc.oneof(leaf, list(leaf), map(word, fc.oneof(leaf, list(leaf))));
const unknown = { enable_thinking: anything, x_unknown: anything };

const imageUrl = tree({ url: text, detail: fc.constantFrom('low', 'high') }, ['url']);
const chatPart = fc.oneof(
  tree({ type: fc.constant('text'), text }, ['type', 'text']),
  tree({ type: fc.constant('image_url'), image_url: imageUrl }, ['type', 'image_url']),
);
const toolCall = tree({
  id: text,
  type: fc.constant('function'),
  function: tree({ name: word, arguments: text }),
});
const message = tree({
  role: fc.constantFrom('system', 'user', 'assistant', 'tool'),
  content: fc.oneof(text, list(chatPart)),
  name: word,
  tool_calls: list(toolCall),
  tool_call_id: text,
});
const chatFunction = tree({
  name: word,
  description: text,
  parameters: schemaObject,
  strict: fc.constant(true),
});
const chatTool = tree({ type: fc.constant('function'), function: chatFunction }, ['type', 'function']);
const jsonSchema = tree({ name: word, schema: schemaObject, strict: fc.constant(true) }, ['name']);
const chatFormat = fc.oneof(
  tree({ type: fc.constant('json_schema'), json_schema: jsonSchema }, ['type', 'json_schema']),
  tree({ type: fc.constant('json_object') }, ['type']),
);
const sampling = {
  temperature: number,
  top_p: number,
  frequency_penalty: number,
  presence_penalty: number,
  n: many,
  seed: int64,
  stop: list(text, 1),
  logit_bias: map(word, number, 1),
};
const chat = tree(
  {
    model: word,
    messages: list(message, 1),
    ...sampling,
    max_completion_tokens: many,
    max_tokens: many,
    logprobs: fc.constant(true),
    top_logprobs: many,
    response_format: chatFormat,
    tools: list(chatTool, 1),
    tool_choice: fc.constant('required'),
    functions: list(chatFunction, 1),
    reasoning_effort: fc.constantFrom('low', 'medium'),
    verbosity: fc.constantFrom('low', 'high'),
    prediction: tree({ type: fc.constant('content'), content: fc.oneof(text, list(chatPart)) }, ['type']),
    moderation: tree({ model: word }, ['model']),
    ...unknown,
  },
  ['model', 'messages'],
);

const completions = tree(
  {
    model: word,
    prompt: fc.oneof(text, list(text), list(many), list(list(many))),
    ...sampling,
    max_tokens: many,
    best_of: many,
    echo: fc.constant(true),
    logprobs: fc.integer({ min: 0, max: 5 }),
    suffix: text,
    ...unknown,
  },
  ['model', 'prompt'],
);

const inputPart = tree({ type: fc.constant('input_text'), text }, ['type', 'text']);
const inputItem = fc.oneof(
  tree({ type: fc.constant('message'), role: word, content: fc.oneof(text, list(inputPart)) }, [
    'role',
    'content',
  ]),
  tree(
    { type: fc.constant('function_call_output'), call_id: text, output: fc.oneof(text, list(inputPart)) },
    ['type'],
  ),
  tree({ type: fc.constant('item_reference'), id: text }, ['type', 'id']),
);
const responsesTool = tree(
  { type: fc.constant('function'), name: word, parameters: schemaObject, strict: fc.boolean() },
  ['type'],
);
const responsesFormat = tree({ type: fc.constant('json_schema'), name: word, schema: schemaObject }, [
  'type',
]);
const responses = tree(
  {
    model: word,
    input: fc.oneof(text, list(inputItem)),
    instructions: text,
    prompt: tree({ id: word, version: word, variables: map(word, text) }, ['id', 'version']),
    temperature: number,
    top_p: number,
    top_logprobs: fc.nat(20),
    max_output_tokens: many,
    max_tool_calls: many,
    reasoning: tree({ effort: word, summary: word }, ['effort']),
    text: tree({ format: responsesFormat, verbosity: fc.constantFrom('low', 'high') }, ['verbosity']),
    tools: list(responsesTool, 1),
    tool_choice: fc.constant('required'),
    parallel_tool_calls: fc.constant(false),
    truncation: fc.constant('auto'),
    previous_response_id: text,
    access_programs: tree({ cyber: word }, ['cyber']),
    ...unknown,
  },
  ['model', 'input'],
);

const embeddings = tree(
  {
    model: word,
    input: fc.oneof(text, list(text), list(many), list(list(many))),
    dimensions: many,
    input_type: word,
    ...unknown,
  },
  ['model', 'input'],
);

const moderations = tree({ model: word, input: fc.oneof(text, list(text)), ...unknown }, ['model', 'input']);

const rerank = tree(
  {
    model: word,
    query: text,
    documents: list(fc.oneof(text, tree({ text }, ['text']))),
    top_n: many,
    return_documents: fc.boolean(),
    rank_fields: list(word),
    max_chunks_per_doc: many,
    max_tokens_per_doc: many,
    ...unknown,
  },
  ['query', 'documents'],
);

const filter = tree({ type: fc.constantFrom('eq', 'ne'), key: word, value: leaf }, ['type', 'key', 'value']);
const vectorStoreSearch = tree(
  {
    query: fc.oneof(text, list(text)),
    rewrite_query: fc.constant(true),
    max_num_results: fc.integer({ min: 11, max: 50 }),
    filters: fc.oneof(filter, tree({ type: fc.constant('and'), filters: list(filter) }, ['type', 'filters'])),
    ranking_options: tree({ ranker: fc.constant('none'), score_threshold: number }, ['ranker']),
    ...unknown,
  },
  ['query'],
);

/** Valid requests of each API, without transport, bookkeeping and defaults. */
export const REQUESTS: Readonly<Record<RequestApi, fc.Arbitrary<Tree>>> = {
  chat,
  completions,
  responses,
  embeddings,
  moderations,
  rerank,
  vector_store_search: vectorStoreSearch,
};
