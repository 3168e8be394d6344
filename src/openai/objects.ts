import { isSet, itemsOf, member, type Node, type ObjectNode, textOf } from './json.ts';

/**
 * What of the upstream's account a request touches beside its models: `nothing`; `account` what its owner alone may see or
 * makes, such as the list of models or a response that is kept there; `object` it names one of the account's objects (a file,
 * a store, an earlier response), or cannot be read so far as to rule that out.
 */
export type Touches = 'nothing' | 'account' | 'object';

/** What a request touches, as far as its body says. */
export function touchedBy(root: ObjectNode): Touches {
  return namesObject(root) ? 'object' : 'nothing';
}

/**
 * Whether a request body names an object of the upstream's account, at any depth. JSON Schemas, in which such a name is a
 * property of the user's own, and labels are passed over.
 */
function namesObject(root: ObjectNode): boolean {
  return isSet(member(member(root, 'prompt'), 'id')) || holdsName(root);
}

// OpenAI's API specification: every request field that holds the id of an object made by an earlier call.
const NAMES: ReadonlySet<string> = new Set([
  'assistant_id',
  'comparison_response_id',
  'connector_id',
  'container',
  'container_id',
  'conversation',
  'conversation_id',
  'file_id',
  'file_ids',
  'previous_response_id',
  'response_id',
  'skill_id',
  'thread_id',
  'vector_store_id',
  'vector_store_ids',
]);

const PASSED_OVER: ReadonlySet<string> = new Set([
  'guided_json',
  'json_schema',
  'logit_bias',
  'metadata',
  'parameters',
  'schema',
]);

function holdsName(node: Node): boolean {
  if (node.kind === 'array') {
    for (const item of node.items) if (holdsName(item)) return true;
    return false;
  }
  if (node.kind !== 'object') return false;
  if (isReference(node)) return true;
  for (const { key, value } of node.members) {
    const isInner = value.kind === 'object' || value.kind === 'array';
    if (isInner && PASSED_OVER.has(key)) continue;
    if (NAMES.has(key) && isSet(value) && !isEmpty(value)) return true;
    if (isInner && holdsName(value)) return true;
  }
  return false;
}

/** An input item that stands for an earlier one, or an answer's audio that stands for an earlier answer's. */
function isReference(node: ObjectNode): boolean {
  if (textOf(member(node, 'type')) === 'item_reference') return true;
  if (isSet(member(member(node, 'audio'), 'id'))) return true;
  return isSet(member(node, 'id')) && node.members.every(({ key }) => key === 'id' || key === 'type');
}

function isEmpty(node: Node): boolean {
  return node.kind === 'array' && itemsOf(node).length === 0;
}
