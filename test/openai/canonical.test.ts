import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBody } from '../../src/openai/body.ts';
import { fromByteText } from '../../src/openai/byte-text.ts';
import { canonicalRequest, canonicalValue } from '../../src/openai/canonical.ts';
import { DIALECTS, type Dialect } from '../../src/openai/dialect.ts';
import type { RequestApi } from '../../src/openai/fields.ts';
import { parseJson } from '../../src/openai/json.ts';

function request(api: RequestApi, dialect: Dialect, text: string): string {
  const read = readBody(Buffer.from(text));
  assert(read.ok, text);
  return fromByteText(canonicalRequest(api, dialect, read.root));
}

function value(text: string): string {
  const parsed = parseJson(text);
  assert(parsed.ok, text);
  return canonicalValue(parsed.root);
}

/** Asserts that adding `member` to a request changes nothing in exactly these dialects. */
function sameAsWithout(
  api: RequestApi,
  member: string,
  dialects: readonly Dialect[],
  rest = '"model":"m"',
): void {
  for (const dialect of DIALECTS) {
    const without = request(api, dialect, `{${rest}}`);
    const withIt = request(api, dialect, `{${rest},${member}}`);
    assert.equal(withIt === without, dialects.includes(dialect), `${api} ${dialect} {${rest},${member}}`);
  }
}

const ALL = DIALECTS;
const NONE: readonly Dialect[] = [];
const OPENAI: readonly Dialect[] = ['openai', 'azure'];

test('names are sorted by code units and everything unknown is kept', () => {
  assert.equal(
    request('chat', 'generic', '{ "b":{"z":1,"10":2,"9":3,"é":4,"Z":5}, "a":[{"y":1,"x":null}] }'),
    '{"a":[{"x":null,"y":1}],"b":{"10":2,"9":3,"Z":5,"z":1,"é":4}}',
  );
  sameAsWithout('chat', '"something_new":null', NONE);
  sameAsWithout('embeddings', '"input_type":"query"', NONE);
});

test('strings are compared by their characters and by nothing else', () => {
  assert.equal(value(String.raw`"\u00e9\/\u0041\n"`), value(String.raw`"é/A\u000a"`));
  const distinct = [
    '"é"',
    '"e\u0301"',
    '"É"',
    '"é "',
    '" é"',
    '"ﬁ"',
    '"fi"',
    '"a  b"',
    '"a b"',
    '"\ufeffa"',
    '"a"',
  ];
  const lone = [String.raw`"\ud800"`, String.raw`"\udc00"`, '"\ufffd"', String.raw`"\\ud800"`];
  const hashed = [...distinct, ...lone].map((text) => Buffer.from(value(text)).toString('hex'));
  assert.equal(new Set(hashed).size, distinct.length + lone.length);
});

test('a text is not the tokens, and an item is not a list of it', () => {
  const texts = ['"5"', '5', '[5]', '["5"]', '[[5]]', '"[5]"', 'null', '"null"', 'true', '{}', '[]'];
  assert.equal(new Set(texts.map(value)).size, texts.length);
});

test('sampling defaults equal absence only where the server has them', () => {
  sameAsWithout('chat', '"temperature":1', [...OPENAI, 'ollama']);
  sameAsWithout('chat', '"temperature":1.0', [...OPENAI, 'ollama']);
  sameAsWithout('chat', '"top_p":1', [...OPENAI, 'ollama']);
  sameAsWithout('chat', '"temperature":0.8', NONE);
  sameAsWithout('completions', '"temperature":1', [...OPENAI, 'ollama']);
  sameAsWithout('responses', '"temperature":1', OPENAI);
  sameAsWithout('completions', '"max_tokens":16', [...OPENAI, 'vllm']);
  sameAsWithout('completions', '"max_tokens":null', [...OPENAI, 'ollama', 'llamacpp']);
});

test('defaults that are equal on every server equal absence everywhere', () => {
  const chat = [
    '"n":1',
    '"stream":false',
    '"logprobs":false',
    '"frequency_penalty":0',
    '"presence_penalty":-0.0',
    '"store":false',
    '"response_format":{"type":"text"}',
    '"modalities":["text"]',
    '"logit_bias":{}',
    '"tools":[]',
    '"tool_choice":"none"',
  ];
  for (const member of chat) sameAsWithout('chat', member, ALL);
  for (const member of ['"n":1', '"echo":false', '"best_of":1']) sameAsWithout('completions', member, ALL);
  for (const member of [
    '"tools":[]',
    '"reasoning":{}',
    '"include":[]',
    '"text":{"format":{"type":"text"}}',
  ]) {
    sameAsWithout('responses', member, ALL);
  }
  sameAsWithout('completions', '"best_of":1', NONE, '"model":"m","n":2');
  sameAsWithout('completions', '"logprobs":0', NONE);
});

test("OpenAI's own defaults equal absence with OpenAI only", () => {
  sameAsWithout('chat', '"verbosity":"medium"', OPENAI);
  sameAsWithout('responses', '"text":{"verbosity":"medium"}', OPENAI);
  sameAsWithout('responses', '"truncation":"disabled"', OPENAI);
  sameAsWithout('responses', '"tool_choice":"auto"', OPENAI);
  sameAsWithout('responses', '"parallel_tool_calls":true', OPENAI);
  sameAsWithout('responses', '"image":{"context_compression":"auto"}', OPENAI);
  sameAsWithout('responses', '"image":{"context_compression":"none"}', NONE);
  sameAsWithout('chat', '"reasoning_effort":"medium"', NONE);
  sameAsWithout('responses', '"reasoning":{"effort":"medium"}', NONE);
  sameAsWithout('vector_store_search', '"max_num_results":10', OPENAI, '"query":"q"');
  sameAsWithout('vector_store_search', '"rewrite_query":false', OPENAI, '"query":"q"');
  sameAsWithout('moderations', '"model":"omni-moderation-latest"', OPENAI, '"input":"i"');
  sameAsWithout('moderations', '"model":"text-moderation-latest"', NONE, '"input":"i"');
  const options = '"ranking_options":{"score_threshold":0.0,"ranker":"auto"}';
  sameAsWithout('vector_store_search', options, OPENAI, '"query":"q"');
});

test("vLLM's own defaults of a ranking equal absence with vLLM only", () => {
  for (const member of ['"top_n":0', '"max_tokens_per_doc":0', '"truncate_prompt_tokens":null', '"user":"u"'])
    sameAsWithout('rerank', member, ['vllm'], '"query":"q"');
  sameAsWithout('rerank', '"top_n":null', NONE, '"query":"q"');
  sameAsWithout('rerank', '"max_tokens_per_doc":4096', NONE, '"query":"q"');
});

test('what tools default to depends on whether there are any', () => {
  const tools = '"tools":[{"type":"function","function":{"name":"f"}}]';
  sameAsWithout('chat', '"tool_choice":"auto"', [...OPENAI, 'ollama', 'llamacpp'], tools);
  sameAsWithout('chat', '"tool_choice":"none"', NONE, tools);
  sameAsWithout('chat', '"tool_choice":"auto"', NONE);
  sameAsWithout('chat', '"parallel_tool_calls":true', [...OPENAI, 'ollama', 'vllm'], tools);
  sameAsWithout('chat', '"parallel_tool_calls":false', NONE, tools);
  sameAsWithout('chat', '"parallel_tool_calls":false', OPENAI);
  const strict = tools.replace('"name":"f"', '"name":"f","strict":false');
  for (const dialect of DIALECTS) {
    const same = request('chat', dialect, `{${strict}}`) === request('chat', dialect, `{${tools}}`);
    assert.equal(same, OPENAI.includes(dialect), dialect);
  }
  // On a Responses function absence means "try strictly, fall back".
  const plain = '{"tools":[{"type":"function","name":"f"}]}';
  const lax = '{"tools":[{"type":"function","name":"f","strict":false}]}';
  assert.notEqual(request('responses', 'openai', plain), request('responses', 'openai', lax));
});

test('null equals absence only where the API says so', () => {
  for (const name of [
    'temperature',
    'n',
    'seed',
    'stop',
    'logit_bias',
    'max_tokens',
    'store',
    'metadata',
    'stream',
  ]) {
    sameAsWithout('chat', `"${name}":null`, ALL);
  }
  const notNullable = [
    'tools',
    'tool_choice',
    'response_format',
    'parallel_tool_calls',
    'functions',
    'function_call',
  ];
  for (const name of [...notNullable, 'user', 'messages', 'unknown'])
    sameAsWithout('chat', `"${name}":null`, NONE);
  sameAsWithout('responses', '"text":null', NONE);
  sameAsWithout('responses', '"instructions":null', ALL);
  for (const name of ['input', 'dimensions', 'encoding_format', 'user']) {
    sameAsWithout('embeddings', `"${name}":null`, NONE);
  }
  // vLLM reads an absent `top_logprobs` as 0 and null as none at all.
  sameAsWithout('chat', '"top_logprobs":null', ALL);
  sameAsWithout('chat', '"top_logprobs":null', [...OPENAI, 'ollama', 'llamacpp'], '"logprobs":true');
});

test('bookkeeping and transport are dropped, of a server only in its own dialect', () => {
  const bookkeeping = [
    '"user":"u"',
    '"safety_identifier":"s"',
    '"metadata":{"a":"b"}',
    '"service_tier":"flex"',
    '"prompt_cache_key":"k"',
    '"prompt_cache_retention":"24h"',
    '"prompt_cache_options":{"mode":"explicit"}',
    '"store":true',
    '"stream":true',
    '"stream_options":{"include_obfuscation":false}',
  ];
  for (const api of ['chat', 'responses'] as const) {
    for (const member of bookkeeping) sameAsWithout(api, member, ALL);
    sameAsWithout(api, '"priority":1', ['vllm']);
    sameAsWithout(api, '"request_id":"r"', ['vllm']);
    sameAsWithout(api, '"cache_salt":"s"', NONE);
    sameAsWithout(api, '"id_slot":3', ['llamacpp']);
    sameAsWithout(api, '"keep_alive":"5m"', ['ollama']);
  }
  sameAsWithout('chat', '"stream_options":{"include_usage":true}', ALL);
  sameAsWithout('chat', '"stream_options":{"include_usage":true,"unknown":1}', NONE);
  sameAsWithout('responses', '"background":false', ALL);
  sameAsWithout('completions', '"user":"u"', ALL);
  sameAsWithout('completions', '"metadata":{"a":"b"}', NONE);
  for (const encoding of ['float', 'base64'])
    sameAsWithout('embeddings', `"encoding_format":"${encoding}"`, ALL);
  sameAsWithout('embeddings', '"encoding_format":"bytes"', NONE);
});

test('what an upstream may refuse does not find the answer of what it took', () => {
  for (const member of ['"stream":"true"', '"user":5', '"metadata":"x"', '"service_tier":1', '"store":0']) {
    sameAsWithout('chat', member, NONE);
  }
});

test('what is content of its API is kept, whatever its value', () => {
  const content: [RequestApi, string, string[]][] = [
    ['chat', '{"a":1}', ['moderation', 'web_search_options', 'prediction', 'chat_template_kwargs', 'x']],
    ['responses', '{"a":1}', ['moderation', 'prompt', 'reasoning', 'context_management', 'access_programs']],
    ['completions', '"x"', ['suffix', 'prompt', 'service_tier', 'store']],
    ['embeddings', '"x"', ['input', 'dimensions', 'input_type', 'truncate', 'metadata', 'stream']],
    ['moderations', '"x"', ['input', 'user', 'metadata']],
    ['rerank', '"x"', ['query', 'documents', 'rank_fields', 'return_documents', 'top_n']],
    ['vector_store_search', '"x"', ['query', 'filters', 'user', 'stream']],
  ];
  for (const [api, json, names] of content) {
    for (const name of names) sameAsWithout(api, `"${name}":${json}`, NONE);
  }
});

test('a scalar stop is a list of one, whose order counts', () => {
  assert.equal(request('chat', 'generic', '{"stop":"x"}'), request('chat', 'generic', '{"stop":["x"]}'));
  assert.notEqual(
    request('chat', 'generic', '{"stop":["x","y"]}'),
    request('chat', 'generic', '{"stop":["y","x"]}'),
  );
  assert.notEqual(request('chat', 'generic', '{"stop":[]}'), request('chat', 'generic', '{}'));
});

test('sets have no order and no repeats, lists have both', () => {
  const same = (api: RequestApi, dialect: Dialect, one: string, other: string) =>
    request(api, dialect, one) === request(api, dialect, other);
  assert(
    same('chat', 'generic', '{"modalities":["text","audio"]}', '{"modalities":["audio","text","audio"]}'),
  );
  assert(same('responses', 'generic', '{"include":["b","a"]}', '{"include":["a","b","b"]}'));
  assert(same('chat', 'vllm', '{"stop_token_ids":[10,2]}', '{"stop_token_ids":[2,1e1,2.0]}'));
  assert(!same('chat', 'generic', '{"stop_token_ids":[10,2]}', '{"stop_token_ids":[2,10]}'));
  assert(!same('chat', 'openai', '{"tools":[{"a":1},{"b":2}]}', '{"tools":[{"b":2},{"a":1}]}'));
  assert(!same('embeddings', 'openai', '{"input":[1,2]}', '{"input":[2,1]}'));
});

test('the order of names is content inside JSON Schemas, integer-like names too, and nowhere else', () => {
  const ordered: [RequestApi, string][] = [
    ['chat', '{"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":@}}}'],
    ['chat', '{"response_format":{"type":"json_object","schema":@}}'],
    ['chat', '{"tools":[{"type":"function","function":{"name":"f","parameters":@}}]}'],
    ['chat', '{"functions":[{"name":"f","parameters":@}]}'],
    ['chat', '{"response_format":{"type":"structural_tag","structures":[{"begin":"<f>","schema":@}]}}'],
    ['chat', '{"response_format":{"type":"structural_tag","format":{"type":"json_schema","json_schema":@}}}'],
    ['chat', '{"structured_outputs":{"json":@}}'],
    ['chat', '{"json_schema":@}'],
    ['completions', '{"guided_json":@}'],
    ['responses', '{"text":{"format":{"type":"json_schema","name":"s","schema":@}}}'],
    ['responses', '{"tools":[{"type":"function","name":"f","parameters":@}]}'],
    ['responses', '{"tools":[{"type":"function","name":"f","output_schema":@}]}'],
    ['responses', '{"input":[{"type":"mcp_list_tools","tools":[{"name":"f","input_schema":@}]}]}'],
    ['responses', '{"tools":[{"type":"namespace","tools":[{"type":"function","parameters":@}]}]}'],
    ['responses', '{"input":[{"type":"additional_tools","tools":[{"type":"function","parameters":@}]}]}'],
  ];
  const schema = '{"properties":{"2":{"type":"string","title":"t"},"b":1.0,"1":[{"y":1,"x":2}]}}';
  const spelled = '{ "properties" : {"2":{"type":"str\\u0069ng","title":"t"},"b":1,"1":[{"y":1,"x":2}]}}';
  const reordered = [
    '{"properties":{"1":[{"y":1,"x":2}],"2":{"type":"string","title":"t"},"b":1.0}}',
    '{"properties":{"2":{"title":"t","type":"string"},"b":1.0,"1":[{"y":1,"x":2}]}}',
    '{"properties":{"2":{"type":"string","title":"t"},"b":1.0,"1":[{"x":2,"y":1}]}}',
  ];
  for (const [api, place] of ordered) {
    for (const dialect of DIALECTS) {
      const key = (at: string) => request(api, dialect, place.replace('@', at));
      assert.equal(key(schema), key(spelled), place);
      for (const other of reordered) assert.notEqual(key(schema), key(other), `${place} ${other}`);
    }
  }
  const elsewhere = (at: string) =>
    request('chat', 'openai', `{"messages":[${at}],"logit_bias":${at},"x":${at}}`);
  for (const other of reordered) assert.equal(elsewhere(schema), elsewhere(other));
});

test('a cache breakpoint on a content part or an input item is not content, one in a schema is', () => {
  const mark = ',"prompt_cache_breakpoint":{"mode":"explicit"}';
  const places: [RequestApi, string][] = [
    ['chat', '{"messages":[{"role":"user","content":[{"type":"text","text":"t"@}]}]}'],
    ['responses', '{"input":[{"role":"user","content":[{"type":"input_text","text":"t"@}]}]}'],
    ['responses', '{"input":[{"type":"function_call_output","output":[{"type":"input_text","text":"t"@}]}]}'],
    ['responses', '{"input":[{"type":"message","content":"t"@}]}'],
  ];
  for (const [api, place] of places) {
    for (const dialect of DIALECTS) {
      assert.equal(
        request(api, dialect, place.replace('@', mark)),
        request(api, dialect, place.replace('@', '')),
      );
    }
  }
  const schema = '{"tools":[{"function":{"parameters":{"type":"object"@}}}]}';
  assert.notEqual(
    request('chat', 'openai', schema.replace('@', mark)),
    request('chat', 'openai', schema.replace('@', '')),
  );
});

test('the detail of an image is auto unless said, with OpenAI', () => {
  const image = (detail: string) => `{"messages":[{"content":[{"image_url":{"url":"u"${detail}}}]}]}`;
  for (const dialect of DIALECTS) {
    const same = request('chat', dialect, image(',"detail":"auto"')) === request('chat', dialect, image(''));
    assert.equal(same, OPENAI.includes(dialect), dialect);
    assert.notEqual(request('chat', dialect, image(',"detail":"low"')), request('chat', dialect, image('')));
  }
});

test('a text is not folded into a content part, nor one limit into another', () => {
  const text = request('chat', 'openai', '{"messages":[{"role":"user","content":"t"}]}');
  const part = request(
    'chat',
    'openai',
    '{"messages":[{"role":"user","content":[{"type":"text","text":"t"}]}]}',
  );
  assert.notEqual(text, part);
  assert.notEqual(
    request('chat', 'openai', '{"max_tokens":5}'),
    request('chat', 'openai', '{"max_completion_tokens":5}'),
  );
});

test('fields that are keyed otherwise are left out at the top only', () => {
  const read = readBody(Buffer.from('{"input":"a","model":"m","x":{"input":1}}'));
  assert(read.ok);
  const text = canonicalRequest('embeddings', 'openai', read.root, { without: ['input'] });
  assert.equal(text, '{"model":"m","x":{"input":1}}');
});
