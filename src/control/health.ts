import { type ControlCall, controlCall } from './call.ts';

/** The state of one thing the service rests on. */
export interface Check {
  readonly state: 'ok' | 'degraded' | 'failed';
  /** Why it is not `ok`, in words an operator can act on. */
  readonly reason?: string;
}

/** What health is told from. */
export interface HealthContext {
  /** Whether new requests are welcome: false from the moment a stop was asked for. */
  readonly accepting: () => boolean;
  /** The state of each tier and upstream by its name. */
  readonly checks: () => ReadonlyMap<string, Check>;
}

/** `GET /health/live` and `GET /health/ready`, for whoever watches the process. */
export function healthCalls(context: HealthContext): readonly ControlCall[] {
  return [
    controlCall('everyone', '/health/live', { GET: () => Response.json({ status: 'ok', checks: {} }) }),
    controlCall('everyone', '/health/ready', {
      GET: () => {
        const checks = context.checks();
        const status = statusOf({ accepting: context.accepting, checks: () => checks });
        return Response.json(
          { status, checks: Object.fromEntries(checks) },
          { status: NOT_READY.has(status) ? 503 : 200 },
        );
      },
    }),
  ];
}

/** The service's state in one word. */
export function statusOf({ accepting, checks }: HealthContext): Status {
  if (!accepting()) return 'stopping';
  const states = new Set([...checks().values()].map(({ state }) => state));
  if (states.has('failed')) return 'failed';
  return states.has('degraded') ? 'degraded' : 'ok';
}

type Status = 'ok' | 'degraded' | 'failed' | 'stopping';

/** No requests are to be sent to it. */
const NOT_READY: ReadonlySet<Status> = new Set(['failed', 'stopping']);
