import { type IncomingMessage, type ServerResponse, request as startRequest } from 'node:http';
import { MessageChannel } from 'node:worker_threads';
import { deliverError } from '../http/deliver.ts';
import type { RequestListener } from '../http/request.ts';
import { newRequestId } from '../http/request-id.ts';
import { writeHead } from '../http/write-head.ts';
import { RepriseError } from '../shared/errors.ts';
import type { HubCalls } from './calls.ts';
import { Line } from './line.ts';
import type { Wire } from './wire.ts';

/** What is of one connection (RFC 9110 §7.6.1), and what was met already. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'upgrade', 'expect']);

/**
 * A control plane that is in the hub: each request goes there over a connection between the threads, in HTTP, with the address of
 * who sent it, and its answer comes back the same way, each side held back by the slower one.
 */
export function controlRelay(wire: Wire<HubCalls>): RequestListener {
  return (incoming, response) =>
    new Promise((resolve) => {
      response.on('close', resolve);
      const failed = (error: unknown) => {
        if (response.headersSent) response.destroy();
        else deliverError(unanswered(error), response, newRequestId());
      };
      try {
        const request = startRequest({
          createConnection: () => connected(wire, incoming),
          method: incoming.method ?? 'GET',
          path: incoming.url ?? '/',
          headers: forwarded(incoming.rawHeaders),
          setHost: false,
        });
        request.on('response', (answer) => answerWith(answer, response));
        request.on('error', failed);
        // Without the body's end, and after it, there is nobody any more who would read the answer.
        response.on('close', () => request.destroy());
        incoming.pipe(request);
      } catch (thrown) {
        // What Node has read it may still refuse to write.
        failed(thrown);
      }
    });
}

/** A connection with the hub, for the request of somebody who is connected with this thread. */
function connected(wire: Wire<HubCalls>, { socket }: IncomingMessage): Line {
  const { port1, port2 } = new MessageChannel();
  const { remoteAddress: address, localPort } = socket;
  wire.tell('connect', { port: port2, peer: { address, port: localPort, secure: 'encrypted' in socket } });
  return new Line(port1);
}

function answerWith(answer: IncomingMessage, response: ServerResponse): void {
  writeHead(response, answer.statusCode ?? 500, forwarded(answer.rawHeaders));
  response.flushHeaders();
  answer.pipe(response);
  answer.on('error', () => response.destroy());
}

/** Headers, flat, without those of the connection they came over. */
function forwarded(raw: readonly string[]): string[] {
  const headers: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]];
    if (!OF_THE_CONNECTION.has(name.toLowerCase())) headers.push(name, value);
  }
  return headers;
}

function unanswered(cause: unknown): RepriseError {
  return new RepriseError('internal_error', 'The control plane gave no answer; the log may say why.', {
    cause,
  });
}
