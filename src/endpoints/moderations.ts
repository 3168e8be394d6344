import type { Payload } from '../cache/entry.ts';
import { bytesOfByteText } from '../openai/byte-text.ts';
import { canonicalRequest, canonicalValue } from '../openai/canonical.ts';
import { FreshIdentity } from '../openai/identity.ts';
import { itemsOf, member, type Node, type StringNode } from '../openai/json.ts';
import { bytesOf, objectOf } from '../openai/json-text.ts';
import { moderationAnswerText, readModerationAnswer } from '../openai/moderation-answer.ts';
import { touchedBy } from '../openai/objects.ts';
import { splice } from '../openai/splice.ts';
import { apiPaths } from '../openai/surface.ts';
import { bypassReason } from '../policy/bypass.ts';
import { at, disagreeing, distinct, narrowing } from './batch.ts';
import type { Answer, Endpoint, Plan, PlanInput, Rendering, Replay, Taken } from './endpoint.ts';
import { takeJson } from './json-answer.ts';
import { type JsonRequest, readJsonRequest } from './json-request.ts';
import { modelOf } from './named-model.ts';
import { sole, wholePlan } from './whole.ts';

/** `POST /v1/moderations`: of a list of texts each is cached on its own; one text or one picture with its text, whole. */
export const moderationsEndpoint: Endpoint = {
  name: 'moderations',
  methods: ['POST'],
  paths: apiPaths('/moderations'),
  type: 'llm_responses',
  labels: 'model',
  plan(input) {
    const request = readJsonRequest(input);
    if (request.kind === 'bypass') return request;
    const { root } = request;
    const reason = bypassReason('moderations', root);
    if (reason !== undefined) return { kind: 'bypass', reason, touches: touchedBy(root) };
    const list = member(root, 'input');
    const itemwise = root.members.every(({ key }) => ITEMWISE.has(key));
    const texts = itemwise ? textsOf(list) : undefined;
    return list === undefined || texts === undefined
      ? whole(input, request)
      : itemized(input, request, list, texts);
  },
};

// An unknown field might tie the texts together.
const ITEMWISE: ReadonlySet<string> = new Set(['input', 'model']);

// As many as an embeddings request may have; the API does not say.
const MOST_TEXTS = 2048;

/** The texts of a list that has one or more, none empty, and nothing else. */
function textsOf(list: Node | undefined): readonly StringNode[] | undefined {
  const items = itemsOf(list);
  if (items.length > MOST_TEXTS) return undefined;
  const texts = items.filter((item): item is StringNode => item.kind === 'string' && item.value !== '');
  return items.length > 0 && texts.length === items.length ? texts : undefined;
}

function itemized(
  input: PlanInput,
  { text, root }: JsonRequest,
  list: Node,
  texts: readonly StringNode[],
): Plan {
  const frame = canonicalRequest('moderations', input.dialect, root, { without: ['input'] });
  const contents = texts.map((item) => `item ${canonicalValue(item)} ${frame}`);
  const { firsts, order } = distinct(contents);
  const narrowedTo = narrowing(text, list, texts);
  return {
    kind: 'plan',
    type: 'llm_responses',
    label: modelOf(input, root),
    parts: at(contents, firsts).map((content) => ({ content })),
    texts: at(texts, firsts).map(({ value }) => value),
    order,
    draw: 'greedy',
    // A list of texts and a model's name.
    touches: 'nothing',
    streams: false,
    company: '',
    liveCompany: '',
    narrow(missing) {
      if (missing.length === order.length) return input.body;
      return bytesOfByteText(splice(text, [narrowedTo(at(firsts, missing))]));
    },
    takeApart,
    putTogether: (payloads, how) => putTogether(at(payloads, order), how),
    serves: () => true,
    disagreeing: (payloads) => disagreeing(payloads, sameModel),
  };
}

/** One payload for each result, its text as the upstream wrote it. */
function takeApart(answer: Answer, asked: readonly number[]): Taken {
  if (answer.status !== 200) return { kind: 'opaque', reason: `status:${answer.status}` };
  const taken = takeJson(answer);
  if (taken.kind !== 'parts') return taken;
  const read = readModerationAnswer(answer.body.toString(), asked.length);
  if (typeof read === 'string') return { kind: 'opaque', reason: read };
  const facts = { ...(read.id && { id: read.id }), ...(read.model && { model: read.model }) };
  return {
    kind: 'parts',
    payloads: read.results.map((result): Payload => {
      return { form: 'json', status: 200, headers: [], facts, body: bytesOf(result) };
    }),
  };
}

/** The results of the caller's texts, in its order, as one answer, which has the identity of the first. */
function putTogether(payloads: readonly Payload[], how: Replay): Rendering {
  const { id, model } = payloads[0]?.facts ?? {};
  const text = moderationAnswerText({
    id: typeof id === 'string' ? id : undefined,
    model: typeof model === 'string' ? model : undefined,
    results: payloads.map(({ body }) => body.toString()),
  });
  return {
    status: 200,
    headers: [['content-type', 'application/json']],
    body: identified(Buffer.from(text), how),
  };
}

/** Two snapshots of a model do not judge alike. */
function sameModel(one: Payload, other: Payload): boolean {
  return one.facts.model === other.facts.model;
}

function whole(input: PlanInput, { root }: JsonRequest): Plan {
  return wholePlan({
    type: 'llm_responses',
    label: modelOf(input, root),
    content: `whole ${canonicalRequest('moderations', input.dialect, root)}`,
    body: input.body,
    touches: touchedBy(root),
    takeApart: (answer) => takeJson(answer),
    putTogether(payloads, how) {
      const { status, headers, body } = sole(payloads);
      return { status, headers, body: identified(body, how) };
    },
  });
}

/** The answer with its own identity, or with a new one for who wants that. */
function identified(answer: Buffer, { identity, now, newId }: Replay): Buffer {
  if (identity === 'keep') return answer;
  const text = answer.toString();
  return Buffer.from(splice(text, new FreshIdentity('moderations', now, newId).edits(objectOf(text))));
}
