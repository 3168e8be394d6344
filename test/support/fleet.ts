import assert from 'node:assert/strict';
import { until } from './deadline.ts';
import { tempFolder } from './folder.ts';
import { type Answer, chat, send } from './http.ts';
import { startRedis, type TestRedis } from './redis.ts';
import { startReprise, type TestOptions, type TestReprise } from './reprise.ts';
import { type ServerProcess, startServer } from './server/process.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** Three proxies before one upstream, that share a Redis: in this process, unless said otherwise. */
export interface Fleet<T extends Instance = TestReprise> extends AsyncDisposable {
  readonly upstream: Upstream;
  readonly redis: TestRedis;
  readonly instances: readonly [T, T, T];
  /** Resolves when what was fetched lies in Redis. */
  settled(): Promise<void>;
  /** Whether each knows of all others, and shares with them; `evenAfterRefusals`, if so, of writes, for which it does not say so for ten seconds. */
  isComplete(options?: { readonly evenAfterRefusals: boolean }): Promise<boolean>;
  /** A `POST` to the control plane of one of them. */
  control(instance: Instance, path: string, body: object): Promise<Answer>;
}

/** One of them. */
interface Instance {
  readonly url: string;
}

/** What instances are of, for the name of a suite that is run with one thread an instance and with more. */
export function threads(workers: number): string {
  return workers === 1 ? 'one thread' : `${workers} threads`;
}

/** What a test may choose. */
export interface FleetOptions extends Partial<Omit<TestOptions, 'upstream' | 'profile'>> {
  readonly profile?: Profile;
  /** A Redis that is there already; the fleet does not end it. */
  readonly redis?: TestRedis;
  /** Where it is, if not there. */
  readonly url?: string | undefined;
  /** Settings of the section `redis`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

interface Levels {
  readonly levels: readonly { readonly level: string; readonly state: string; readonly reason?: string }[];
  readonly bus: { readonly instances: readonly unknown[] };
}

/** How it is told that nothing is on its way to Redis. */
const WRITTEN = /^reprise_level_write_queue_bytes\{level="l3"\} 0$/m;
/** How it is told that Redis refused a write a while ago, which it may not do any more. */
const REFUSED = /^Redis takes nothing: /;

/** Sets one up. Dispose of it to end all of it. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  return await started(options, async (profile, upstream) => {
    const reprise = await startReprise({ ...options, upstream: upstream.url, profile });
    return [reprise, () => reprise[Symbol.asyncDispose]()];
  });
}

/** Sets one up whose proxies are processes, started as users start them. Dispose of it to end all of it. */
export async function startFleetOfProcesses({
  workers = 1,
  ...options
}: FleetOptions): Promise<Fleet<ServerProcess>> {
  return await started(options, async (profile, upstream) => {
    const upstreams = { default: { base_url: upstream.url, dialect: 'openai' } };
    const server = await startServer({ ...profile, upstreams, server: { workers } }, tempFolder());
    return [server, () => server.stop()];
  });
}

type Profile = Readonly<Record<string, object>>;

async function started<T extends Instance>(
  options: FleetOptions,
  start: (
    profile: Profile,
    upstream: Upstream,
  ) => Promise<readonly [instance: T, end: () => PromiseLike<unknown>]>,
): Promise<Fleet<T>> {
  // What has been started ends with it, or with the first that does not come up: the test's process could not end.
  await using begun = new AsyncDisposableStack();
  const upstream = begun.use(await startUpstream());
  const redis = options.redis ?? begun.use(await startRedis());
  const shared = { url: options.url ?? redis.url, timeout: '500ms', ...options.settings };
  const one = async () => {
    const [instance, end] = await start({ ...options.profile, redis: shared }, upstream);
    begun.defer(async () => void (await end()));
    return instance;
  };
  const starting = [one(), one(), one()] as const;
  await Promise.allSettled(starting);
  const instances = await Promise.all(starting);
  const everything = begun.move();
  return {
    upstream,
    redis,
    instances,
    async settled() {
      // Before it tells of its threads an instance has received all that they have sent it.
      const isWritten = async ({ url }: Instance) =>
        WRITTEN.test((await send(`${url}/metrics`)).body.toString());
      await until(
        async () => (await Promise.all(instances.map(isWritten))).every(Boolean),
        'all that was fetched in Redis',
      );
    },
    async isComplete({ evenAfterRefusals } = { evenAfterRefusals: false }) {
      const looks = instances.map(async ({ url }) => {
        const { body } = await send(`${url}/monitoring/cache/levels`);
        const { levels, bus }: Levels = JSON.parse(body.toString());
        const isWell = levels.every(
          ({ level, state, reason = '' }) =>
            level !== 'l3' || state === 'ok' || (evenAfterRefusals && REFUSED.test(reason)),
        );
        return isWell && bus.instances.length === instances.length;
      });
      return (await Promise.all(looks)).every(Boolean);
    },
    control: (instance, path, body) =>
      send(instance.url + path, { body, headers: { authorization: undefined } }),
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}

/** Whether one of them at least is ready and says that something is out of order with what they share. */
export async function isDegraded({ instances }: Fleet<Instance>): Promise<boolean> {
  const checks = instances.map(async ({ url }) => {
    const { status, json } = await send(`${url}/health/ready`);
    assert.equal(status, 200);
    return (json() as { checks: { l3: { state: string } } }).checks.l3.state === 'degraded';
  });
  return (await Promise.all(checks)).some(Boolean);
}

/** What one of them is told to purge nobody serves any more, and of what comes then there is one for all. */
export async function assertPurged(fleet: Fleet<Instance>): Promise<void> {
  let calls = 0;
  for (let tries = 0; tries < TRIES && calls !== 1; tries += 1) {
    calls = await callsAfterPurge(fleet, `in the end ${tries}`);
    assert.ok(calls >= 1);
  }
  assert.equal(calls, 1);
}

/** Has all fetch an entry, then one purge it, then all ask again; says how often the upstream was asked for that. */
async function callsAfterPurge(fleet: Fleet<Instance>, name: string): Promise<number> {
  const sent = { body: chat(name), headers: { 'x-cache-tags': 'product:9' } };
  for (const { url } of fleet.instances) await send(`${url}/v1/chat/completions`, sent);
  const { instances } = (
    await fleet.control(fleet.instances[1], '/cache/invalidate', { tags: ['product:9'] })
  ).json() as {
    instances: { shared: boolean; acknowledged: readonly string[] };
  };
  assert.deepEqual([instances.shared, instances.acknowledged.length], [true, 2]);
  const known = fleet.upstream.calls.length;
  for (const { url } of fleet.instances) {
    await send(`${url}/v1/chat/completions`, sent);
    await fleet.settled();
  }
  return fleet.upstream.calls.length - known;
}

/** Entries, batches of vectors and invalidations reach all. */
export async function assertShared(fleet: Fleet<Instance>, name = 'first'): Promise<void> {
  await until(() => fleet.isComplete(), 'three instances that know each other', 10_000);
  const [, two, three] = fleet.instances;
  let seen: readonly unknown[] = [];
  let tries = 0;
  for (; tries < TRIES && seen.join() !== FROM_L3.join(); tries += 1)
    seen = await fetched(fleet, `${name} ${tries}`);
  assert.deepEqual(seen, FROM_L3);
  const { instances } = (await fleet.control(three, '/cache/invalidate', { tags: ['product:1'] })).json() as {
    instances: { shared: boolean; acknowledged: readonly string[] };
  };
  assert.deepEqual([instances.shared, instances.acknowledged.length], [true, 2]);
  const last = await send(`${two.url}/v1/chat/completions`, entryOf(`${name} ${tries - 1}`));
  assert.equal(last.headers.get('x-cache'), 'MISS');
}

/** A machine that is busy may be too slow for the timeout: what nobody waits for any longer is fetched, once, and says nothing. */
const TRIES = 4;

const FROM_L3: readonly unknown[] = ['l3', 'l3', '128/128'];

/** Has one instance fetch an entry and a batch, and says from where another has them. */
async function fetched(fleet: Fleet<Instance>, name: string): Promise<readonly unknown[]> {
  const [one, two] = fleet.instances;
  const batch = { body: { model: 'e', input: Array.from({ length: 128 }, (_, at) => `${name} ${at}`) } };
  await send(`${one.url}/v1/chat/completions`, entryOf(name));
  await send(`${one.url}/v1/embeddings`, batch);
  await fleet.settled();
  const entry = await send(`${two.url}/v1/chat/completions`, entryOf(name));
  const vectors = await send(`${two.url}/v1/embeddings`, batch);
  const level = 'x-cache-level';
  return [entry.headers.get(level), vectors.headers.get(level), vectors.headers.get('x-cache-parts')];
}

function entryOf(name: string) {
  return { body: chat(name), headers: { 'x-cache-tags': 'product:1' } };
}
