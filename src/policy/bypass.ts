import { isSet, isTrue, itemsOf, member, type Node, type ObjectNode, textOf } from '../openai/json.ts';

/** The kinds of request that rules are known for. */
export type BypassApi = 'chat' | 'completions' | 'responses' | 'embeddings' | 'vector_store_search';

/**
 * Why a request must go upstream each time, since it acts, keeps something, or reads what changes by itself; undefined if
 * its answer may be cached. The reason is shown in `x-cache-reason`. What names an object of the upstream's account whose
 * content cannot change (a file, an earlier response) is cached: no entry leaves the credential that paid for it.
 */
export function bypassReason(api: BypassApi, root: ObjectNode): string | undefined {
  for (const [reason, applies] of RULES[api]) if (applies(root)) return reason;
  return api === 'chat' || api === 'responses' ? toolReason(root) : undefined;
}

type Rule = readonly [reason: string, applies: (root: ObjectNode) => boolean];

const MODEL_RULES: readonly Rule[] = [
  // The caller wants the stored object: to list it, to evaluate it.
  ['store', has('store', isTrue)],
  // llama.cpp: a new random seed each time.
  ['seed-random', has('seed', (seed) => seed.kind === 'number' && Number(seed.raw) === -1)],
  // vLLM: hands over key-value caches between its workers. llama.cpp: steers a running generation.
  ['kv-transfer', has('kv_transfer_params', isSet)],
  ['reasoning-control', has('reasoning_control', isTrue)],
  // No answer is made; or the answer compares itself with another.
  ['prewarm', has('prompt_cache_options', (options) => isTrue(member(options, 'prewarm')))],
  ['comparison', has('prompt_cache_options', (options) => isSet(member(options, 'comparison_response_id')))],
];

const RULES: Readonly<Record<BypassApi, readonly Rule[]>> = {
  chat: [
    ...MODEL_RULES,
    // An answer's audio is referred to by an id that expires.
    ['audio-output', has('audio', isSet)],
    ['audio-output', has('modalities', (list) => itemsOf(list).some((item) => textOf(item) === 'audio'))],
    ['web-search', has('web_search_options', isSet)],
    // Models that search by themselves: gpt-4o-search-preview, gpt-5-search-api.
    ['live-model', has('model', (model) => /-search-(?:preview|api)/.test(textOf(model) ?? ''))],
    // Azure: answers from an index that changes.
    ['data-sources', has('data_sources', isSet)],
  ],
  completions: MODEL_RULES,
  responses: [
    ...MODEL_RULES,
    ['background', has('background', isTrue)],
    // The call appends to it.
    ['conversation', has('conversation', isSet)],
    // A template without its version can be edited.
    ['prompt-unversioned', has('prompt', (prompt) => isSet(prompt) && !isSet(member(prompt, 'version')))],
  ],
  embeddings: [
    // vLLM: other bytes than the float32 in little-endian order that everyone else means by base64.
    ['embed-dtype', has('embed_dtype', (type) => isSet(type) && textOf(type) !== 'float32')],
    [
      'endianness',
      has('endianness', (order) => isSet(order) && !['native', 'little'].includes(textOf(order) ?? '')),
    ],
  ],
  vector_store_search: [],
};

// Tools that the caller runs itself: the model only says that it wants them run.
const RUN_BY_CALLER: ReadonlySet<string> = new Set([
  'function',
  'custom',
  'namespace',
  'tool_search',
  'local_shell',
  'apply_patch',
]);

/** The first tool that is run at the upstream, or that nothing is known of: it may act, or read the live world. */
function toolReason(root: ObjectNode): string | undefined {
  for (const tool of itemsOf(member(root, 'tools'))) {
    const type = textOf(member(tool, 'type')) ?? '';
    if (RUN_BY_CALLER.has(type) || (type === 'shell' && runsLocally(tool))) continue;
    const name = type
      .toLowerCase()
      .replace(/[^a-z0-9_-]/g, '')
      .slice(0, 40);
    return `tool:${name === '' ? 'unknown' : name}`;
  }
  return undefined;
}

/** Whether a shell tool runs on the caller's own machine, not in a container at the upstream. */
function runsLocally(tool: Node): boolean {
  return textOf(member(member(tool, 'environment'), 'type')) === 'local';
}

function has(name: string, applies: (value: Node) => boolean): (root: ObjectNode) => boolean {
  return (root) => {
    const value = member(root, name);
    return value !== undefined && applies(value);
  };
}
