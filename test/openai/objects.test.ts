import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBody } from '../../src/openai/body.ts';
import { touchedBy } from '../../src/openai/objects.ts';

function touched(body: object): string {
  const read = readBody(Buffer.from(JSON.stringify(body)));
  assert.ok(read.ok);
  return touchedBy(read.root);
}

const FUNCTION = {
  type: 'function',
  function: { name: 'f', parameters: { properties: { file_id: { type: 'string' } } } },
};

for (const [what, body] of [
  ['an earlier response', { previous_response_id: 'resp_1' }],
  ['a conversation', { conversation: 'conv_1' }],
  ['a conversation as an object', { conversation: { id: 'conv_1' } }],
  ['an input file', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] }],
  [
    'a file of chat',
    { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file_1' } }] }] },
  ],
  ['an item reference', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
  ['an item that is nothing but its id', { input: [{ id: 'msg_1' }] }],
  ['an earlier audio answer', { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }],
  ['a stored prompt', { prompt: { id: 'pmpt_1', version: '2' } }],
  ['a vector store', { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }],
  ['a container', { tools: [{ type: 'code_interpreter', container: 'cntr_1' }] }],
  ['a connector', { tools: [{ type: 'mcp', connector_id: 'connector_gmail' }] }],
  ['a compared response', { prompt_cache_options: { comparison_response_id: 'resp_1' } }],
] as const) {
  test(`a request with ${what} names an object`, () => assert.equal(touched(body), 'object'));
}

for (const [what, body] of [
  ['nothing but text', { messages: [{ role: 'user', content: 'file_id' }] }],
  ['nothing where the name is', { previous_response_id: null, conversation: null }],
  ['a name in the schema of a tool', { tools: [FUNCTION] }],
  [
    'a name in the schema of the answer',
    { response_format: { json_schema: { schema: { required: ['file_id'] } } } },
  ],
  ['a label of that name', { metadata: { conversation_id: '7' } }],
  [
    'an item of an earlier answer, whole',
    { input: [{ type: 'message', id: 'msg_1', role: 'assistant', content: [] }] },
  ],
  ['a prompt in words', { prompt: 'hello' }],
] as const) {
  test(`a request with ${what} names none`, () => assert.equal(touched(body), 'nothing'));
}
