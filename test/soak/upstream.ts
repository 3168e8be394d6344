import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { pickEvenly } from '../../src/demo/random.ts';
import { chatPiece, dataEvent } from '../support/openai-server.ts';
import { contentOf, vectorOf } from './answers.ts';

/** A server that answers much and fast, and fails now and then. */
export interface SoakUpstream {
  /** Without `/v1`. */
  readonly origin: string;
  /** Calls that have come, and those that were made to fail. */
  readonly counts: { calls: number; faults: number };
  /** Calls it has not ended yet. */
  active(): number;
  /** Closes the connections on which nothing runs. */
  closeIdle(): void;
  close(): Promise<void>;
}

/** Starts one that fails the share `faults` of its calls. */
export async function startSoakUpstream(random: () => number, faults: number): Promise<SoakUpstream> {
  const counts = { calls: 0, faults: 0 };
  let active = 0;
  const server = createServer((request, response) => {
    counts.calls += 1;
    active += 1;
    response.on('close', () => {
      active -= 1;
    });
    const fault = random() < faults ? pickEvenly(FAULTS, random) : undefined;
    if (fault !== undefined) counts.faults += 1;
    // Who hangs up while it sends is not answered.
    answer(request, response, fault).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    active: () => active,
    closeIdle: () => server.closeIdleConnections(),
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const FAULTS = ['429', '500', '503', 'reset', 'truncated'] as const;
type Fault = (typeof FAULTS)[number];

async function answer(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  await wait(1);
  if (fault === 'reset') return void request.socket.resetAndDestroy();
  if (fault !== undefined && fault !== 'truncated')
    return void response.writeHead(Number(fault)).end('{"error":{}}');
  const path = request.url ?? '';
  const asked = body.length > 0 && body[0] === 0x7b ? JSON.parse(body.toString()) : {};
  if (asked.stream === true) return await stream(response, contentOf(asked), fault);
  const text = jsonFor(path, asked, body);
  const whole = Buffer.byteLength(text);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(whole) });
  if (fault === undefined) response.end(text);
  else response.write(text.slice(0, whole / 2), () => response.destroy());
}

async function stream(response: ServerResponse, content: string, fault: Fault | undefined) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const word of content.split(' ')) {
    response.write(chatPiece({ role: 'assistant', content: `${word} ` }));
    await wait(1);
    if (response.destroyed) return;
    if (fault !== undefined) return void response.destroy();
  }
  response.end(chatPiece({}, 'stop') + dataEvent('[DONE]'));
}

function jsonFor(path: string, asked: Record<string, unknown>, body: Buffer): string {
  if (path === '/v1/chat/completions') {
    const message = { role: 'assistant', content: `${contentOf(asked)} `, refusal: null };
    return JSON.stringify({
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    });
  }
  if (path === '/v1/embeddings') {
    const input = asked.input as readonly string[];
    const data = input.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) }));
    return JSON.stringify({ object: 'list', data, model: 'e', usage: { prompt_tokens: 1, total_tokens: 1 } });
  }
  return JSON.stringify({ path, query: asked.query, bytes: body.length });
}
