import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { answerTo, tokensIn } from './answer.ts';
import { embed } from './embedding.ts';
import { CHAT_MODEL, EMBEDDING_MODEL } from './prices.ts';
import { between, hash } from './random.ts';
import { type Pace, type StandIn, sendJson, startStandIn } from './stand-in.ts';

/** The stand-in model, with the calls that really reached it. */
export interface Model extends StandIn {
  readonly counted: { readonly embeddings: number; readonly chat: number };
}

/**
 * Starts an OpenAI-compatible server: embeddings in 40 to 80 ms, chat with its first token after 300 to 600 ms and then
 * one every 25 ms, as JSON or as a stream, and the list of models. The same request always gets the same answer, equally late.
 */
export async function startModel(pace: Pace): Promise<Model> {
  const counted = { embeddings: 0, chat: 0 };
  const standIn = await startStandIn(async ({ method, url, body }, response) => {
    switch (`${method} ${url.pathname}`) {
      case 'POST /v1/embeddings':
        counted.embeddings += 1;
        return sendEmbeddings(EmbeddingsRequest.parse(body), response, pace);
      case 'POST /v1/chat/completions':
        counted.chat += 1;
        return sendChat(ChatRequest.parse(body), response, pace);
      case 'GET /v1/models':
        return sendJson(response, { object: 'list', data: [CHAT_MODEL, EMBEDDING_MODEL].map(toModel) });
      default:
        return sendJson(response, { error: { message: 'no such path', type: 'invalid_request_error' } }, 404);
    }
  });
  return { ...standIn, counted };
}

const EmbeddingsRequest = z.object({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).min(1)]),
  encoding_format: z.enum(['float', 'base64']).default('float'),
  dimensions: z.int().min(1).max(4096).default(1536),
});

const ChatRequest = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })).min(1),
  stream: z.boolean().default(false),
  stream_options: z.object({ include_usage: z.boolean().default(false) }).optional(),
});

/** 2026-01-01: answers that are equal are equal to the last byte. */
const CREATED = 1_767_225_600;
const CHUNK_MS = 25;

async function sendEmbeddings(
  request: z.infer<typeof EmbeddingsRequest>,
  response: ServerResponse,
  pace: Pace,
): Promise<void> {
  const inputs = typeof request.input === 'string' ? [request.input] : request.input;
  const tokens = inputs.reduce((sum, input) => sum + tokensIn(input), 0);
  await pace(between(40, 80, inputs.join('\n')));
  sendJson(response, {
    object: 'list',
    model: request.model,
    data: inputs.map((input, index) => {
      const vector = embed(input, request.dimensions);
      const embedding =
        request.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
      return { object: 'embedding', index, embedding };
    }),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

async function sendChat(
  request: z.infer<typeof ChatRequest>,
  response: ServerResponse,
  pace: Pace,
): Promise<void> {
  const answer = answerTo(request.messages);
  const chunks = answer.match(/\s*\S+(?:\s+\S+)?/g) ?? [];
  const prompt = request.messages.map((message) => message.content).join('\n');
  const usage = {
    prompt_tokens: tokensIn(prompt),
    completion_tokens: tokensIn(answer),
    total_tokens: tokensIn(prompt) + tokensIn(answer),
  };
  const envelope = {
    id: `chatcmpl-${hash(prompt).toString(16).padStart(8, '0')}`,
    created: CREATED,
    model: request.model,
  };

  await pace(between(300, 600, prompt));
  if (!request.stream) {
    await pace(chunks.length * CHUNK_MS);
    const message = { role: 'assistant', content: answer, refusal: null };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
    return sendJson(response, { ...envelope, object: 'chat.completion', choices, usage });
  }

  const withUsage = request.stream_options?.include_usage === true;
  const send = (choices: readonly object[], chunkUsage: object | null = null): void => {
    const chunk = { ...envelope, object: 'chat.completion.chunk', choices };
    response.write(`data: ${JSON.stringify(withUsage ? { ...chunk, usage: chunkUsage } : chunk)}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  send([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
  for (const content of chunks) {
    await pace(CHUNK_MS);
    if (response.destroyed) return;
    send([{ index: 0, delta: { content }, finish_reason: null }]);
  }
  send([{ index: 0, delta: {}, finish_reason: 'stop' }]);
  if (withUsage) send([], usage);
  response.end('data: [DONE]\n\n');
}

function toModel(id: string): object {
  return { id, object: 'model', created: CREATED, owned_by: 'reprise-demo' };
}
