import { readBody } from '../openai/body.ts';
import type { ObjectNode } from '../openai/json.ts';
import type { Bypass, PlanInput } from './endpoint.ts';

/** A request's JSON body: its byte text and its tree. */
export interface JsonRequest {
  readonly kind: 'json';
  readonly text: string;
  readonly root: ObjectNode;
}

/** Reads the JSON body of a request, or says why the request cannot be keyed. */
export function readJsonRequest(input: PlanInput): JsonRequest | Bypass {
  // What cannot be read here may yet be read by the upstream, and name anything.
  const touches = 'object';
  if (input.header('content-encoding') !== undefined)
    return { kind: 'bypass', reason: 'body-encoded', touches };
  if (!isJson(input.header('content-type'))) return { kind: 'bypass', reason: 'body-not-json', touches };
  const read = readBody(input.body);
  if (!read.ok) return { kind: 'bypass', reason: read.problem, touches };
  return { kind: 'json', text: read.text, root: read.root };
}

/** Whether a `content-type` says JSON (RFC 8259 §11, RFC 6839 §3.1), in UTF-8 if it names a character set. */
export function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return false;
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  if (!/^\s*application\/(?:[\w.-]+\+)?json\s*$/.test(type)) return false;
  return parameters.every((parameter) => {
    const [name, value] = parameter.trim().split('=', 2);
    return name !== 'charset' || /^"?utf-?8"?$/.test(value ?? '');
  });
}
