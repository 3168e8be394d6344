import { itemsOf, member, type Node, type ObjectNode, textOf } from './json.ts';
import { jsonOf, objectOf, objectText } from './json-text.ts';
import type { NamedEvent } from './sse.ts';

/** The events, by their `type`, that end a Responses stream and hold the whole response. */
export const FINAL_EVENTS: ReadonlySet<string> = new Set([
  'response.completed',
  'response.incomplete',
  'response.failed',
]);

/** The response within the data of a stream's last event. */
export function responseFromEvent(data: string): string {
  const response = member(objectOf(data), 'response');
  return response === undefined ? data : jsonOf(data, response);
}

/**
 * The events of a stream that ends with this response: it is created, gets its items one by one, each opened empty, filled
 * and closed, and completed. What has no deltas of its own comes whole. Each event is made when it is asked for.
 */
export function* responseToEvents(text: string): Generator<NamedEvent, void> {
  let sequence_number = 0;
  for (const [event, members] of eventsOf(text)) {
    const data = objectText(Object.entries({ type: `"${event}"`, sequence_number, ...members }));
    yield { event, data };
    sequence_number += 1;
  }
}

/** An event's name, and its members as JSON texts by theirs. */
type Event = readonly [name: string, members: Readonly<Record<string, string | number>>];
type Events = Generator<Event, void>;

function* eventsOf(text: string): Events {
  const response = objectOf(text);
  const begun = withMembers(text, response, BEGUN);
  yield ['response.created', { response: begun }];
  yield ['response.in_progress', { response: begun }];
  for (const [index, item] of itemsOf(member(response, 'output')).entries()) {
    if (item.kind === 'object') yield* itemEvents(text, item, index);
  }
  const status = jsonOf(text, member(response, 'status'));
  const final = status === '"incomplete"' || status === '"failed"' ? status.slice(1, -1) : 'completed';
  yield [`response.${final}`, { response: text }];
}

/** What a response is before it has any output. */
const BEGUN: ReadonlyMap<string, string> = new Map([
  ['status', '"in_progress"'],
  ['output', '[]'],
  ['usage', 'null'],
  ['completed_at', 'null'],
]);

/** Where an event belongs: its item, and within it the part. */
type Place = Readonly<Record<string, string | number>>;

/** By an item's type, the members that deltas fill. */
const FILLED: ReadonlyMap<string, readonly string[]> = new Map([
  ['message', ['content']],
  ['reasoning', ['summary', 'content']],
  ['function_call', ['arguments']],
  ['custom_tool_call', ['input']],
]);

function* itemEvents(text: string, item: ObjectNode, index: number): Events {
  const id = jsonOf(text, member(item, 'id'));
  // Deltas name their item: one without an id comes whole.
  const filled = (id !== undefined && FILLED.get(textOf(member(item, 'type')) ?? '')) || [];
  yield ['response.output_item.added', { output_index: index, item: emptied(text, item, filled) }];
  for (const name of filled) {
    const content = member(item, name);
    const place = { item_id: id ?? '""', output_index: index };
    if (content?.kind === 'array') yield* partsEvents(text, content.items, place, name === 'summary');
    else if (content !== undefined) yield* callTextEvents(text, item, name, place);
  }
  yield ['response.output_item.done', { output_index: index, item: jsonOf(text, item) }];
}

function* callTextEvents(text: string, item: ObjectNode, name: string, place: Place): Events {
  const json = jsonOf(text, member(item, name)) ?? '""';
  const called = name === 'arguments' ? { name: jsonOf(text, member(item, 'name')) ?? '""' } : {};
  const stem = name === 'arguments' ? 'response.function_call_arguments' : 'response.custom_tool_call_input';
  if (json !== '""') yield [`${stem}.delta`, { ...place, delta: json }];
  yield [`${stem}.done`, { ...place, ...called, [name]: json }];
}

/** By a part's type, what its text's events are called and which member holds the text. */
const PART_TEXTS: ReadonlyMap<string, { readonly stem: string; readonly name: string }> = new Map([
  ['output_text', { stem: 'response.output_text', name: 'text' }],
  ['refusal', { stem: 'response.refusal', name: 'refusal' }],
  ['reasoning_text', { stem: 'response.reasoning_text', name: 'text' }],
  ['summary_text', { stem: 'response.reasoning_summary_text', name: 'text' }],
]);

function* partsEvents(text: string, parts: readonly Node[], item: Place, areSummary: boolean): Events {
  const stem = areSummary ? 'response.reasoning_summary_part' : 'response.content_part';
  for (const [index, part] of parts.entries()) {
    if (part.kind !== 'object') continue;
    const place = { ...item, [areSummary ? 'summary_index' : 'content_index']: index };
    const shape = PART_TEXTS.get(textOf(member(part, 'type')) ?? '');
    const filled = shape === undefined ? [] : [shape.name, 'annotations', 'logprobs'];
    yield [`${stem}.added`, { ...place, part: emptied(text, part, filled) }];
    if (shape !== undefined) yield* partTextEvents(text, part, place, shape);
    yield [`${stem}.done`, { ...place, part: jsonOf(text, part) }];
  }
}

function* partTextEvents(
  text: string,
  part: ObjectNode,
  place: Place,
  { stem, name }: { readonly stem: string; readonly name: string },
): Events {
  const json = jsonOf(text, member(part, name)) ?? '""';
  const logprobs =
    stem === 'response.output_text' ? { logprobs: jsonOf(text, member(part, 'logprobs')) ?? '[]' } : {};
  if (json !== '""') yield [`${stem}.delta`, { ...place, delta: json, ...logprobs }];
  for (const [index, annotation] of itemsOf(member(part, 'annotations')).entries()) {
    yield [
      `${stem}.annotation.added`,
      {
        ...place,
        annotation_index: index,
        annotation: jsonOf(text, annotation),
      },
    ];
  }
  yield [`${stem}.done`, { ...place, [name]: json, ...logprobs }];
}

/** An item or part before its deltas: these members without their content, and not yet completed. */
function emptied(text: string, node: ObjectNode, names: readonly string[]): string {
  if (names.length === 0) return jsonOf(text, node);
  const blanks = new Map([['status', '"in_progress"']]);
  for (const name of names) blanks.set(name, member(node, name)?.kind === 'array' ? '[]' : '""');
  return withMembers(text, node, blanks);
}

/** The object's text with those of these members that it has replaced. */
function withMembers(text: string, node: ObjectNode, replaced: ReadonlyMap<string, string>): string {
  return objectText(node.members.map(({ key, value }) => [key, replaced.get(key) ?? jsonOf(text, value)]));
}
