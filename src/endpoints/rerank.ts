import { canonicalRequest } from '../openai/canonical.ts';
import type { Dialect } from '../openai/dialect.ts';
import { FreshIdentity } from '../openai/identity.ts';
import { itemsOf, member, type Node, type ObjectNode } from '../openai/json.ts';
import { objectOf } from '../openai/json-text.ts';
import { firstResults, rankingProblem } from '../openai/ranking.ts';
import { removeMember, splice } from '../openai/splice.ts';
import { bypassReason } from '../policy/bypass.ts';
import type { Answer, Endpoint, Plan, PlanInput, Taken } from './endpoint.ts';
import { takeJson } from './json-answer.ts';
import { type JsonRequest, readJsonRequest } from './json-request.ts';
import { modelOf } from './named-model.ts';
import { wholePlan } from './whole.ts';

/**
 * `POST /v1/rerank`, `/v2/rerank` and `/rerank`: the whole ranking is asked for and cached, and each caller gets the
 * first `top_n` of it.
 */
export const rerankEndpoint: Endpoint = {
  name: 'rerank',
  methods: ['POST'],
  paths: ['/v1/rerank', '/v2/rerank', '/rerank'],
  type: 'search_results',
  plan(input) {
    const request = readJsonRequest(input);
    if (request.kind === 'bypass') return request;
    const reason = bypassReason('rerank', request.root);
    if (reason !== undefined) return { kind: 'bypass', reason };
    const { root } = request;
    const documents = itemsOf(member(root, 'documents')).length;
    const limit = limitOf(member(root, 'top_n'), input.dialect);
    return documents === 0 || limit === undefined
      ? asAsked(input, root)
      : ranking(input, request, documents, limit);
  },
};

/** How many results are wanted: infinitely many where all are; undefined for what only the upstream can judge. */
function limitOf(topN: Node | undefined, dialect: Dialect): number | undefined {
  if (topN === undefined) return Number.POSITIVE_INFINITY;
  if (topN.kind !== 'number') return undefined;
  if (topN.raw === '0') return dialect === 'vllm' ? Number.POSITIVE_INFINITY : undefined;
  return WHOLE.test(topN.raw) ? Number(topN.raw) : undefined;
}

// Not `3.0`, which servers with typed numbers refuse.
const WHOLE = /^[1-9]\d{0,14}$/;

/** A plan whose entry serves every `top_n`. */
function ranking(input: PlanInput, { text, root }: JsonRequest, documents: number, limit: number): Plan {
  return wholePlan({
    type: 'search_results',
    label: modelOf(input, root),
    content: `ranking ${canonicalRequest('rerank', input.dialect, root, { without: ['top_n'] })}`,
    // A server counts and charges what it reads, which is every document whatever `top_n` is.
    body: Number.isFinite(limit) ? Buffer.from(removeMember(text, root, ['top_n'])) : input.body,
    takeApart: (answer) => takeRanking(answer, documents),
    putTogether([payload], { identity, now, newId }) {
      if (payload === undefined) throw new Error('a ranking is put together from no part');
      const { status, headers, body } = payload;
      if (limit >= documents && identity === 'keep') return { status, headers, body };
      const answer = body.toString();
      const tree = objectOf(answer);
      const edits = limit < documents ? firstResults(tree, limit) : [];
      if (identity === 'fresh') edits.push(...new FreshIdentity('rerank', now, newId).edits(tree));
      return { status, headers, body: Buffer.from(splice(answer, edits)) };
    },
  });
}

/** What is no whole ranking is passed on as it came: its first results need not be those of a smaller `top_n`. */
function takeRanking(answer: Answer, documents: number): Taken {
  const taken = takeJson(answer);
  if (taken.kind !== 'parts') return taken;
  const problem = rankingProblem(objectOf(answer.body.toString()), documents);
  return problem === undefined ? taken : { kind: 'opaque', reason: problem };
}

/** A plan for a request of no known shape: its own answer, for the same question only. */
function asAsked(input: PlanInput, root: ObjectNode): Plan {
  return wholePlan({
    type: 'search_results',
    label: modelOf(input, root),
    content: `asked ${canonicalRequest('rerank', input.dialect, root)}`,
    body: input.body,
    takeApart: (answer) => takeJson(answer),
  });
}
