import type { Payload } from '../cache/entry.ts';
import { bytesOfByteText, fromByteText } from '../openai/byte-text.ts';
import { canonicalRequest, canonicalValue } from '../openai/canonical.ts';
import { ECHOED_FIELDS, type Echo } from '../openai/echo.ts';
import { isFalse, isSet, isTrue, member, type ObjectNode } from '../openai/json.ts';
import { numberOf } from '../openai/number.ts';
import { type Touches, touchedBy } from '../openai/objects.ts';
import type { Api } from '../openai/outcome.ts';
import { type Recorded, Recorder } from '../openai/recorder.ts';
import { answerFrom, echoing, isStreamable, replay, serves } from '../openai/replay.ts';
import { setMember } from '../openai/splice.ts';
import { withoutUsage } from '../openai/stream-usage.ts';
import { type EventEdit, EventView } from '../openai/view.ts';
import { refusalOf } from '../policy/admission.ts';
import { bypassReason } from '../policy/bypass.ts';
import { replayable } from '../upstream/headers.ts';
import type { Answer, Endpoint, Plan, PlanInput, Rendering, Replay, Taken } from './endpoint.ts';
import { takeJson } from './json-answer.ts';
import { type JsonRequest, readJsonRequest } from './json-request.ts';
import { modelOf, overruled } from './named-model.ts';
import { wholePlan } from './whole.ts';

/** A model's answer as a whole, as JSON or as an event stream: one entry serves both, whichever it was made from. */
export function llmEndpoint(api: Api, paths: readonly string[]): Endpoint {
  return {
    name: api,
    methods: ['POST'],
    paths,
    type: 'llm_responses',
    labels: 'model',
    lineage: 'inherits',
    plan(input) {
      const request = readJsonRequest(input);
      if (request.kind === 'bypass') return request;
      const reason = bypassReason(api, request.root);
      const touches = touchedIn(api, request.root);
      return reason === undefined ? plan(api, input, request, touches) : { kind: 'bypass', reason, touches };
    },
  };
}

// An event of a running stream that is larger than this passes as it came.
const MAX_EVENT_BYTES = 4_000_000;

/**
 * A response is kept in the upstream's account unless it is asked not to be: `store` is true by default there. What an access program
 * opens is for the accounts that were let into it.
 */
function touchedIn(api: Api, root: ObjectNode): Touches {
  const touched = touchedBy(root);
  const kept = api === 'responses' && !isFalse(member(root, 'store'));
  const isOwn = kept || isSet(member(root, 'access_programs'));
  return touched === 'nothing' && isOwn ? 'account' : touched;
}

function plan(api: Api, input: PlanInput, request: JsonRequest, touches: Touches): Plan {
  const { text, root } = request;
  const streams = isTrue(member(root, 'stream'));
  // Responses say their usage in their last event, whoever asks.
  const saysUsage = api === 'responses';
  const includeUsage =
    streams && !saysUsage && isTrue(member(member(root, 'stream_options'), 'include_usage'));
  const injects = streams && !saysUsage && !includeUsage && input.injectUsage && takesUsage(root);
  const echo = echoOf(request, input);
  const tier = member(root, 'service_tier');
  const company = tier === undefined ? '' : canonicalValue(tier);
  // A stream that was asked for its usage has it for everyone; one that was not is for those who did not ask.
  const usageAsked = includeUsage || injects;
  const said = echo.size === 0 ? '' : JSON.stringify([...echo]);
  const edit = editFor(api, echo, injects, input);
  return wholePlan({
    type: 'llm_responses',
    label: modelOf(input, root),
    content: canonicalRequest(api, input.dialect, root, { without: overruled(input) }),
    body: injects
      ? bytesOfByteText(setMember(text, root, ['stream_options', 'include_usage'], 'true'))
      : input.body,
    touches,
    draw: drawOf(root),
    streams,
    company,
    liveCompany: `${usageAsked} ${saysUsage ? said : ''}`,
    takeApart: (answer) => takeWhole(api, answer),
    putTogether: ([payload], how) => render(api, payload, { streams, includeUsage, echo }, how),
    rendition: `${api} ${streams} ${includeUsage} ${said}`,
    serves: (payload) => saysUsage || serves(payload, { stream: streams, includeUsage }),
    record: (answer, maxBytes) => recorderFor(api, answer, maxBytes, usageAsked),
    document: ({ body }) => answerFrom(api, body),
    ...(edit && { view: () => new EventView(MAX_EVENT_BYTES, edit) }),
  });
}

/** Temperature 0 takes the likeliest token each time; nothing else that can be asked for does on every server. */
function drawOf(root: ObjectNode): Plan['draw'] {
  if (numberOf(member(root, 'temperature')) === 0) return 'greedy';
  return isSet(member(root, 'seed')) ? 'seeded' : 'free';
}

/** Whether `include_usage` can be said without mending what the upstream would refuse: the caller's bytes are its own. */
function takesUsage(root: ObjectNode): boolean {
  const options = member(root, 'stream_options');
  if (!isSet(options)) return true;
  const asked = member(options, 'include_usage');
  return options.kind === 'object' && (!isSet(asked) || isFalse(asked));
}

/** What of a running stream this caller gets otherwise than it comes: the upstream was not asked quite what the caller asked. */
function editFor(api: Api, echo: Echo, injects: boolean, { metadata }: PlanInput): EventEdit | undefined {
  if (injects) return withoutUsage;
  return api === 'responses' && metadata !== undefined ? echoing(api, echo) : undefined;
}

/** What the caller sent for the fields that an answer repeats. */
function echoOf({ text, root }: JsonRequest, { metadata }: PlanInput): Echo {
  const echo = new Map<string, string>();
  for (const name of ECHOED_FIELDS.keys()) {
    const value = member(root, name);
    if (value !== undefined) echo.set(name, fromByteText(text.slice(value.start, value.end)));
  }
  if (metadata !== undefined) echo.set('metadata', metadata);
  return echo;
}

/** What is too large as a stream is nobody's but the caller's that it came to, as it came. */
function takeWhole(api: Api, answer: Answer): Taken {
  const taken = takeJson(answer, api);
  if (taken.kind !== 'parts' || isStreamable(api, answer.body)) return taken;
  return { kind: 'opaque', reason: 'too-large-as-stream' };
}

function recorderFor(api: Api, answer: Pick<Answer, 'headers'>, maxBytes: number, usageAsked: boolean) {
  const recorder = new Recorder(api, maxBytes);
  const taken = (recorded: Recorded | undefined) =>
    recorded && takeRecorded(api, recorded, answer, usageAsked);
  return { push: (chunk: Buffer) => taken(recorder.push(chunk)), end: () => taken(recorder.end()) };
}

function takeRecorded(
  api: Api,
  recorded: Recorded,
  { headers }: Pick<Answer, 'headers'>,
  usageAsked: boolean,
): Taken {
  if (recorded.kind !== 'whole') return recorded;
  const refused = refusalOf(api, recorded.outcome);
  const { body, outcome } = recorded;
  const payload: Payload = {
    form: 'sse',
    status: 200,
    headers: replayable(headers),
    facts: { ...outcome.facts, usage_asked: usageAsked },
    body,
  };
  return { kind: 'parts', payloads: [payload], ...(refused !== undefined && { refused }) };
}

function render(
  api: Api,
  payload: Payload | undefined,
  wish: { streams: boolean; includeUsage: boolean; echo: Echo },
  how: Replay,
): Rendering {
  if (payload === undefined || (payload.form !== 'json' && payload.form !== 'sse')) {
    throw new Error(`an answer of ${api} cannot be made from ${payload?.form ?? 'nothing'}`);
  }
  const { form, status, headers, body } = payload;
  const { streams, includeUsage, echo } = wish;
  const rendered = replay(api, { form, body }, { stream: streams, includeUsage, echo, ...how });
  if (rendered === body) return { status, headers, body };
  const type = streams ? 'text/event-stream; charset=utf-8' : 'application/json';
  const kept = headers.filter(([name]) => name.startsWith('openai-'));
  return { status, headers: [...kept, ['content-type', type]], body: rendered };
}
