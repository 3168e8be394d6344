import type { RequestApi } from '../openai/fields.ts';
import { isSet, isTrue, itemsOf, member, type Node, type ObjectNode, textOf } from '../openai/json.ts';
import { canonicalNumber } from '../openai/number.ts';

/**
 * Why a request is forwarded and neither looked up nor stored, or undefined if it may be cached: it acts, reads the live world,
 * or asks for something that cannot be replayed. The reason is shown in `x-cache-reason`.
 *
 * What names an immutable object of the upstream's account (`previous_response_id`, `item_reference`, `file_id`) is cached:
 * the content behind such an id never changes, and the entry stays within the credential that can read it.
 */
export function bypassReason(api: RequestApi, root: ObjectNode): string | undefined {
  for (const [reason, applies] of RULES[api]) if (applies(root)) return reason;
  return api === 'chat' || api === 'responses' ? toolReason(root) : undefined;
}

/** A reason, and whether a request gives it. */
type Rule = readonly [reason: string, applies: (root: ObjectNode) => boolean];

// On every API that generates text.
const GENERATION: readonly Rule[] = [
  // Asked for explicitly, the stored object itself is wanted: a dashboard, an evaluation, a look-up by its id.
  ['store', (root) => isTrue(member(root, 'store'))],
  // llama.cpp: a new seed for every call.
  ['seed-random', (root) => isNumber(member(root, 'seed'), '-1')],
  // llama.cpp: the answer is steered while it is being made.
  ['reasoning-control', (root) => isTrue(member(root, 'reasoning_control'))],
  // vLLM: hands over the state of a running model.
  ['kv-transfer', (root) => isSet(member(root, 'kv_transfer_params'))],
  // Azure: reads an index that changes.
  ['data-sources', (root) => isSet(member(root, 'data_sources'))],
  ['live-model', (root) => /-search-(?:preview|api)(?:-|$)/.test(textOf(member(root, 'model')) ?? '')],
  // Fills the upstream's prompt cache and generates nothing.
  ['prewarm', (root) => isTrue(member(member(root, 'prompt_cache_options'), 'prewarm'))],
  // Compares the upstream's prompt cache with that of an earlier call.
  ['comparison', (root) => isSet(member(member(root, 'prompt_cache_options'), 'comparison_response_id'))],
];

// The vectors come in other bytes than float32, little-endian.
const EMBEDDINGS: readonly Rule[] = [
  ['embed-dtype', (root) => isOtherThan(member(root, 'embed_dtype'), 'float32')],
  ['endianness', (root) => isOtherThan(member(root, 'endianness'), 'native')],
];

const RULES: Readonly<Record<RequestApi, readonly Rule[]>> = {
  chat: [
    ...GENERATION,
    // The answer's audio expires, and the next turn refers to it by its id.
    ['audio-output', (root) => isSet(member(root, 'audio')) || asksForAudio(root)],
    ['web-search', (root) => isSet(member(root, 'web_search_options'))],
  ],
  completions: GENERATION,
  responses: [
    // Answers `queued`; the result is polled for.
    ['background', (root) => isTrue(member(root, 'background'))],
    // The call adds to the conversation.
    ['conversation', (root) => isSet(member(root, 'conversation'))],
    ...GENERATION,
    // Without a version it is whatever the template says by now.
    ['prompt-unversioned', (root) => isUnversioned(member(root, 'prompt'))],
    ['file-url', (root) => [...itemsOf(member(root, 'input')), ...promptVariables(root)].some(readsFileUrl)],
  ],
  embeddings: EMBEDDINGS,
  moderations: [],
  rerank: [],
  vector_store_search: [],
};

// The client carries out what the model asks of these, or nobody does (`namespace` and `tool_search` choose tools).
const CLIENT_TOOLS = new Set([
  'function',
  'custom',
  'namespace',
  'tool_search',
  'local_shell',
  'apply_patch',
]);

/**
 * The first tool that acts or reads the live world, as `tool:NAME`. A tool nobody knows yet may do either. Input items can bring
 * tools, too (`additional_tools`, `tool_search_output`).
 */
function toolReason(root: ObjectNode): string | undefined {
  const inputTools = itemsOf(member(root, 'input')).flatMap(toolsOf);
  const tool = [...toolsOf(root), ...inputTools].find((candidate) => !isClientTool(candidate));
  if (tool === undefined) return undefined;
  const type = textOf(member(tool, 'type')) ?? '';
  // It comes from outside and goes into a header.
  const name = type
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .slice(0, 40);
  return `tool:${name === '' ? 'unknown' : name}`;
}

/** The tools of a request, an input item or a namespace, and those of its namespaces. */
function toolsOf(owner: Node): Node[] {
  const tools = itemsOf(member(owner, 'tools'));
  return tools.flatMap((tool) => [tool, ...itemsOf(member(tool, 'tools'))]);
}

function isClientTool(tool: Node): boolean {
  const type = textOf(member(tool, 'type'));
  if (type === undefined) return false;
  if (CLIENT_TOOLS.has(type)) return true;
  // A shell in a container of the upstream acts; one of the client's own only asks.
  return type === 'shell' && textOf(member(member(tool, 'environment'), 'type')) === 'local';
}

function asksForAudio(root: ObjectNode): boolean {
  return itemsOf(member(root, 'modalities')).some((item) => textOf(item) === 'audio');
}

function isUnversioned(prompt: Node | undefined): boolean {
  return prompt?.kind === 'object' && !isSet(member(prompt, 'version'));
}

/** What is put into a prompt template: texts and content parts. */
function promptVariables(root: ObjectNode): Node[] {
  const variables = member(member(root, 'prompt'), 'variables');
  return variables?.kind === 'object' ? variables.members.map(({ value }) => value) : [];
}

/** Whether an input item has a file behind a URL, unlike one behind an id: its content may change. */
function readsFileUrl(item: Node): boolean {
  const parts = [item, ...itemsOf(member(item, 'content')), ...itemsOf(member(item, 'output'))];
  return parts.some((part) => isSet(member(part, 'file_url')));
}

function isNumber(node: Node | undefined, value: string): boolean {
  return node?.kind === 'number' && canonicalNumber(node.raw) === value;
}

/** Whether the field is there with anything but its default. */
function isOtherThan(node: Node | undefined, value: string): boolean {
  return isSet(node) && textOf(node) !== value;
}
