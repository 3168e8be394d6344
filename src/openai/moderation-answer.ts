import { member, textOf } from './json.ts';
import { jsonOf, objectOf, objectText } from './json-text.ts';

/** What an upstream answered to a batch of moderations, in the order of the inputs. */
export interface ModerationAnswer {
  /** The JSON texts of the results, as the upstream wrote them. */
  readonly results: readonly string[];
  readonly id: string | undefined;
  /** The model's snapshot as the upstream names it. */
  readonly model: string | undefined;
}

/** Why an answer cannot be taken apart. */
export type NoModerations = 'not-moderations' | 'result-count';

/**
 * Reads the answer, which is known to be one JSON object, to a request of `count` inputs. Results have no index: they
 * are the inputs' in their order, and only if they are as many.
 */
export function readModerationAnswer(text: string, count: number): ModerationAnswer | NoModerations {
  const answer = objectOf(text);
  const results = member(answer, 'results');
  if (results?.kind !== 'array' || results.items.some(({ kind }) => kind !== 'object'))
    return 'not-moderations';
  if (results.items.length !== count) return 'result-count';
  return {
    results: results.items.map((result) => jsonOf(text, result)),
    id: textOf(member(answer, 'id')),
    model: textOf(member(answer, 'model')),
  };
}

/** The JSON text of an answer with these results. */
export function moderationAnswerText({ id, model, results }: ModerationAnswer): string {
  return objectText([
    ['id', id && JSON.stringify(id)],
    ['model', model && JSON.stringify(model)],
    ['results', `[${results.join(',')}]`],
  ]);
}
