import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { upstreamAnswer } from './embeddings.ts';
import { moderationAnswer } from './moderations.ts';
import { responseEvents, responseObject } from './openai-responses.ts';
import { rankingAnswer } from './rankings.ts';
import type { Handler, Turn, UpstreamRequest } from './upstream.ts';

/** Answers like OpenAI's API, deterministically: the same request always gets the same words. */
export const answerAsOpenAi: Handler = async (request, response, turn) => {
  // Azure's paths are the same API.
  const path = request.path.replace(/^\/openai\/(?:v1|deployments\/[^/]+)\//, '/v1/');
  const asked = readJson(request);
  if (asked === undefined && JSON_PATHS.test(path)) {
    return sendJson(response, 400, {
      error: {
        message: 'We could not parse the JSON body.',
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
    });
  }
  return answerJson(request, response, turn, path, asked ?? {});
};

const JSON_PATHS = /^\/v1\/(embeddings|chat\/completions|completions|responses)$/;

/** The body if it is a JSON object. */
function readJson(request: UpstreamRequest): Record<string, unknown> | undefined {
  try {
    const read: unknown = request.json();
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? { ...read } : undefined;
  } catch {
    return undefined;
  }
}

async function answerJson(
  request: UpstreamRequest,
  response: ServerResponse,
  turn: Turn,
  path: string,
  asked: Record<string, unknown>,
): Promise<void> {
  switch (`${request.method} ${path}`) {
    case 'POST /v1/embeddings':
      return sendJson(response, 200, upstreamAnswer(request.body, { encoding: 'as-asked' }));
    case 'POST /v1/chat/completions':
      return asked.stream === true
        ? sendEvents(response, chatEvents(request, asked), turn)
        : sendJson(response, 200, chatObject(request, asked));
    case 'POST /v1/completions':
      return asked.stream === true
        ? sendEvents(response, completionEvents(asked), turn)
        : sendJson(response, 200, completionObject(asked));
    case 'POST /v1/responses':
      return asked.stream === true
        ? sendEvents(response, responseEvents(asked), turn)
        : sendJson(response, 200, responseObject(asked));
    case 'POST /v1/moderations':
      return sendJson(response, 200, Buffer.from(moderationAnswer(asked)));
    case 'POST /v1/rerank':
    case 'POST /v2/rerank':
    case 'POST /rerank':
      return sendJson(response, 200, Buffer.from(rankingAnswer(asked)));
    case 'GET /v1/models':
      return sendJson(response, 200, { object: 'list', data: [model('gpt-5-mini'), model('gpt-6-sol')] });
  }
  if (request.method === 'GET' && path.startsWith('/v1/models/')) {
    return sendJson(response, 200, model(path.slice('/v1/models/'.length)));
  }
  if (/^\/v1\/vector_stores\/[^/]+\/search$/.test(path)) return sendJson(response, 200, searchPage(asked));
  sendJson(response, 404, {
    error: {
      message: `Unknown request URL: ${request.method} ${path}.`,
      type: 'invalid_request_error',
      param: null,
      code: 'unknown_url',
    },
  });
}

let requests = 0;

/** What OpenAI says with each answer, and what must not be said again. */
export function perRequestHeaders(): Record<string, string> {
  requests += 1;
  return {
    'x-request-id': `req_upstream_${requests}`,
    'openai-processing-ms': '12',
    'openai-organization': 'org-of-the-first',
    'openai-version': '2020-10-01',
    'x-ratelimit-remaining-requests': String(9999 - requests),
    'set-cookie': `__cf_bm=${requests}; path=/`,
    'cache-control': 'no-cache, must-revalidate',
    'access-control-allow-origin': '*',
  };
}

/** Writes a JSON answer with OpenAI's headers. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...perRequestHeaders(),
    'content-type': 'application/json',
    'content-length': String(bytes.length),
    ...headers,
  });
  response.end(bytes);
}

/** Writes an event stream, one chunk an event, each when its turn comes. */
export async function sendEvents(
  response: ServerResponse,
  events: readonly string[],
  turn: { pass(): Promise<void> },
): Promise<void> {
  response.writeHead(200, { ...perRequestHeaders(), 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  for (const event of events) {
    await turn.pass();
    if (response.destroyed) return;
    response.write(event);
  }
  response.end();
}

/** A data-only event. */
export function dataEvent(data: unknown): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** One event of a chat stream: a piece of its only choice. */
export function chatPiece(delta: object, finish: string | null = null): string {
  return dataEvent({
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
}

/** The words the model answers to this request with: they depend on all it was asked. */
export function wordsFor(request: unknown): string[] {
  const seed = createHash('sha256').update(JSON.stringify(request)).digest();
  const words = ['Grüße', 'the', 'lamp', 'costs', '42', '€', 'naïve', '🏔️', 'and', 'then', '“yes”', 'ships'];
  return Array.from({ length: 12 }, (_, at) => `${words[(seed[at] ?? 0) % words.length]} `);
}

function identity(asked: Record<string, unknown>, object: string, prefix: string) {
  const id = createHash('sha256')
    .update(JSON.stringify([asked.messages ?? asked.prompt, asked.model]))
    .digest('hex');
  return { id: `${prefix}${id.slice(0, 24)}`, object, created: 1_780_000_000, model: String(asked.model) };
}

interface Choice {
  readonly words: readonly string[];
  readonly call: { id: string; name: string; arguments: string } | undefined;
  readonly logprobs: boolean;
}

function choicesOf(asked: Record<string, unknown>): Choice[] {
  const count = typeof asked.n === 'number' ? asked.n : 1;
  const usesTool = Array.isArray(asked.tools) && JSON.stringify(asked.messages).includes('use the tool');
  return Array.from({ length: count }, (_, index) => ({
    words: wordsFor([asked.messages ?? asked.prompt, asked.model, asked.temperature, index]),
    call: usesTool
      ? { id: `call_${index}_abc`, name: 'look_up', arguments: '{"sku":"SKU-7","deep":{"a":[1,2.50]}}' }
      : undefined,
    logprobs: asked.logprobs === true,
  }));
}

function usageOf(asked: Record<string, unknown>) {
  const prompt = JSON.stringify(asked.messages ?? asked.prompt ?? null).length;
  return { prompt_tokens: prompt, completion_tokens: 12, total_tokens: prompt + 12 };
}

function logprobsOf(words: readonly string[]) {
  return {
    content: words.map((token) => ({
      token,
      logprob: -0.25,
      bytes: [...Buffer.from(token)],
      top_logprobs: [],
    })),
    refusal: null,
  };
}

function chatObject(_request: UpstreamRequest, asked: Record<string, unknown>) {
  return {
    ...identity(asked, 'chat.completion', 'chatcmpl-'),
    choices: choicesOf(asked).map(({ words, call, logprobs }, index) => ({
      index,
      message: {
        role: 'assistant',
        content: call === undefined ? words.join('') : null,
        refusal: null,
        ...(call && {
          tool_calls: [
            { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } },
          ],
        }),
      },
      logprobs: logprobs && call === undefined ? logprobsOf(words) : null,
      finish_reason: call === undefined ? 'stop' : 'tool_calls',
    })),
    usage: usageOf(asked),
    service_tier: 'default',
  };
}

function chatEvents(_request: UpstreamRequest, asked: Record<string, unknown>): string[] {
  const head = { ...identity(asked, 'chat.completion.chunk', 'chatcmpl-'), service_tier: 'default' };
  const options = asked.stream_options as
    | { include_usage?: boolean; include_obfuscation?: boolean }
    | undefined;
  const extra = {
    ...(options?.include_usage === true && { usage: null }),
    ...(options?.include_obfuscation !== false && { obfuscation: Math.random().toString(36).slice(2) }),
  };
  const events: string[] = [];
  const say = (index: number, delta: unknown, logprobs: unknown = null, finish: string | null = null) =>
    events.push(
      dataEvent({ ...head, choices: [{ index, delta, logprobs, finish_reason: finish }], ...extra }),
    );
  const choices = choicesOf(asked);
  for (const [index, { call }] of choices.entries()) {
    say(index, { role: 'assistant', content: call === undefined ? '' : null, refusal: null });
  }
  for (let at = 0; at < 12; at += 1) {
    for (const [index, { words, call, logprobs }] of choices.entries()) {
      const word = words[at] ?? '';
      if (call === undefined) say(index, { content: word }, logprobs ? logprobsOf([word]) : null);
    }
  }
  for (const [index, { call }] of choices.entries()) {
    if (call === undefined) continue;
    say(index, {
      tool_calls: [{ index: 0, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }],
    });
    for (const piece of call.arguments.match(/.{1,7}/g) ?? []) {
      say(index, { tool_calls: [{ index: 0, function: { arguments: piece } }] });
    }
  }
  for (const [index, { call }] of choices.entries())
    say(index, {}, null, call === undefined ? 'stop' : 'tool_calls');
  if (options?.include_usage === true)
    events.push(dataEvent({ ...head, choices: [], usage: usageOf(asked) }));
  events.push(dataEvent('[DONE]'));
  return events;
}

function completionObject(asked: Record<string, unknown>) {
  return {
    ...identity(asked, 'text_completion', 'cmpl-'),
    choices: choicesOf(asked).map(({ words }, index) => ({
      text: words.join(''),
      index,
      logprobs: null,
      finish_reason: 'stop',
    })),
    usage: usageOf(asked),
  };
}

function completionEvents(asked: Record<string, unknown>): string[] {
  const head = identity(asked, 'text_completion', 'cmpl-');
  const options = asked.stream_options as { include_usage?: boolean } | undefined;
  const events = choicesOf(asked).flatMap(({ words }, index) => [
    ...words.map((text) =>
      dataEvent({ ...head, choices: [{ text, index, logprobs: null, finish_reason: null }] }),
    ),
    dataEvent({ ...head, choices: [{ text: '', index, logprobs: null, finish_reason: 'stop' }] }),
  ]);
  if (options?.include_usage === true)
    events.push(dataEvent({ ...head, choices: [], usage: usageOf(asked) }));
  return [...events, dataEvent('[DONE]')];
}

function model(id: string) {
  return { id, object: 'model', created: 1_780_000_000, owned_by: 'openai' };
}

function searchPage(asked: Record<string, unknown>) {
  return {
    object: 'vector_store.search_results.page',
    search_query: [asked.query],
    data: [
      {
        file_id: 'file-7',
        filename: 'lamps.md',
        score: 0.91,
        attributes: {},
        content: [{ type: 'text', text: String(asked.query) }],
      },
    ],
    has_more: false,
    next_page: null,
  };
}
