import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { RepriseError } from '../shared/errors.ts';
import { answerClientErrors } from './client-error.ts';
import { deliverError } from './deliver.ts';
import { newId } from './delivery.ts';
import { type Request, readHead } from './request.ts';

/** What a listener hands requests to. */
export interface ListenerContext {
  /** Whether a path belongs to the data plane. */
  readonly isData: (path: string) => boolean;
  /** Answers a data-plane request; never rejects. */
  readonly serveData: (request: Request, response: ServerResponse) => Promise<void>;
  /** Answers everything else. */
  readonly control: Hono;
}

/**
 * The HTTP listener. It asks one question: data plane or not? The data plane goes straight to the pipeline, on Node's
 * own request and response: a hit through a web framework costs a third more (measured), and raw writes under one have
 * ways to corrupt an answer.
 */
export function createListener(context: ListenerContext): Server {
  const control = getRequestListener(context.control.fetch);
  const server = createServer(SETTINGS, (incoming: IncomingMessage, response: ServerResponse) => {
    let request: Request;
    try {
      request = readHead(incoming);
    } catch (thrown) {
      if (!(thrown instanceof RepriseError)) throw thrown;
      // Where the head is in doubt, so is where the next one begins.
      response.setHeader('connection', 'close');
      deliverError(thrown, response, `req_${newId()}`);
      return;
    }
    if (context.isData(request.path)) void context.serveData(request, response);
    else void control(incoming, response);
  });
  // Node drops what is above its 1,000 without a word; their bytes are bounded by the head's size.
  server.maxHeadersCount = 0;
  answerClientErrors(server);
  return server;
}

const SETTINGS = {
  // Above the idle time of the usual load balancers (60 s), so that they never reuse a connection we are closing.
  keepAliveTimeout: 75_000,
  headersTimeout: 60_000,
  // An upload may take as long as it takes; Node's default would cut one of 512 MB on a slow line after 5 minutes.
  requestTimeout: 0,
  maxHeaderSize: 32_768,
  // Answered by us, in the shape of our errors.
  requireHostHeader: false,
} as const;
