import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadGenerator } from '../support/load/generator.ts';
import type { Achieved } from '../support/load/process.ts';
import { startServer } from '../support/server/process.ts';
import { ask, type Effort, median } from './measure.ts';
import { chat } from './payloads.ts';
import { aimedAt, type Subject, startBare, startStandIn } from './subjects.ts';

/** Milliseconds from when a hit was to be asked for to its answer's last byte: medians over the rounds. */
export interface OpenLoopFigures {
  /** Requests a second. */
  readonly rate: number;
  readonly bare: Quantiles;
  readonly reprise: Quantiles;
}

/** Of the times of all requests. */
export type Quantiles = Pick<Achieved, 'p50' | 'p99' | 'p999'>;

const CONNECTIONS = 64;

/** Measures chat hits at fixed rates, on both servers in turn. */
export async function measureOpenLoop(
  rates: readonly number[],
  generator: LoadGenerator,
  effort: Effort,
): Promise<readonly OpenLoopFigures[]> {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-bench-'));
  const standIn = await startStandIn((_path, body) => [chat.contentType, chat.answer(body)]);
  const server = await startServer(
    {
      upstreams: { default: { base_url: `${standIn.url}/v1`, dialect: 'openai' } },
      log: { level: 'warn' },
    },
    folder,
  );
  const reprise = { pid: server.pid, port: Number(new URL(server.url).port) };
  try {
    const answer = await ask(server.url, chat, () => true);
    using bare = await startBare(chat, answer, folder);
    const load = (subject: Subject, rate: number | undefined, ms: number) => {
      const { warmUpMs } = effort;
      const task = { ...aimedAt(subject, chat), connections: CONNECTIONS, warmUpMs, ms, varied: 0 };
      return generator.run(rate === undefined ? task : { ...task, rate });
    };
    for (const subject of [bare, reprise]) await load(subject, undefined, effort.settleMs);
    const figures: OpenLoopFigures[] = [];
    for (const rate of rates) {
      const pairs: [bare: Achieved, reprise: Achieved][] = [];
      for (let round = 0; round < effort.rounds; round += 1)
        pairs.push([await load(bare, rate, effort.ms), await load(reprise, rate, effort.ms)]);
      const [bares, reprises] = [pairs.map(([one]) => one), pairs.map(([, other]) => other)];
      figures.push({ rate, bare: quantilesOf(bares), reprise: quantilesOf(reprises) });
    }
    return figures;
  } finally {
    await server.stop();
    standIn.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function quantilesOf(all: readonly Achieved[]): Quantiles {
  return {
    p50: median(all.map(({ p50 }) => p50)),
    p99: median(all.map(({ p99 }) => p99)),
    p999: median(all.map(({ p999 }) => p999)),
  };
}
