import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LoadGenerator } from '../support/load/generator.ts';
import type { Effort } from './measure.ts';
import { hasNginx, measureNginx, type NginxFigures } from './nginx.ts';
import { measurePartialBatches, type PartialBatches } from './partial.ts';
import { chat, embeddingBase64, ragChat } from './payloads.ts';
import { measureStartUp, type StartUp } from './start-up.ts';
import { measureTiers, type TierCosts } from './tiers.ts';

/** What is measured beside hits; absent what was not asked for, or what there is not. */
export interface BesideHits {
  readonly tiers?: TierCosts;
  readonly partial?: readonly PartialBatches[];
  readonly memory?: { readonly resident: number; readonly heap: number; readonly outside: number };
  readonly startUp?: StartUp;
  readonly churn?: {
    readonly seconds: number;
    readonly entriesPerSecond: number;
    readonly disk: number;
    readonly heap: number;
  };
  readonly nginx?: readonly NginxFigures[];
}

/** Measures those whose name has `only` in it, and tells each as it is known. */
export async function measureBesideHits(
  { quick, only, effort }: { readonly quick: boolean; readonly only: string; readonly effort: Effort },
  tell: (line: string) => void,
): Promise<BesideHits> {
  const wanted = (name: string) => name.includes(only);
  let all: BesideHits = {};
  if (wanted('tiers')) {
    const tiers = await measureTiers(effort.rounds);
    const { write, read, miss } = tiers;
    tell(
      `Tiers: ${write.toFixed(4)} ms a write, ${read.toFixed(4)} ms a read, ${miss.toFixed(4)} ms a miss.`,
    );
    all = { ...all, tiers };
  }
  if (wanted('partial batches')) {
    const partial = await measurePartialBatches(quick ? 30 : 500);
    const texts = partial.map(
      ({ held, p50, cpuMs }) => `${held} held ${p50.toFixed(1)} ms (${cpuMs.toFixed(1)} ms CPU)`,
    );
    tell(`Batches of 100, one at a time: ${texts.join(', ')}.`);
    all = { ...all, partial };
  }
  if (wanted('memory')) {
    const memory = await inProcess<NonNullable<BesideHits['memory']>>('./footprint.ts');
    const { resident, heap, outside } = memory;
    tell(`Memory: an entry of 2 KB in L1 takes ${resident} bytes (heap ${heap}, outside it ${outside}).`);
    all = { ...all, memory };
  }
  if (wanted('start')) {
    const startUp = await measureStartUp(quick ? 100_000_000 : 500_000_000, quick ? 1 : 5);
    const megabytes = (startUp.bytes / 1e6).toFixed(0);
    tell(
      `Start with ${startUp.entries} entries of ${megabytes} MB in L2: ${startUp.readyMs.toFixed(0)} ms, after a kill ${startUp.afterKillMs.toFixed(0)} ms.`,
    );
    all = { ...all, startUp };
  }
  if (wanted('churn')) {
    const churn = await inProcess<NonNullable<BesideHits['churn']>>('./churn.ts', quick ? '6' : '600');
    const { seconds, entriesPerSecond, disk, heap } = churn;
    tell(
      `Churn of ${seconds} s at ${entriesPerSecond} writes/s: L2 takes at most ${disk.toFixed(2)} × its budget, the heap ends at ${heap.toFixed(2)} × what it was.`,
    );
    all = { ...all, churn };
  }
  if (wanted('nginx') && hasNginx()) {
    const generator = new LoadGenerator();
    const nginx: NginxFigures[] = [];
    for (const payload of [chat, ragChat, embeddingBase64]) {
      // It is not compiled as it runs.
      const figures = await measureNginx(payload, generator, { ...effort, settleMs: effort.warmUpMs });
      const { requestsPerSecond, throughput, cpuMicroseconds } = figures;
      tell(
        `nginx, ${payload.name}: ${Math.round(requestsPerSecond)} req/s, ${throughput.toFixed(2)} × bare, ${cpuMicroseconds.toFixed(1)} µs CPU.`,
      );
      nginx.push(figures);
    }
    generator.close();
    all = { ...all, nginx };
  }
  return all;
}

/** What a program of this folder prints, run in a process of its own whose garbage it collects itself. */
async function inProcess<T>(program: string, ...args: readonly string[]): Promise<T> {
  const path = new URL(program, import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', path, ...args]);
  return JSON.parse(stdout) as T;
}
