import { member, type ObjectNode, textOf } from '../openai/json.ts';
import type { PlanInput } from './endpoint.ts';

/** The model a request is for: the one its path names (an Azure deployment), else its body; empty if neither does. */
export function modelOf({ params }: Pick<PlanInput, 'params'>, root: ObjectNode): string {
  return params.get('model') ?? textOf(member(root, 'model')) ?? '';
}

/** The fields of the body that mean nothing because the path, which is keyed anyway, says their part. */
export function overruled({ params }: Pick<PlanInput, 'params'>): readonly string[] {
  return params.has('model') ? ['model'] : [];
}
