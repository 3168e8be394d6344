import type { ServerResponse } from 'node:http';
import { chatChunks, chatObject, completionChunks, completionObject } from './chat-completions.ts';
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
        ? sendEvents(response, chatChunks(asked).map(dataEvent), turn)
        : sendJson(response, 200, chatObject(asked));
    case 'POST /v1/completions':
      return asked.stream === true
        ? sendEvents(response, completionChunks(asked).map(dataEvent), turn)
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
