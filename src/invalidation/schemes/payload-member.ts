import { member, type Node, parseJson } from '../../openai/json.ts';
import { setMember } from '../../openai/splice.ts';
import { nameOf } from './place.ts';

/** The name that a payload's member holds; undefined if it holds none. */
export function memberName(payload: Node, name: string): string | undefined {
  return nameOf(member(payload, name));
}

/** A payload with a member added, unless it is there already or the payload is no object. */
export function withMember(payload: string, name: string, value: string): string {
  const parsed = parseJson(payload);
  if (!parsed.ok || parsed.root.kind !== 'object' || member(parsed.root, name) !== undefined) return payload;
  return setMember(payload, parsed.root, [name], JSON.stringify(value));
}
