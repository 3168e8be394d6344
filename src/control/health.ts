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
        const { accepting, checks } = context;
        return Response.json(
          { status: statusOf(context), checks: Object.fromEntries(checks()) },
          { status: accepting() ? 200 : 503 },
        );
      },
    }),
  ];
}

/** The service's state in one word. */
export function statusOf({ accepting, checks }: HealthContext): 'ok' | 'degraded' | 'stopping' {
  if (!accepting()) return 'stopping';
  return [...checks().values()].every((check) => check.state === 'ok') ? 'ok' : 'degraded';
}
