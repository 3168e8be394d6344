import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LoadGenerator } from '../support/load/generator.ts';
import type { Achieved } from '../support/load/process.ts';
import { startServer } from '../support/server/process.ts';
import { ask, cpuOf, median, perSecond, type Scenario, spelledOtherwise, task } from './measure.ts';
import { chat, ragChat } from './payloads.ts';
import { type Subject, startBare, startStandIn } from './subjects.ts';

// `node test/bench/workers.ts [--quick]`: what two threads gain over one, beside what two threads of a bare server do. How it is
// measured is in the README beside it.

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const effort = values.quick
  ? { rounds: 3, ms: 1_500, warmUpMs: 300, settleMs: 2_500 }
  : { rounds: 9, ms: 2_000, warmUpMs: 500, settleMs: 5_000 };
const CONNECTIONS = 64;

process.stdout.write(`${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}\n\n`);
const generator = new LoadGenerator();
for (const payload of [chat, ragChat]) await measure({ payload, connections: CONNECTIONS });
await measure(spelledOtherwise(chat));
generator.close();

async function measure(scenario: Scenario): Promise<void> {
  const { payload } = scenario;
  const folder = await mkdtemp(join(tmpdir(), 'reprise-bench-'));
  const standIn = await startStandIn((_path, body) => [payload.contentType, payload.answer(body)]);
  const start = async (workers: number) => {
    const profile = {
      upstreams: { default: { base_url: `${standIn.url}/v1`, dialect: 'openai' } },
      log: { level: 'warn' },
      memory: { max_entries: 10_000 },
      server: { workers },
    };
    return await startServer(profile, await mkdtemp(join(folder, 'data-')));
  };
  const proxies = [await start(1), await start(2)];
  try {
    let answer: Buffer = Buffer.alloc(0);
    for (const { url } of proxies) {
      await ask(url, scenario.prime ?? payload, () => true);
      answer = await ask(url, payload, (level) => level !== null);
    }
    using one = await startBare(payload, answer, folder);
    using two = await startBare(payload, answer, folder, 2);
    const reprise = proxies.map(({ url, pid }) => ({ pid, port: Number(new URL(url).port) }));
    const subjects = [one, two, ...reprise];
    const load = (subject: Subject, ms = effort.ms) =>
      generator.run(task(scenario, subject, { ...effort, ms }));
    for (const subject of subjects) await load(subject, effort.settleMs);
    const rounds: Achieved[][] = [];
    for (let round = 0; round < effort.rounds; round += 1) {
      const achieved: Achieved[] = [];
      for (const subject of subjects) achieved.push(await load(subject));
      rounds.push(achieved);
    }
    const rate = (at: number) => median(rounds.map((round) => rateOf(round, at)));
    const cpu = (at: number) =>
      median(rounds.flatMap(({ [at]: achieved }) => (achieved === undefined ? [] : [cpuOf(achieved)])));
    const gain = (at: number) => median(rounds.map((round) => rateOf(round, at + 1) / rateOf(round, at)));
    const line = (name: string, at: number) =>
      `${name.padEnd(10)}${Math.round(rate(at))} req/s with one thread (${cpu(at).toFixed(1)} µs of CPU each), ${Math.round(rate(at + 1))} with two (${cpu(at + 1).toFixed(1)}): ${gain(at).toFixed(2)} ×\n`;
    process.stdout.write(
      `${payload.name}, ${CONNECTIONS} connections\n${line('bare', 0)}${line('Reprise', 2)}`,
    );
    process.stdout.write(`the gain is ${(gain(2) / gain(0)).toFixed(2)} of the bare server's\n\n`);
  } finally {
    for (const proxy of proxies) await proxy.stop();
    standIn.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function rateOf(round: readonly Achieved[], at: number): number {
  const achieved = round[at];
  return achieved === undefined ? Number.NaN : perSecond(achieved);
}
