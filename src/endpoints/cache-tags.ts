import { bytesOfByteText, fromByteText } from '../openai/byte-text.ts';
import { member } from '../openai/json.ts';
import { jsonOf } from '../openai/json-text.ts';
import { removeMember } from '../openai/splice.ts';
import { RepriseError } from '../shared/errors.ts';
import { parseTagList, TAG_EXPECTED } from '../shared/tag.ts';
import type { PlanInput } from './endpoint.ts';
import { readJsonRequest } from './json-request.ts';

/**
 * Takes `metadata.cache_tags` out of a request: the tags between its commas, and the request without it, also without
 * `metadata` where it held nothing else. Throws `invalid_request` for one that cannot be read.
 */
export function takeCacheTags(input: PlanInput): {
  readonly input: PlanInput;
  readonly tags: readonly string[];
} {
  if (!input.body.includes('"cache_tags"')) return { input, tags: [] };
  const request = readJsonRequest(input);
  if (request.kind === 'bypass') return { input, tags: [] };
  const { text, root } = request;
  const metadata = member(root, 'metadata');
  const said = member(metadata, 'cache_tags');
  if (metadata?.kind !== 'object' || said === undefined) return { input, tags: [] };
  const tags = said.kind === 'string' ? parseTagList(said.value) : undefined;
  if (tags === undefined) {
    throw new RepriseError(
      'invalid_request',
      `metadata.cache_tags is ${fromByteText(jsonOf(text, said)).slice(0, 40)}: expected a text with, between commas, each ${TAG_EXPECTED}.`,
      { param: 'metadata.cache_tags' },
    );
  }
  const alone = metadata.members.length === 1;
  const body = removeMember(text, root, alone ? ['metadata'] : ['metadata', 'cache_tags']);
  const spelled = fromByteText(jsonOf(text, metadata));
  return { input: { ...input, body: bytesOfByteText(body), metadata: spelled }, tags };
}
