import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBody } from '../../src/openai/body.ts';
import type { RequestApi } from '../../src/openai/fields.ts';
import { bypassReason } from '../../src/policy/bypass.ts';

function reasonOf(api: RequestApi, body: object): string | undefined {
  const read = readBody(Buffer.from(JSON.stringify(body)));
  assert(read.ok);
  return bypassReason(api, read.root);
}

function part(content: object): object {
  return { input: [{ role: 'user', content: [content] }] };
}

test('requests that act, read the live world or cannot be replayed bypass', () => {
  const cases: [RequestApi, object, string][] = [
    ['chat', { store: true }, 'store'],
    ['responses', { store: true }, 'store'],
    ['responses', { background: true }, 'background'],
    ['responses', { conversation: 'conv_1' }, 'conversation'],
    ['responses', { conversation: { id: 'conv_1' } }, 'conversation'],
    ['responses', { prompt: { id: 'pmpt_1' } }, 'prompt-unversioned'],
    ['responses', { prompt: { id: 'pmpt_1', version: null } }, 'prompt-unversioned'],
    ['responses', { prompt_cache_options: { prewarm: true } }, 'prewarm'],
    ['responses', { prompt_cache_options: { comparison_response_id: 'resp_1' } }, 'comparison'],
    ['responses', part({ type: 'input_file', file_url: 'https://example.com/a.pdf' }), 'file-url'],
    ['responses', { input: [{ type: 'input_file', file_url: 'https://example.com/a.pdf' }] }, 'file-url'],
    [
      'responses',
      { input: [{ type: 'function_call_output', output: [{ type: 'input_file', file_url: 'u' }] }] },
      'file-url',
    ],
    [
      'responses',
      { prompt: { id: 'p', version: '1', variables: { doc: { type: 'input_file', file_url: 'u' } } } },
      'file-url',
    ],
    ['chat', { modalities: ['text', 'audio'] }, 'audio-output'],
    ['chat', { audio: { voice: 'alloy', format: 'wav' } }, 'audio-output'],
    ['chat', { web_search_options: {} }, 'web-search'],
    ['chat', { model: 'gpt-4o-search-preview' }, 'live-model'],
    ['chat', { model: 'gpt-4o-mini-search-preview-2025-03-11' }, 'live-model'],
    ['chat', { model: 'gpt-5-search-api' }, 'live-model'],
    ['chat', { data_sources: [] }, 'data-sources'],
    ['completions', { store: true }, 'store'],
    ['chat', { prompt_cache_options: { prewarm: true } }, 'prewarm'],
    ['responses', { model: 'gpt-4o-search-preview' }, 'live-model'],
    ['chat', { seed: -1 }, 'seed-random'],
    ['responses', { seed: -1, kv_transfer_params: {} }, 'seed-random'],
    ['completions', { seed: -1 }, 'seed-random'],
    ['chat', { kv_transfer_params: {} }, 'kv-transfer'],
    ['completions', { kv_transfer_params: {} }, 'kv-transfer'],
    ['chat', { reasoning_control: true }, 'reasoning-control'],
    ['embeddings', { embed_dtype: 'float16' }, 'embed-dtype'],
    ['embeddings', { endianness: 'big' }, 'endianness'],
  ];
  for (const [api, body, reason] of cases) assert.equal(reasonOf(api, body), reason, JSON.stringify(body));
});

test('requests that do none of it are cached, those that name what cannot change among them', () => {
  const cases: [RequestApi, object][] = [
    ['chat', { store: false, modalities: ['text'], seed: 1, temperature: 2, n: 3 }],
    ['chat', { store: null, audio: null, web_search_options: null, kv_transfer_params: null }],
    ['chat', { model: 'my-search-previewer', stream: true }],
    ['chat', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] }],
    [
      'chat',
      { messages: [{ content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] }] },
    ],
    ['responses', { model: 'm', input: 'text' }],
    [
      'responses',
      { background: false, conversation: null, prompt: null, prompt_cache_options: { prewarm: false } },
    ],
    ['responses', { prompt: { id: 'pmpt_1', version: '2' } }],
    ['responses', { prompt: { id: 'p', version: '1', variables: { a: 'file_url', b: { text: 't' } } } }],
    ['completions', { prompt: { id: 'not a template here' } }],
    ['chat', { background: true, conversation: 'fields of another API, kept in the key' }],
    ['chat', { store: 'true', seed: '-1', modalities: 'audio' }],
    ['chat', { model: 'research-preview' }],
    ['responses', { previous_response_id: 'resp_1' }],
    ['responses', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    ['responses', part({ type: 'input_file', file_id: 'file-1' })],
    ['embeddings', { input: 'a', embed_dtype: 'float32', endianness: 'native' }],
    ['vector_store_search', { query: 'q' }],
  ];
  for (const [api, body] of cases) assert.equal(reasonOf(api, body), undefined, JSON.stringify(body));
});

test('a seed of -1 is one however it is spelled', () => {
  for (const seed of ['-1', '-1.0', '-1e0', '-10e-1']) {
    const read = readBody(Buffer.from(`{"seed":${seed}}`));
    assert(read.ok);
    assert.equal(bypassReason('chat', read.root), 'seed-random', seed);
  }
});

test('of several reasons the first of a fixed order is given', () => {
  const all = { store: true, background: true, conversation: 'c', seed: -1, tools: [{ type: 'mcp' }] };
  assert.equal(reasonOf('responses', all), 'background');
  assert.equal(reasonOf('chat', all), 'store');
});

test('tools that the client runs are cached', () => {
  const own = ['function', 'custom', 'namespace', 'tool_search', 'local_shell', 'apply_patch'];
  const tools = [...own.map((type) => ({ type })), { type: 'shell', environment: { type: 'local' } }];
  for (const api of ['chat', 'responses'] as const) {
    assert.equal(reasonOf(api, { tools }), undefined);
    for (const none of [[], null, 'web_search', {}]) assert.equal(reasonOf(api, { tools: none }), undefined);
  }
});

test('tools that the upstream runs bypass, and so do those nobody knows', () => {
  const hosted = [
    ...['web_search', 'web_search_preview', 'file_search', 'mcp', 'code_interpreter', 'computer'],
    ...['computer_use_preview', 'image_generation', 'programmatic_tool_calling', 'shell', 'new-tool_2'],
  ];
  for (const type of hosted) {
    assert.equal(reasonOf('responses', { tools: [{ type: 'function' }, { type }] }), `tool:${type}`);
  }
  const container = { type: 'shell', environment: { type: 'container_auto' } };
  assert.equal(reasonOf('responses', { tools: [container] }), 'tool:shell');
  const inside = { type: 'namespace', tools: [{ type: 'function' }, { type: 'mcp' }] };
  assert.equal(reasonOf('responses', { tools: [inside] }), 'tool:mcp');
  const brought = { type: 'additional_tools', tools: [{ type: 'web_search' }] };
  assert.equal(reasonOf('responses', { input: [brought] }), 'tool:web_search');
});

test('a tool type from outside can stand in a header', () => {
  const reason = (tool: unknown) => reasonOf('chat', { tools: [tool] });
  assert.equal(reason({ type: 'Web Search\r\nx: y' }), 'tool:websearchxy');
  assert.equal(reason({ type: 'x'.repeat(100) }), `tool:${'x'.repeat(40)}`);
  for (const tool of [{ type: '!' }, { type: 5 }, {}, 'web_search', null]) {
    assert.equal(reason(tool), 'tool:unknown', JSON.stringify(tool));
  }
});
