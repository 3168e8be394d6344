import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../src/demo/random.ts';
import { until } from '../support/deadline.ts';
import { type ProfileSections, type ServerProcess, startServer } from '../support/server/process.ts';
import { ask, type Ending, randomMoment } from './client.ts';
import { defects, growth, type Part } from './judge.ts';
import { randomRequest } from './load.ts';
import { type SoakUpstream, startSoakUpstream } from './upstream.ts';

/** What is asked of a soak. */
export interface SoakOptions {
  readonly requests: number;
  /** After each of so many parts of the run a sample is taken. */
  readonly parts: number;
  readonly seed: number;
  /** Told of each part as it ends. */
  readonly onPart: (part: Part) => void;
}

const CLIENTS = 64;
// The share of requests whose client leaves, and of upstream calls that fail.
const ABORTS = 0.05;
const FAULTS = 0.01;

/**
 * Sends a running proxy a mix of requests from many clients, some of whom leave, over an upstream that fails now and
 * then, and looks what of it all stays behind. Gives what is not as it must be, a line each.
 */
export async function soak({ requests, parts, seed, onPart }: SoakOptions): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), 'reprise-soak-'));
  const upstream = await startSoakUpstream(random, FAULTS);
  const child = await startServer(profileOf(upstream.origin), folder);
  const seen: Part[] = [];
  const unused = child.sockets();
  let status: number | null;
  try {
    for (let part = 0; part < parts; part += 1) {
      const done = await runPart(child, upstream, Math.ceil(requests / parts), random, unused);
      seen.push(done);
      onPart(done);
    }
  } finally {
    status = await child.stop();
    await upstream.close();
    await rm(folder, { recursive: true, force: true });
  }
  return [...growth(seen, unused), ...defects(child.log(), status)];
}

async function runPart(
  child: ServerProcess,
  upstream: SoakUpstream,
  requests: number,
  random: () => number,
  unused: number,
): Promise<Part> {
  const agent = new Agent({ keepAlive: true });
  const endings = { right: 0, wrong: 0, failed: 0, cut: 0, left: 0 } satisfies Record<Ending, number>;
  const { calls } = upstream.counts;
  const began = performance.now();
  let sent = 0;
  const client = async () => {
    while (sent < requests) {
      sent += 1;
      endings[await ask(child.url, agent, randomRequest(random), randomMoment(random, ABORTS))] += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  const quiet = () => {
    upstream.closeIdle();
    return upstream.active() === 0 && child.sockets() <= unused;
  };
  // What is still there then is a leak, which the sample shows.
  await until(quiet, 'nothing runs', 10_000).catch(() => undefined);
  return { requests, seconds, endings, calls: upstream.counts.calls - calls, sample: await child.sample() };
}

/** Small caches and short lives: entries are evicted, expire and are refreshed all the time, and calls queue. */
function profileOf(origin: string): ProfileSections {
  return {
    sweep_every: '5s',
    memory: { max_entries: 500 },
    disk: { max_bytes: '3MB' },
    upstreams: {
      default: { base_url: `${origin}/v1`, concurrency: { max: 40, queue: 100, wait: '5s' } },
      shop: { base_url: origin },
    },
    types: {
      llm_responses: { ttl: '10s', stale_if_error: '10s' },
      products: { ttl: '2s', stale_while_revalidate: '2s' },
      search_results: { ttl: '5s', on_abandon: 'finish' },
      embeddings: { ttl: '30s', linger: '50ms' },
    },
    routes: [
      {
        name: 'product',
        match: { method: 'GET', path: '/catalog/{id}' },
        type: 'products',
        upstream: 'shop',
      },
    ],
  };
}
