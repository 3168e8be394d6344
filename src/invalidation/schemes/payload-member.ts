import { member, parseJson } from '../../openai/json.ts';
import { isRecord } from '../../openai/plain.ts';
import { setMember } from '../../openai/splice.ts';

/** The text that a payload's member holds; undefined for anything else. */
export function memberText(payload: unknown, name: string): string | undefined {
  const value = isRecord(payload) && Object.hasOwn(payload, name) ? payload[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A payload with a member added, unless it is there already or the payload is no object. */
export function withMember(payload: string, name: string, value: string): string {
  const parsed = parseJson(payload);
  if (!parsed.ok || parsed.root.kind !== 'object' || member(parsed.root, name) !== undefined) return payload;
  return setMember(payload, parsed.root, [name], JSON.stringify(value));
}
