import type { IncomingMessage } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { defect, errorAnswer } from '../http/errors.ts';
import { type RequestListener, readBody } from '../http/request.ts';
import type { Events } from '../observe/events.ts';
import type { AdminToken } from '../policy/admin-token.ts';
import { messageOf, RepriseError } from '../shared/errors.ts';
import type { Ask, ControlCall } from './call.ts';
import { checkAsker } from './who-may.ts';

/** What the control plane consists of. */
export interface ControlContext {
  readonly calls: readonly ControlCall[];
  /** Absent: this machine alone may make the calls that are not everyone's. */
  readonly token: AdminToken | undefined;
  readonly events: Events;
}

/** The control plane: its calls, who may make them, and an answer for every path that is nobody else's. */
export function createControlPlane(context: ControlContext): RequestListener {
  return getRequestListener(appOf(context).fetch, {
    // HTTP/1.0 may leave out its Host, of which no call makes use but in comparing it.
    hostname: 'localhost',
    errorHandler: (thrown) => respond(unreadable(thrown)),
  });
}

function appOf({ calls, token, events }: ControlContext): Hono<{ Bindings: Bindings }> {
  const app = new Hono<{ Bindings: Bindings }>();
  const check = (incoming: IncomingMessage) => {
    try {
      checkAsker(askerOf(incoming), token);
    } catch (thrown) {
      events.emit({ kind: 'refused', at: 'control plane' });
      throw thrown;
    }
  };
  app.use(async (c, next) => {
    await next();
    // What is so now is no answer to whoever asks later.
    const { headers } = c.res;
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  });
  for (const call of calls) {
    app.all(call.path, (c, next) => {
      const { incoming } = c.env;
      const handler = call.handlers.get(c.req.method === 'HEAD' ? 'GET' : c.req.method);
      // Who opens the root in a browser is told where to find what, not what a CDN's tool may do there.
      if (handler === undefined && call.path === '/') return next();
      if (call.who === 'admin') check(incoming);
      return handler === undefined ? wrongMethod(c, call) : handler(askOf(incoming));
    });
  }
  const isWhole = calls.some(({ who }) => who !== 'everyone');
  app.notFound((c) => respond(unknown(c.req.method, c.req.path, isWhole)));
  app.onError((thrown) => {
    if (thrown instanceof RepriseError && thrown.code !== 'internal_error') return respond(thrown);
    events.emit({ kind: 'background-failed', label: 'control plane', message: messageOf(thrown) });
    return respond(thrown instanceof RepriseError ? thrown : defect(thrown));
  });
  return app;
}

/** What the listener hands over beside the request. */
interface Bindings {
  readonly incoming: IncomingMessage;
}

function askerOf({ socket, headersDistinct }: IncomingMessage) {
  return {
    peer: socket.remoteAddress,
    port: socket.localPort,
    secure: 'encrypted' in socket,
    headers: headersDistinct,
  };
}

function askOf(incoming: IncomingMessage): Ask {
  const { headersDistinct, url = '' } = incoming;
  const header = (name: string) => headersDistinct[name]?.join(', ');
  const [path = '', ...query] = url.split('?');
  return {
    path,
    query: new URLSearchParams(query.join('?')),
    header,
    readBody: async (limit, bound) => await readBody({ header, stream: incoming }, { limit, bound }),
  };
}

function wrongMethod(c: Context, { path, handlers }: ControlCall): Response {
  const allowed = [...handlers.keys()].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const message = `${path} takes ${allowed.join(', ')}, not ${c.req.method.slice(0, 20)}.`;
  return respond(new RepriseError('method_not_allowed', message), { allow: allowed.join(', ') });
}

function unreadable(thrown: unknown): RepriseError {
  const message = `The request cannot be read (${messageOf(thrown)}): its host header must name a host, with its port or without.`;
  return new RepriseError('invalid_request', message, { param: 'host', cause: thrown });
}

/** `isWhole` says that all of the control plane is at this port. */
function unknown(method: string, path: string, isWhole: boolean): RepriseError {
  const others = isWhole ? 'the dashboard at /dashboard' : 'the control plane at the port of admin.port';
  return new RepriseError(
    'not_found',
    `There is nothing at ${method} ${path.slice(0, 200)}: the OpenAI-compatible API is below /v1/, health at /health/ready, ${others}.`,
  );
}

function respond(error: RepriseError, more: Readonly<Record<string, string>> = {}): Response {
  const { status, headers, body } = errorAnswer(error);
  return new Response(new Uint8Array(body), { status, headers: { ...Object.fromEntries(headers), ...more } });
}
