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
export function healthCalls({ accepting, checks }: HealthContext): readonly ControlCall[] {
  return [
    controlCall('everyone', '/health/live', { GET: () => Response.json({ status: 'ok', checks: {} }) }),
    controlCall('everyone', '/health/ready', {
      GET: () => {
        const found = checks();
        const degraded = [...found.values()].some((check) => check.state !== 'ok');
        const status = accepting() ? (degraded ? 'degraded' : 'ok') : 'stopping';
        return Response.json(
          { status, checks: Object.fromEntries(found) },
          { status: accepting() ? 200 : 503 },
        );
      },
    }),
  ];
}
