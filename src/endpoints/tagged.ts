import { isUtf8 } from 'node:buffer';
import type { Payload } from '../cache/entry.ts';
import { readBody } from '../openai/body.ts';
import { type Node, parseJson } from '../openai/json.ts';
import { promptTexts, textsIn } from '../openai/request-texts.ts';
import { collectAnswerTags, type Headers } from '../policy/answer-tags.ts';
import type { TaggedRequest, TagRules } from '../policy/tag-rules.ts';
import { collected, type TagCollector, type TagsRead } from '../policy/tags.ts';
import { takeCacheTags } from './cache-tags.ts';
import type { Bypass, Endpoint, Part, Plan, PlanInput, Taken } from './endpoint.ts';
import { isJson } from './json-request.ts';

/** A plan whose answers are tied to what they speak of. What it takes apart says its tags too: `Taken.tags`. */
export interface TaggedPlan extends Plan {
  /** The tags that the request gives all its parts; a part may have more of its own (`Part.tags`). */
  readonly tags: readonly string[];
  /** Whether the answer's body may say more: before it is whole, no one knows all its tags. */
  readonly tagsInBody: boolean;
  /** Whether the profile's rules look for tags in the answer, be it in its headers: where it is not read, no one knows all of them. */
  readonly tagsInAnswer: boolean;
  /** What the answer's headers say, which is all else there is. `Taken.tags` holds it, too. */
  tagsOfHead(headers: Headers): TagsRead;
  readonly lineage: Endpoint['lineage'];
  /** As `Bypass.forwarded`, for a call that passes by the cache all the same. */
  readonly forwarded?: Buffer;
}

/** An endpoint with tagged plans. */
export interface TaggedEndpoint extends Endpoint {
  plan(input: PlanInput): TaggedPlan | Bypass;
  /** The tags that a request says which is bypassed; undefined where its answer may have more of them. */
  tagsOfBypassed(input: PlanInput): readonly string[] | undefined;
}

/**
 * The endpoint with tags: built-in ones, those its callers say, those its upstream says, and those of the profile's rules. A
 * request whose tags cannot be told is bypassed, and an answer whose tags cannot be told is not stored. `whose` it is says what
 * its requests look like: the API's, or the user's own.
 */
export function withTags(endpoint: Endpoint, rules: TagRules, whose: 'api' | 'user'): TaggedEndpoint {
  return {
    ...endpoint,
    plan(asked) {
      const { input, tags } = whose === 'api' ? takeCacheTags(asked) : { input: asked, tags: [] };
      const forwarded = input === asked ? undefined : { forwarded: input.body };
      const planned = endpoint.plan(input);
      if (planned.kind === 'bypass') return { ...planned, ...forwarded };
      const { texts } = planned;
      const plan = texts === undefined ? planned : withoutTexts(planned);
      const request = taggedRequest(input);
      const reader = rules.textReader();
      const own = rules.readsText
        ? texts?.map((text) => collected((into) => reader.read([text], into)))
        : undefined;
      const read = collected((into) => {
        into.addAll(tags);
        if (endpoint.labels !== undefined && plan.label !== '') into.add(`${endpoint.labels}:${plan.label}`);
        rules.ofRequest(request, into);
        if (rules.readsText && texts === undefined) reader.read(textsOf(request, whose), into);
        for (const part of own ?? []) if (!part.ok) into.fail(part.problem);
      });
      if (!read.ok) return { kind: 'bypass', reason: read.problem, touches: plan.touches, ...forwarded };
      const parts = own ? plan.parts.map((part, index) => withOwn(part, own[index])) : plan.parts;
      const { record, ...answers } = answering(plan, rules);
      const { lineage } = endpoint;
      const tagged = { ...plan, ...answers, ...forwarded, parts, tags: read.tags, lineage };
      return record === undefined ? tagged : { ...tagged, record };
    },
    tagsOfBypassed(input) {
      const request = taggedRequest(input);
      const read = collected((into) => {
        rules.ofRequest(request, into);
        if (rules.readsText) rules.textReader().read(textsOf(request, whose), into);
      });
      return read.ok && !rules.readsAnswer ? read.tags : undefined;
    },
  };
}

/** The plan without the texts of its parts, which would live as long as it does. */
function withoutTexts({ texts: _, ...plan }: Plan): Plan {
  return plan;
}

function withOwn(part: Part, read: TagsRead | undefined): Part {
  return read?.ok ? { ...part, tags: read.tags } : part;
}

/** What rules can look at in a request, its JSON read no more than once. */
function taggedRequest({ params, query, header, body }: PlanInput): TaggedRequest {
  let json: ReturnType<TaggedRequest['json']> | undefined;
  const read = () => {
    if (body.length === 0) return 'none';
    const readable = header('content-encoding') === undefined && isJson(header('content-type'));
    const parsed = readable ? readBody(body) : undefined;
    return parsed?.ok ? parsed.root : 'unreadable';
  };
  return { params, query, header, json: () => (json ??= read()) };
}

/** The pieces of a request's text; undefined where it cannot be read. On the user's own endpoints all there is may be text. */
function textsOf({ json, query }: TaggedRequest, whose: 'api' | 'user'): string[] | undefined {
  const root = json();
  if (root === 'unreadable') return undefined;
  if (whose === 'api') return root === 'none' ? [] : promptTexts(root);
  return [...(root === 'none' ? [] : textsIn(root)), ...new URLSearchParams(query).values()];
}

type Answering = Pick<TaggedPlan, 'takeApart' | 'record' | 'tagsInBody' | 'tagsInAnswer' | 'tagsOfHead'>;

/** How a plan's answers get their tags. */
function answering(plan: Plan, rules: TagRules): Answering {
  const collectHead = (headers: Headers, into: TagCollector) => {
    collectAnswerTags(headers, into);
    rules.ofHeaders(headers, into);
  };
  const tagged = (taken: Taken, headers: Headers, document: (first: Payload) => string): Taken => {
    if (taken.kind !== 'parts' || taken.refused !== undefined) return taken;
    const [payload] = taken.payloads;
    if (payload === undefined) return taken;
    const read = collected((into) => {
      collectHead(headers, into);
      if (rules.readsBody) rules.ofBody(jsonIn(document(payload)), into);
    });
    return read.ok ? { ...taken, tags: read.tags } : { ...taken, refused: read.problem };
  };
  const { record, document } = plan;
  return {
    tagsInBody: rules.readsBody,
    tagsInAnswer: rules.readsAnswer,
    tagsOfHead: (headers) => collected((into) => collectHead(headers, into)),
    takeApart: (answer, asked) => {
      return tagged(plan.takeApart(answer, asked), answer.headers, () => textOf(answer.body));
    },
    ...(record && {
      record(answer, maxBytes) {
        const recorder = record(answer, maxBytes);
        const read = (taken: Taken | undefined) =>
          taken && tagged(taken, answer.headers, (payload) => document?.(payload) ?? '');
        return { push: (chunk) => read(recorder.push(chunk)), end: () => read(recorder.end()) };
      },
    }),
  };
}

/** Empty, which is no JSON, for what is no text. */
function textOf(body: Buffer): string {
  return isUtf8(body) ? body.toString() : '';
}

function jsonIn(text: string): Node | undefined {
  const parsed = parseJson(text);
  return parsed.ok ? parsed.root : undefined;
}
