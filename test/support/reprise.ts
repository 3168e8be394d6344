import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose } from '../../src/compose.ts';
import { settingsSchema } from '../../src/config/schema.ts';
import type { Invalidator } from '../../src/invalidation/invalidator.ts';
import { type Event, Events } from '../../src/observe/events.ts';
import { type Clock, systemClock } from '../../src/shared/clock.ts';

/** A proxy under test, in this process, on a free port. */
export interface TestReprise extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without `/v1`. */
  readonly url: string;
  /** Where its control plane listens. */
  readonly controlUrl: string;
  /** The data folder. */
  readonly folder: string;
  /** Everything it has emitted so far. */
  readonly events: readonly Event[];
  /** How many requests it is answering now. */
  running(): number;
  /** Stops it and keeps its folder, for a restart. */
  stop(): Promise<void>;
}

/** What a test may choose. */
export interface TestOptions {
  /** The default upstream, with its `/v1`. */
  readonly upstream: string;
  /** The rest of a profile, over the test's own defaults. */
  readonly profile?: Readonly<Record<string, unknown>>;
  /** Settings of the default upstream. */
  readonly upstreamSettings?: Readonly<Record<string, unknown>>;
  /** How many threads answer requests; if not said, what `REPRISE_TEST_WORKERS` says, for whole suites. */
  readonly workers?: number;
  readonly clock?: Clock;
  /** Carries invalidations out in the place of the cache. */
  readonly invalidator?: Invalidator;
  /** The environment of its process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The data folder of an earlier one, which is then not removed at the end. */
  readonly folder?: string;
}

/** Starts a proxy with all its tiers. Dispose of it to stop it and remove its folder. */
export async function startReprise(options: TestOptions): Promise<TestReprise> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'reprise-test-')));
  const { upstreams, ...profile } = options.profile ?? {};
  const settings = settingsSchema.parse({
    ...profile,
    server: {
      port: 0,
      drain: '2s',
      workers: workersOf(options),
      ...section(profile.server),
    },
    disk: { path: folder, max_bytes: '50MB', ...section(profile.disk) },
    upstreams: {
      ...section(upstreams),
      default: { base_url: options.upstream, ...options.upstreamSettings },
    },
  });
  const seen: Event[] = [];
  const events = new Events();
  events.listen((event) => seen.push(event));
  const { service, controlUrl } = await compose(settings, {
    clock: options.clock ?? systemClock,
    events,
    ...(options.invalidator && { invalidator: options.invalidator }),
    env: options.env ?? {},
  });
  return {
    url: service.url,
    controlUrl,
    folder,
    events: seen,
    running: () => service.running,
    stop: () => service.stop(),
    async [Symbol.asyncDispose]() {
      await service.stop();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A clock of the test's own, and what it has put in the place of the cache, are in one thread only. */
function workersOf({ workers, clock, invalidator }: TestOptions): number {
  if (workers !== undefined || clock !== undefined || invalidator !== undefined) return workers ?? 1;
  return Number(process.env.REPRISE_TEST_WORKERS ?? 1);
}

function section(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
