import type { Payload } from '../cache/entry.ts';
import { bytesOfByteText } from '../openai/byte-text.ts';
import { canonicalRequest } from '../openai/canonical.ts';
import type { Dialect } from '../openai/dialect.ts';
import { FreshIdentity } from '../openai/identity.ts';
import { itemsOf, member, type Node } from '../openai/json.ts';
import { objectOf } from '../openai/json-text.ts';
import { touchedBy } from '../openai/objects.ts';
import { firstResults, rankingProblem } from '../openai/ranking.ts';
import { removeMember, splice } from '../openai/splice.ts';
import { bypassReason } from '../policy/bypass.ts';
import type { Answer, Endpoint, Rendering, Replay, Taken } from './endpoint.ts';
import { takeJson } from './json-answer.ts';
import { readJsonRequest } from './json-request.ts';
import { modelOf } from './named-model.ts';
import { sole, wholePlan } from './whole.ts';

/**
 * `POST /v1/rerank`, `/v2/rerank` and `/rerank`: the whole ranking is asked for and cached, and each caller gets the
 * first `top_n` of it.
 */
export const rerankEndpoint: Endpoint = {
  name: 'rerank',
  methods: ['POST'],
  paths: ['/v1/rerank', '/v2/rerank', '/rerank'],
  type: 'search_results',
  labels: 'model',
  lineage: 'gives',
  plan(input) {
    const request = readJsonRequest(input);
    if (request.kind === 'bypass') return request;
    const reason = bypassReason('rerank', request.root);
    const { text, root } = request;
    const touches = touchedBy(root);
    if (reason !== undefined) return { kind: 'bypass', reason, touches };
    const documents = itemsOf(member(root, 'documents')).length;
    const limit = documents === 0 ? undefined : limitOf(member(root, 'top_n'), input.dialect);
    const common = {
      type: 'search_results',
      touches,
      label: modelOf(input, root),
      putTogether: (payloads: readonly Payload[], how: Replay) => firstOf(sole(payloads), limit, how),
    };
    if (limit === undefined) {
      const content = `asked ${canonicalRequest('rerank', input.dialect, root)}`;
      return wholePlan({ ...common, content, body: input.body, takeApart: (answer) => takeJson(answer) });
    }
    return wholePlan({
      ...common,
      content: `ranking ${canonicalRequest('rerank', input.dialect, root, { without: ['top_n'] })}`,
      // A server reads, and charges for, every document whatever `top_n` is.
      body: limit === ALL ? input.body : bytesOfByteText(removeMember(text, root, ['top_n'])),
      takeApart: (answer) => takeRanking(answer, documents),
    });
  },
};

const ALL = Number.POSITIVE_INFINITY;

/** How many results are wanted; undefined for what only the upstream can judge. */
function limitOf(topN: Node | undefined, dialect: Dialect): number | undefined {
  if (topN === undefined) return ALL;
  if (topN.kind !== 'number') return undefined;
  if (topN.raw === '0') return dialect === 'vllm' ? ALL : undefined;
  return WHOLE.test(topN.raw) ? Number(topN.raw) : undefined;
}

// Not `3.0`, which servers with typed numbers refuse.
const WHOLE = /^[1-9]\d{0,14}$/;

/** What is no whole ranking is passed on as it came: its first results need not be those of a smaller `top_n`. */
function takeRanking(answer: Answer, documents: number): Taken {
  const taken = takeJson(answer);
  if (taken.kind !== 'parts') return taken;
  const problem = rankingProblem(objectOf(answer.body.toString()), documents);
  return problem === undefined ? taken : { kind: 'opaque', reason: problem };
}

/** As many results of a stored answer as this caller wants, everything else as it is but for a new identity. */
function firstOf(
  { status, headers, body }: Payload,
  limit = ALL,
  { identity, now, newId }: Replay,
): Rendering {
  if (limit === ALL && identity === 'keep') return { status, headers, body };
  const answer = body.toString();
  const tree = objectOf(answer);
  const fresh = identity === 'fresh' ? new FreshIdentity('rerank', now, newId).edits(tree) : [];
  return { status, headers, body: Buffer.from(splice(answer, [...firstResults(tree, limit), ...fresh])) };
}
