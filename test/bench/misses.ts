import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request as startRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadGenerator } from '../support/load/generator.ts';
import { startServer } from '../support/server/process.ts';
import { type Effort, median } from './measure.ts';
import { chat, type Payload, VARIED } from './payloads.ts';
import { aimedAt, type Subject, startScript } from './subjects.ts';

/** What a miss costs beside a relay that does nothing but forward (`bare-relay.ts`): medians over the rounds. */
export interface MissFigures {
  /** The server's CPU time for a question nobody has asked before, in microseconds. */
  readonly json: { readonly relay: number; readonly reprise: number; readonly ratio: number };
  readonly stream: {
    /** Milliseconds from the request to the answer's first chunk. */
    readonly relay: number;
    readonly reprise: number;
    /** Of each pair of calls the difference. */
    readonly added: number;
    /** Milliseconds by which the middle and the last chunk come later after the first than from the relay. */
    readonly drift: number;
    /** Chunks that came in one read with another. */
    readonly relayMerged: number;
    readonly repriseMerged: number;
  };
}

const CHUNKS = 30;
const INTERVAL_MS = 3;

/** Measures misses on both in turn, with a model behind each that answers at once. */
export async function measureMisses(generator: LoadGenerator, effort: Effort): Promise<MissFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-bench-'));
  using model = await startScript('./streaming-model.ts', String(CHUNKS), String(INTERVAL_MS));
  const origin = `http://127.0.0.1:${model.port}`;
  using relay = await startScript('./bare-relay.ts', origin);
  const server = await startServer(
    {
      upstreams: { default: { base_url: `${origin}/v1`, dialect: 'openai' } },
      log: { level: 'warn' },
    },
    folder,
  );
  const reprise = { pid: server.pid, port: Number(new URL(server.url).port) };
  try {
    return {
      json: await json(relay, reprise, generator, effort),
      stream: await stream(relay, reprise, effort),
    };
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Chat questions that a member of their own, of letters, makes another each time. */
const UNASKED: Payload = {
  ...chat,
  bodies: chat.bodies.map((body) => `{"${'a'.repeat(VARIED)}":0,${body.slice(1)}`),
};

async function json(relay: Subject, reprise: Subject, generator: LoadGenerator, effort: Effort) {
  const cpuOf = async (subject: Subject, ms = effort.ms) => {
    const task = { ...aimedAt(subject, UNASKED), connections: 64, warmUpMs: effort.warmUpMs, ms };
    const { cpuMs, answers } = await generator.run({ ...task, varied: VARIED, letters: true });
    return (cpuMs / answers) * 1_000;
  };
  for (const subject of [relay, reprise]) await cpuOf(subject, effort.settleMs);
  const pairs: [relay: number, reprise: number][] = [];
  for (let round = 0; round < effort.rounds; round += 1)
    pairs.push([await cpuOf(relay), await cpuOf(reprise)]);
  return {
    relay: median(pairs.map(([one]) => one)),
    reprise: median(pairs.map(([, other]) => other)),
    ratio: median(pairs.map(([one, other]) => other / one)),
  };
}

async function stream(relay: Subject, reprise: Subject, { rounds }: Effort) {
  const agent = new Agent({ keepAlive: true });
  const ask = ({ port }: Subject) => chunkTimes(agent, port, String(Math.random()));
  // Until V8 has compiled what streams go through, a server is another one.
  for (let time = 0; time < 10; time += 1)
    for (const subject of [relay, reprise]) await Promise.all(Array.from({ length: 50 }, () => ask(subject)));
  const pairs: [relay: readonly number[], reprise: readonly number[]][] = [];
  for (let at = 0; at < 8 * rounds; at += 1) pairs.push([await ask(relay), await ask(reprise)]);
  agent.destroy();
  const firstOf = (times: readonly number[]) => times[0] ?? Number.NaN;
  const spanOf = (times: readonly number[]) => (times.at(-1) ?? Number.NaN) - firstOf(times);
  // The last read may hold the end together with the last chunk: that is how it was sent.
  const mergedIn = (times: readonly number[]) => Math.max(0, CHUNKS - times.length);
  return {
    relay: median(pairs.map(([one]) => firstOf(one))),
    reprise: median(pairs.map(([, other]) => firstOf(other))),
    added: median(pairs.map(([one, other]) => firstOf(other) - firstOf(one))),
    drift: median(pairs.map(([one, other]) => spanOf(other) - spanOf(one))),
    relayMerged: pairs.reduce((sum, [one]) => sum + mergedIn(one), 0),
    repriseMerged: pairs.reduce((sum, [, other]) => sum + mergedIn(other), 0),
  };
}

/** Asks for a stream; gives when its reads came, in milliseconds since it was asked for. */
function chunkTimes(agent: Agent, port: number, question: string): Promise<readonly number[]> {
  const body = JSON.stringify({
    model: 'gpt-5-mini',
    messages: [{ role: 'user', content: question }],
    stream: true,
  });
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      authorization: 'Bearer sk-bench',
      'content-length': Buffer.byteLength(body),
    };
    const asked = performance.now();
    const times: number[] = [];
    const request = startRequest(
      { agent, port, host: '127.0.0.1', path: chat.path, method: 'POST', headers },
      (response) => {
        response.on('data', () => times.push(performance.now() - asked));
        response.on('end', () => resolve(times));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
