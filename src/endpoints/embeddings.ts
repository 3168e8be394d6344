import { bytesOfByteText } from '../openai/byte-text.ts';
import { canonicalRequest, canonicalValue } from '../openai/canonical.ts';
import type { Dialect } from '../openai/dialect.ts';
import { readEmbeddingInput } from '../openai/embedding-input.ts';
import { member, type Node, type ObjectNode, textOf } from '../openai/json.ts';
import { numberOf } from '../openai/number.ts';
import { touchedBy } from '../openai/objects.ts';
import { type Edit, splice } from '../openai/splice.ts';
import { deployedPaths } from '../openai/surface.ts';
import type { Encoding } from '../openai/vectors.ts';
import { bypassReason } from '../policy/bypass.ts';
import { narrowing } from './batch.ts';
import { itemizedPlan } from './embeddings-items.ts';
import { undividedPlan } from './embeddings-undivided.ts';
import type { Bypass, Endpoint, Plan, PlanInput } from './endpoint.ts';
import { type JsonRequest, readJsonRequest } from './json-request.ts';
import { modelOf, overruled } from './named-model.ts';

/** `POST /v1/embeddings`: every input is looked up, fetched and cached on its own, whatever batch it stands in. */
export const embeddingsEndpoint: Endpoint = {
  name: 'embeddings',
  methods: ['POST'],
  paths: deployedPaths('/embeddings'),
  type: 'embeddings',
  labels: 'model',
  lineage: 'gives',
  plan(input) {
    const request = readJsonRequest(input);
    if (request.kind === 'bypass') return request;
    const { root } = request;
    const reason = bypassReason('embeddings', root);
    if (reason !== undefined) return { kind: 'bypass', reason, touches: touchedBy(root) };
    const encoding = encodingOf(member(root, 'encoding_format'));
    if (encoding === undefined) {
      return { kind: 'bypass', reason: 'encoding-unknown', touches: touchedBy(root) };
    }
    const itemwise = root.members.every(({ key }) => ITEMWISE.has(key));
    return itemwise ? itemize(input, request, encoding) : undivided(input, root, encoding);
  },
};

/**
 * The fields that do the same to each input whatever the others are, or nothing: OpenAI's, vLLM's, and what Cohere, Voyage,
 * NVIDIA and Jina call theirs. An unknown field might tie the inputs together, as Jina's `late_chunking` does.
 */
const ITEMWISE: ReadonlySet<string> = new Set([
  'input',
  'model',
  'dimensions',
  'encoding_format',
  'user',
  'truncate_prompt_tokens',
  'add_special_tokens',
  'normalize',
  'priority',
  'request_id',
  'input_type',
  'task',
  'truncate',
]);

// Known to give base64 to who asks for it: exact, a quarter of the bytes of JSON numbers, and ten times faster to read.
const GIVES_BASE64: ReadonlySet<Dialect> = new Set(['openai', 'azure', 'vllm']);

function itemize(input: PlanInput, { text, root }: JsonRequest, encoding: Encoding): Plan | Bypass {
  const field = member(root, 'input');
  const read = field === undefined ? undefined : readEmbeddingInput(field);
  if (field === undefined || read === undefined) {
    return { kind: 'bypass', reason: 'input-not-itemizable', touches: touchedBy(root) };
  }
  const frame = canonicalRequest('embeddings', input.dialect, root, {
    without: ['input', ...overruled(input)],
  });
  const narrowedTo = narrowing(text, field, read.items);
  const contents = read.items.map((item) => `item ${canonicalValue(item)} ${frame}`);
  const always = encoding === 'float' && GIVES_BASE64.has(input.dialect) ? [askForBase64(root)] : [];
  return itemizedPlan({
    model: modelOf(input, root),
    encoding,
    dimensions: integerOf(member(root, 'dimensions')),
    contents,
    texts: read.items.map((item) => textOf(item) ?? ''),
    sizes: read.sizes,
    bodyFor(items) {
      const edits = [...always];
      if (items.length < contents.length) edits.push(narrowedTo(items));
      return edits.length === 0 ? input.body : bytesOfByteText(splice(text, edits));
    },
  });
}

function undivided(input: PlanInput, root: ObjectNode, encoding: Encoding): Plan {
  // With the encoding: an unknown field may make the vectors something else than float32, that cannot be converted.
  const frame = canonicalRequest('embeddings', input.dialect, root, { without: overruled(input) });
  return undividedPlan({
    model: modelOf(input, root),
    encoding,
    content: `whole ${encoding} ${frame}`,
    body: input.body,
    touches: touchedBy(root),
  });
}

/** What the caller gets its vectors as; undefined for a value that is not OpenAI's. */
function encodingOf(field: Node | undefined): Encoding | undefined {
  if (field === undefined) return 'float';
  const said = textOf(field);
  return said === 'float' || said === 'base64' ? said : undefined;
}

function askForBase64(root: ObjectNode): Edit {
  const said = member(root, 'encoding_format');
  if (said !== undefined) return { start: said.start, end: said.end, text: '"base64"' };
  // There is a member that follows: the input.
  return { start: root.start + 1, end: root.start + 1, text: '"encoding_format":"base64",' };
}

function integerOf(field: Node | undefined): number | undefined {
  const value = numberOf(field);
  return Number.isSafeInteger(value) ? value : undefined;
}
