import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../shared/errors.ts';

/** Waits as long as the real thing would take, given in milliseconds; a faster demo waits less. */
export type Pace = (ms: number) => Promise<void>;

/** A pace that is `speed` times as fast as the real thing. */
export function paceOf(speed: number): Pace {
  return (ms) => wait(ms / speed);
}

/** A local server that stands in for a service the demo has not got. */
export interface StandIn {
  /** Where it listens, such as `http://127.0.0.1:49152`. */
  readonly url: string;
  close(): Promise<void>;
}

/** One request as a stand-in gets it; `body` is the JSON sent, or undefined if nothing was. */
export interface StandInRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: unknown;
}

/** Answers one request; what it throws is answered 400. */
export type Answer = (request: StandInRequest, response: ServerResponse) => Promise<void>;

/** Starts a stand-in on a free port of this machine. */
export async function startStandIn(answer: Answer): Promise<StandIn> {
  const server = createServer((request, response) => {
    respond(request, response, answer).catch((thrown: unknown) => fail(response, thrown));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the stand-in has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers with `value` as JSON. */
export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function respond(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  await answer({ method: request.method ?? 'GET', url, body }, response);
}

function fail(response: ServerResponse, thrown: unknown): void {
  if (response.headersSent) response.destroy();
  else sendJson(response, { error: { message: messageOf(thrown), type: 'invalid_request_error' } }, 400);
}
