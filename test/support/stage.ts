import type { Clock } from '../../src/shared/clock.ts';
import { until } from './deadline.ts';
import { type Answer, type Sent, send } from './http.ts';
import { startReprise, type TestReprise } from './reprise.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** An upstream and a proxy before it. */
export interface Stage extends AsyncDisposable {
  readonly upstream: Upstream;
  readonly reprise: TestReprise;
  /** Sends a request to the proxy; a path below `/v1` may leave that out. */
  ask(path: string, sent?: Sent): Promise<Answer>;
  /** Resolves when `count` requests are being answered. */
  running(count: number): Promise<void>;
}

/** What a test may choose. */
export interface StageOptions {
  readonly profile?: Readonly<Record<string, unknown>>;
  readonly upstreamSettings?: Readonly<Record<string, unknown>>;
  readonly clock?: Clock;
  /** The environment of its process. */
  readonly env?: Readonly<Record<string, string>>;
  /** How many threads answer requests. */
  readonly workers?: number;
  /** Makes the profile from the upstream's origin, for routes that lead there. */
  readonly profileFor?: (origin: string) => Readonly<Record<string, unknown>>;
}

/** A profile with one route, `GET /catalog/{id}` of type `products`, that leads to the upstream; `more` is said of the route. */
export function oneRoute(
  more: object = {},
  profile: object = {},
): Required<Pick<StageOptions, 'profileFor'>> {
  return {
    profileFor: (origin) => ({
      ...profile,
      upstreams: { shop: { base_url: origin } },
      routes: [
        {
          name: 'product',
          match: { method: 'GET', path: '/catalog/{id}' },
          type: 'products',
          upstream: 'shop',
          ...more,
        },
      ],
    }),
  };
}

/** Sets one up. Dispose of it to end both. */
export async function setStage(options: StageOptions = {}): Promise<Stage> {
  const upstream = await startUpstream();
  const { upstreamSettings, clock, env, workers } = options;
  const reprise = await startReprise({
    upstream: upstream.url,
    profile: options.profileFor?.(upstream.origin) ?? options.profile ?? {},
    ...(upstreamSettings && { upstreamSettings }),
    ...(clock && { clock }),
    ...(env && { env }),
    ...(workers && { workers }),
  });
  return {
    upstream,
    reprise,
    ask: (path, sent) => send(reprise.url + path, sent),
    running: (count) => until(() => reprise.running() === count, `${count} requests in the proxy`),
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      await reprise[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when the proxy takes no new connection any more. */
export function closed(stage: Stage): Promise<void> {
  const isRefused = () =>
    stage.ask('/health/live').then(
      () => false,
      () => true,
    );
  return until(isRefused, 'no new connection');
}
