import { type Api, type ChoiceOutcome, label, type Outcome } from '../openai/outcome.ts';

/**
 * Why an answer with status 200 must not be stored; undefined if it may be. `plain` is any JSON answer that is not a
 * model's text, such as a search: of it only an error inside is refused. What is not finished, cut short, filtered or
 * refused by the model is mostly not what the same question gets again, and is never kept.
 */
export function refusalOf(api: Api | 'plain', outcome: Outcome): string | undefined {
  switch (api) {
    case 'plain':
      return outcome.failed ? 'error-inside' : undefined;
    case 'responses':
      return refusalOfResponse(outcome);
    case 'chat':
    case 'completions':
      return outcome.failed ? 'error-inside' : refusalOfChoices(outcome.choices);
  }
}

// `length` is cut where the caller's limit says, but is mostly asked again to be sampled anew; what a vendor invents
// (`insufficient_system_resource`, `model_length`) is no good end either.
const GOOD_ENDS: ReadonlySet<string> = new Set(['stop', 'tool_calls', 'function_call']);

function refusalOfResponse(outcome: Outcome): string | undefined {
  if (outcome.status === undefined) return 'status-missing';
  if (outcome.status !== 'completed') return `status:${label(outcome.status)}`;
  if (outcome.failed) return 'error-inside';
  return outcome.refused ? 'refusal' : undefined;
}

function refusalOfChoices(choices: readonly ChoiceOutcome[]): string | undefined {
  if (choices.length === 0) return 'no-choices';
  for (const { finish, refused, filtered } of choices) {
    if (finish === undefined) return 'finish-missing';
    if (!GOOD_ENDS.has(finish)) return `finish:${label(finish)}`;
    if (refused) return 'refusal';
    if (filtered) return 'content-filter';
  }
  return undefined;
}
