import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { LoadGenerator } from '../support/load/generator.ts';
import { measureBesideHits } from './beside-hits.ts';
import { type Effort, type Figures, measure, type Scenario, spelledOtherwise } from './measure.ts';
import { measureMisses } from './misses.ts';
import { measureOpenLoop, type Quantiles } from './open-loop.ts';
import * as payloads from './payloads.ts';

// `npm run bench [-- --quick] [--only TEXT] [--rounds N] [--json FILE]`; what it measures and how is in the README beside it.

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    rounds: { type: 'string' },
    json: { type: 'string' },
  },
});

const { chat, ragChat, embeddingBase64, embeddingFloats, batch, streamedChat } = payloads;
const SCENARIOS: readonly Scenario[] = [
  { payload: chat, connections: 64 },
  { payload: ragChat, connections: 64 },
  { payload: embeddingBase64, connections: 64 },
  { payload: embeddingFloats, connections: 64 },
  { payload: batch, connections: 64 },
  { payload: streamedChat, connections: 64 },
  spelledOtherwise(chat),
  spelledOtherwise(ragChat),
  { payload: ragChat, connections: 64, profile: { memory: { max_entries: 1 } } },
  { payload: chat, connections: 1 },
  { payload: chat, connections: 1_000 },
];
const EFFORT: Effort = values.quick
  ? { rounds: 3, ms: 300, warmUpMs: 100, settleMs: 2_000 }
  : { rounds: 9, ms: 2_000, warmUpMs: 500, settleMs: 5_000 };

const effort = { ...EFFORT, ...(values.rounds !== undefined && { rounds: Number(values.rounds) }) };
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`;
process.stdout.write(`${machine}; ${effort.rounds} rounds of ${effort.ms} ms; × is to the bare server\n\n`);
process.stdout.write(
  `${row(['', 'conns', 'req/s', 'bare', '×', 'CPU µs', 'bare', '×', 'p50 ms', 'p99', 'bare'])}\n`,
);

const generator = new LoadGenerator();
const hits: Figures[] = [];
for (const scenario of SCENARIOS) {
  if (!scenario.payload.name.includes(values.only)) continue;
  const figures = await measure(scenario, generator, effort);
  hits.push(figures);
  process.stdout.write(`${row(cells(figures))}\n`);
}

const openLoop = await measureOpenLoop(values.quick ? [5_000] : [1_000, 5_000, 10_000], generator, effort);
process.stdout.write(
  `\n${row(['chat, at a fixed rate (ms)', 'req/s', 'p50', 'bare', 'p99', 'bare', 'p99.9', 'bare'])}\n`,
);
for (const { rate, bare, reprise } of openLoop) {
  const of = (name: keyof Quantiles) => [reprise[name].toFixed(2), bare[name].toFixed(2)];
  process.stdout.write(`${row(['', String(rate), ...of('p50'), ...of('p99'), ...of('p999')])}\n`);
}
const misses = await measureMisses(generator, effort);
const { json, stream } = misses;
process.stdout.write(
  `\nA miss takes ${json.reprise.toFixed(1)} µs of CPU, a bare relay ${json.relay.toFixed(1)}: ${json.ratio.toFixed(2)} ×. A stream's first chunk comes ${stream.added.toFixed(2)} ms later than from that (${stream.reprise.toFixed(2)} ms to ${stream.relay.toFixed(2)}), its last ${stream.drift.toFixed(2)} ms more; ${stream.repriseMerged} chunks were merged, ${stream.relayMerged} by the relay.\n`,
);
generator.close();

const single = hits.find(({ name, connections }) => name === embeddingBase64.name && connections === 64);
const many = hits.find(({ items }) => items > 1);
if (single !== undefined && many !== undefined) {
  const gain = (many.items * many.reprise.requestsPerSecond) / single.reprise.requestsPerSecond;
  process.stdout.write(`\nA batch brings ${gain.toFixed(1)} × the items per second of single hits.\n`);
}
process.stdout.write('\n');
const besides = await measureBesideHits({ ...values, effort }, (line) => process.stdout.write(`${line}\n`));
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    `${JSON.stringify({ machine, effort, hits, openLoop, misses, ...besides }, null, 2)}
`,
  );
}

function cells({ name, connections, bare, reprise, throughput, cpu }: Figures): string[] {
  return [
    name,
    String(connections),
    String(Math.round(reprise.requestsPerSecond)),
    String(Math.round(bare.requestsPerSecond)),
    throughput.toFixed(2),
    reprise.cpuMicroseconds.toFixed(1),
    bare.cpuMicroseconds.toFixed(1),
    cpu.toFixed(2),
    reprise.p50.toFixed(2),
    reprise.p99.toFixed(2),
    bare.p99.toFixed(2),
  ];
}

function row(texts: readonly string[]): string {
  const [first = '', ...others] = texts;
  return first.padEnd(40) + others.map((text) => text.padStart(8)).join('');
}
