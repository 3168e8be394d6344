import { itemsOf, member, type ObjectNode } from './json.ts';
import { numberOf } from './number.ts';
import type { Edit } from './splice.ts';

/** Why an answer is no ranking that could be cut to a `top_n`. */
export type NoRanking = 'not-a-ranking' | 'ranking-incomplete' | 'ranking-unsorted';

/**
 * Why the `results` of an answer are not the whole ranking of `count` documents: each of them once, by its `index`, the
 * highest `relevance_score` first. Undefined where they are: then its first n results are what the upstream answers to
 * `top_n: n`. So answer Cohere, Jina, vLLM and llama.cpp.
 */
export function rankingProblem(answer: ObjectNode, count: number): NoRanking | undefined {
  const results = member(answer, 'results');
  if (results?.kind !== 'array') return 'not-a-ranking';
  if (results.items.length !== count) return 'ranking-incomplete';
  const seen = new Set<number>();
  let least = Number.POSITIVE_INFINITY;
  for (const result of results.items) {
    const index = numberOf(member(result, 'index'));
    const score = numberOf(member(result, 'relevance_score'));
    if (index === undefined || score === undefined) return 'not-a-ranking';
    if (!Number.isInteger(index) || index < 0 || index >= count || seen.has(index))
      return 'ranking-incomplete';
    if (score > least) return 'ranking-unsorted';
    seen.add(index);
    least = score;
  }
  return undefined;
}

/** The edits that leave the first `limit` results of a ranking, and everything else as it is. */
export function firstResults(answer: ObjectNode, limit: number): Edit[] {
  const results = itemsOf(member(answer, 'results'));
  const [last, end] = [results[limit - 1], results.at(-1)];
  return last === undefined || end === undefined ? [] : [{ start: last.end, end: end.end, text: '' }];
}
