import { Hono } from 'hono';
import { errorAnswer } from '../http/errors.ts';
import { RepriseError } from '../shared/errors.ts';
import { answerWebhook, type DeliveryTaker, WEBHOOKS_PATH } from './webhooks.ts';

/** The state of one thing the service rests on. */
export interface Check {
  readonly state: 'ok' | 'degraded' | 'failed';
  /** Why it is not `ok`, in words an operator can act on. */
  readonly reason?: string;
}

/** What the control plane asks of the rest. */
export interface ControlContext {
  /** Whether new requests are welcome: false from the moment a stop was asked for. */
  readonly accepting: () => boolean;
  /** The state of each tier and upstream by its name. */
  readonly checks: () => ReadonlyMap<string, Check>;
  /** Takes the deliveries to webhooks; undefined if there are none. */
  readonly webhooks: DeliveryTaker | undefined;
}

/** The control plane: health, and an answer for every path that is nobody else's. */
export function createControlApp(context: ControlContext): Hono {
  const app = new Hono();
  app.get('/health/live', (c) => c.json({ status: 'ok', checks: {} }));
  app.get('/health/ready', (c) => {
    const checks = context.checks();
    const degraded = [...checks.values()].some((check) => check.state !== 'ok');
    const status = context.accepting() ? (degraded ? 'degraded' : 'ok') : 'stopping';
    return c.json({ status, checks: Object.fromEntries(checks) }, context.accepting() ? 200 : 503);
  });
  app.all('/health/*', (c) =>
    ['/health/live', '/health/ready'].includes(c.req.path)
      ? respond(
          new RepriseError('method_not_allowed', `${c.req.path} answers GET only, not ${c.req.method}.`),
        )
      : respond(unknown(c.req.method, c.req.path)),
  );
  app.all(`${WEBHOOKS_PATH}*`, (c) => answerWebhook(context.webhooks, c.req.raw, c.req.path));
  app.notFound((c) => respond(unknown(c.req.method, c.req.path)));
  app.onError((thrown) => {
    if (thrown instanceof RepriseError) return respond(thrown);
    throw thrown;
  });
  return app;
}

function unknown(method: string, path: string): RepriseError {
  return new RepriseError(
    'not_found',
    `There is nothing at ${method} ${path.slice(0, 200)}: the OpenAI-compatible API is below /v1/, health at /health/ready.`,
  );
}

function respond(error: RepriseError): Response {
  const { status, headers, body } = errorAnswer(error);
  return new Response(new Uint8Array(body), {
    status,
    headers: headers.map(([name, value]) => [name, value]),
  });
}
