import { type Answer, send } from './http.ts';
import { startRedis, type TestRedis } from './redis.ts';
import { startReprise, type TestOptions, type TestReprise } from './reprise.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** Three proxies before one upstream, that share a Redis. */
export interface Fleet extends AsyncDisposable {
  readonly upstream: Upstream;
  readonly redis: TestRedis;
  readonly instances: readonly [TestReprise, TestReprise, TestReprise];
  /** Resolves when what was fetched lies in Redis. */
  settled(): Promise<void>;
  /** Whether each knows of all others, and shares with them. */
  isComplete(): Promise<boolean>;
  /** A `POST` to the control plane of one of them. */
  control(instance: TestReprise, path: string, body: object): Promise<Answer>;
}

/** What instances are of, for the name of a suite that is run with one thread an instance and with more. */
export function threads(workers: number): string {
  return workers === 1 ? 'one thread' : `${workers} threads`;
}

/** What a test may choose. */
export interface FleetOptions extends Partial<Omit<TestOptions, 'upstream'>> {
  /** A Redis that is there already; the fleet does not end it. */
  readonly redis?: TestRedis;
  /** Where it is, if not there. */
  readonly url?: string | undefined;
  /** Settings of the section `redis`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

interface Levels {
  readonly levels: readonly { readonly level: string; readonly state: string }[];
  readonly bus: { readonly instances: readonly unknown[] };
}

/** Sets one up. Dispose of it to end all of it. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const upstream = await startUpstream();
  const redis = options.redis ?? (await startRedis());
  const start = () =>
    startReprise({
      ...options,
      upstream: upstream.url,
      profile: {
        ...options.profile,
        redis: { url: options.url ?? redis.url, timeout: '500ms', ...options.settings },
      },
    });
  const instances = [await start(), await start(), await start()] as const;
  return {
    upstream,
    redis,
    instances,
    async settled() {
      // Before it tells of its threads an instance has received all that they have sent it.
      for (const { url } of instances) await send(`${url}/monitoring/cache/levels`);
      // What is written first is answered first.
      await redis.ask('PING');
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
    async isComplete() {
      const looks = instances.map(async ({ url }) => {
        const { body } = await send(`${url}/monitoring/cache/levels`);
        const { levels, bus }: Levels = JSON.parse(body.toString());
        const isWell = levels.every(({ level, state }) => level !== 'l3' || state === 'ok');
        return isWell && bus.instances.length === instances.length;
      });
      return (await Promise.all(looks)).every(Boolean);
    },
    control: (instance, path, body) =>
      send(instance.url + path, { body, headers: { authorization: undefined } }),
    async [Symbol.asyncDispose]() {
      for (const instance of instances) await instance[Symbol.asyncDispose]();
      if (options.redis === undefined) await redis[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}
