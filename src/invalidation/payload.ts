import { isUtf8 } from 'node:buffer';
import { type Node, parseJson } from '../openai/json.ts';
import { RepriseError } from '../shared/errors.ts';

/** What a delivery says. Throws `invalid_request` for a body that is no JSON, or that two readers could read differently. */
export function readPayload(body: Buffer): Node {
  if (body.length === 0) throw unreadable('it is empty');
  if (!isUtf8(body)) throw unreadable('it is not UTF-8');
  const parsed = parseJson(body.toString());
  if (!parsed.ok) throw unreadable(PROBLEMS[parsed.problem]);
  return parsed.root;
}

const PROBLEMS = {
  'body-not-json': 'it is not JSON',
  'duplicate-key': 'an object in it has one name twice',
  'too-deep': 'it nests too deep',
  'too-many-values': 'it holds too many values',
} as const;

function unreadable(why: string): RepriseError {
  return new RepriseError('invalid_request', `The payload of this delivery cannot be read: ${why}.`);
}
