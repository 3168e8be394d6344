import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { RepriseError } from '../shared/errors.ts';
import { deliverError } from './deliver.ts';
import { newId } from './delivery.ts';
import { type Request, readHead } from './request.ts';

/** What a request to the control plane brings along: the connection says who asks. */
export interface ControlBindings {
  readonly incoming: IncomingMessage;
}

/** What a listener hands requests to. */
export interface ListenerContext {
  /** Whether a path belongs to the data plane. */
  readonly isData: (path: string) => boolean;
  /** Answers a data-plane request; never rejects. */
  readonly serveData: (request: Request, response: ServerResponse) => Promise<void>;
  /** Answers everything else. */
  readonly control: Hono<{ Bindings: ControlBindings }>;
}

/**
 * The HTTP listener. It asks one question: data plane or not? The data plane goes straight to the pipeline, on Node's
 * own request and response: a hit through a web framework costs a third more (measured), and raw writes under one have
 * ways to corrupt an answer.
 */
export function createListener(context: ListenerContext): Server {
  const control = getRequestListener(context.control.fetch);
  return createServer(SETTINGS, (incoming: IncomingMessage, response: ServerResponse) => {
    let request: Request;
    try {
      request = readHead(incoming);
    } catch (thrown) {
      if (!(thrown instanceof RepriseError)) throw thrown;
      deliverError(thrown, response, `req_${newId()}`);
      return;
    }
    if (context.isData(request.path)) void context.serveData(request, response);
    else void control(incoming, response);
  });
}

const SETTINGS = {
  // Above the idle time of the usual load balancers (60 s), so that they never reuse a connection we are closing.
  keepAliveTimeout: 75_000,
  headersTimeout: 60_000,
  // An upload may take as long as it takes; Node's default would cut one of 512 MB on a slow line after 5 minutes.
  requestTimeout: 0,
  maxHeaderSize: 32_768,
} as const;
