import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Part } from './judge.ts';
import { soak } from './run.ts';

// `npm run soak -- --requests 1000000 [--seed N]`: exit status 1 if anything of it stays behind.

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '1000000' }, seed: { type: 'string' } },
});
const seed = Number(values.seed ?? randomInt(2 ** 31));
const requests = Number(values.requests);
if (!Number.isSafeInteger(requests) || requests < 1) {
  process.stderr.write(`--requests: got ${JSON.stringify(values.requests)}, expected a whole number\n`);
  process.exit(2);
}
process.stdout.write(`${requests} requests, seed ${seed}\n\n`);
const COLUMNS =
  'part  req/s   right  failed   cut   left  wrong  calls  sockets   fds    heap  external     rss';
process.stdout.write(`${COLUMNS}\n`);
let part = 0;
const problems = await soak({ requests, parts: 10, seed, onPart: (done) => process.stdout.write(row(done)) });
for (const problem of problems) process.stdout.write(`✖ ${problem}\n`);
if (problems.length === 0) process.stdout.write('✔ nothing grew after the first tenth, nothing was wrong\n');
process.exitCode = problems.length === 0 ? 0 : 1;

function row({ requests, seconds, endings, calls, sample }: Part): string {
  part += 1;
  const cells: [width: number, value: number | string][] = [
    [4, part],
    [7, Math.round(requests / seconds)],
    [8, endings.right],
    [8, endings.failed],
    [6, endings.cut],
    [7, endings.left],
    [7, endings.wrong],
    [7, calls],
    [9, sample.sockets],
    [6, sample.descriptors],
    [8, megabytes(sample.heap)],
    [10, megabytes(sample.external)],
    [8, megabytes(sample.rss)],
  ];
  return `${cells.map(([width, value]) => String(value).padStart(width)).join('')}\n`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)}M`;
}
