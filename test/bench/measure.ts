import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadGenerator } from '../support/load/generator.ts';
import type { Achieved } from '../support/load/process.ts';
import { type ProfileSections, startServer } from '../support/server/process.ts';
import { otherwise, type Payload, VARIED } from './payloads.ts';
import { aimedAt, type Subject, startBare, startStandIn } from './subjects.ts';

/** What is measured: hits of one payload. */
export interface Scenario {
  readonly payload: Payload;
  readonly connections: number;
  /** What is asked for first, once each, so that it is held; else the payload itself. */
  readonly prime?: Payload;
  /** Whether the blanks at each body's front are others in each request. */
  readonly varied?: boolean;
  /** Settings beside those of every run. */
  readonly profile?: ProfileSections;
}

/** Questions that were asked in another spelling, each in yet another one. */
export function spelledOtherwise(payload: Payload): Scenario {
  return { payload: otherwise(payload), prime: payload, varied: true, connections: 64 };
}

/** How long and how often is measured. */
export interface Effort {
  readonly rounds: number;
  readonly ms: number;
  readonly warmUpMs: number;
  /** How long each server is used before the first of the rounds. */
  readonly settleMs: number;
}

/** What came of it: medians over the rounds. Ratios are of each round's two measurements, which follow each other. */
export interface Figures {
  readonly name: string;
  readonly connections: number;
  readonly items: number;
  readonly bare: Side;
  readonly reprise: Side;
  /** Of the requests per second: more is better. */
  readonly throughput: number;
  /** Of the server's CPU time for a request: less is better. */
  readonly cpu: number;
}

/** One server's medians. */
export interface Side {
  readonly requestsPerSecond: number;
  readonly cpuMicroseconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Measures the scenario on both servers in turn. Throws if a request is no hit, or goes wrong. */
export async function measure(
  scenario: Scenario,
  generator: LoadGenerator,
  effort: Effort,
): Promise<Figures> {
  const { payload, connections } = scenario;
  const folder = await mkdtemp(join(tmpdir(), 'reprise-bench-'));
  const standIn = await startStandIn((_path, body) => [payload.contentType, payload.answer(body)]);
  const server = await startServer(
    {
      upstreams: { default: { base_url: `${standIn.url}/v1`, dialect: 'openai' } },
      log: { level: 'warn' },
      memory: { max_entries: 10_000 },
      ...scenario.profile,
    },
    folder,
  );
  const { pid, url } = server;
  const reprise = { pid, port: Number(new URL(url).port) };
  try {
    await ask(url, scenario.prime ?? payload, () => true);
    const answer = await ask(url, payload, (level) => level !== null);
    using bare = await startBare(payload, answer, folder);
    const calls = standIn.calls();
    const load = (subject: Subject, ms = effort.ms) =>
      generator.run(task(scenario, subject, { ...effort, ms }));
    // Until V8 has compiled what is run often, a server is another one.
    for (const subject of [bare, reprise]) await load(subject, effort.settleMs);
    const pairs: [bare: Achieved, reprise: Achieved][] = [];
    for (let round = 0; round < effort.rounds; round += 1) {
      // Whoever goes first has the cooler machine.
      if (round % 2 === 0) pairs.push([await load(bare), await load(reprise)]);
      else {
        const second = await load(reprise);
        pairs.push([await load(bare), second]);
      }
    }
    if (standIn.calls() > calls)
      throw new Error(`${payload.name}: ${standIn.calls() - calls} calls were no hits`);
    const ratio = (of: (achieved: Achieved) => number) =>
      median(pairs.map(([one, other]) => of(other) / of(one)));
    return {
      name: `${payload.name}${scenario.profile === undefined ? '' : ', from L2'}`,
      connections,
      items: payload.items,
      bare: side(pairs.map(([one]) => one)),
      reprise: side(pairs.map(([, other]) => other)),
      throughput: ratio(perSecond),
      cpu: ratio(cpuOf),
    };
  } finally {
    await server.stop();
    standIn.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the load generator is to do. */
export function task({ payload, connections, varied }: Scenario, subject: Subject, { ms, warmUpMs }: Effort) {
  return { ...aimedAt(subject, payload), connections, warmUpMs, ms, varied: varied ? VARIED : 0 };
}

/** Sends each of the payload's requests once; gives the last answer. Throws where the level it comes from is not as it must be. */
export async function ask(
  url: string,
  payload: Payload,
  isRight: (level: string | null) => boolean,
): Promise<Buffer> {
  let answer = Buffer.alloc(0);
  for (const body of payload.bodies) {
    const headers = {
      'content-type': 'application/json',
      authorization: 'Bearer sk-bench-0123456789abcdef0123456789abcdef',
    };
    const response = await fetch(url + payload.path, { method: 'POST', headers, body });
    answer = Buffer.from(await response.arrayBuffer());
    const level = response.headers.get('x-cache-level');
    if (!response.ok || !isRight(level)) {
      throw new Error(
        `${payload.name}: ${response.status} from ${level}: ${answer.toString().slice(0, 200)}`,
      );
    }
  }
  return answer;
}

function side(all: readonly Achieved[]): Side {
  return {
    requestsPerSecond: median(all.map(perSecond)),
    cpuMicroseconds: median(all.map(cpuOf)),
    p50: median(all.map(({ p50 }) => p50)),
    p99: median(all.map(({ p99 }) => p99)),
  };
}

/** Answers in a second. */
export function perSecond({ answers, ms }: Achieved): number {
  return (answers / ms) * 1_000;
}

/** Microseconds of the server's CPU time for an answer. */
export function cpuOf({ cpuMs, answers }: Achieved): number {
  return (cpuMs / answers) * 1_000;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = low] = sorted.slice(sorted.length % 2 === 0 ? middle - 1 : middle);
  return sorted.length % 2 === 0 ? (low + high) / 2 : low;
}
