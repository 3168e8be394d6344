import type { Sample } from '../support/server/process.ts';
import type { Ending } from './client.ts';

/** One part of a soak. */
export interface Part {
  readonly requests: number;
  readonly seconds: number;
  /** How many of its requests ended so. */
  readonly endings: Readonly<Record<Ending, number>>;
  /** Calls that reached the upstream. */
  readonly calls: number;
  readonly sample: Sample;
}

const MB = 1_000_000;

// What a sample may hold beyond the one after the first part, by when every cache has been full. Sockets may be no more
// than before the first request. Descriptors: LevelDB opens and closes its tables as it compacts. The heap: what the
// engine keeps of compiled code. RSS: pages that the allocator holds on to after a peak.
const TOLERATED: Readonly<Record<Exclude<keyof Sample, 'sockets'>, number>> = {
  descriptors: 16,
  heap: 12 * MB,
  external: 12 * MB,
  rss: 100 * MB,
};

/** What grew, and which answers were wrong; `unused` is the number of sockets before the first request. */
export function growth(parts: readonly Part[], unused: number): string[] {
  const [first] = parts;
  if (first === undefined) return ['nothing has run'];
  const problems: string[] = [];
  for (const [index, { sample, endings, requests }] of parts.entries()) {
    const where = `after part ${index + 1}`;
    if (sample.sockets > unused) problems.push(`${where}: ${sample.sockets} sockets, ${unused} when unused`);
    for (const name of ['descriptors', 'heap', 'external', 'rss'] as const) {
      const more = sample[name] - first.sample[name];
      if (more > TOLERATED[name]) problems.push(`${where}: ${name} is ${more} above that after part 1`);
    }
    if (endings.wrong > 0) problems.push(`${where}: ${endings.wrong} wrong answers`);
    // A call that fails does so for all who joined it: more requests than calls, but never many.
    const lost = endings.failed + endings.cut;
    if (lost > requests / 20) problems.push(`${where}: ${lost} of ${requests} requests failed`);
  }
  return problems;
}

/** What the proxy logged that it must not, and how it ended. Alerts tell of the load, which is meant to be too much, and of the upstream's faults. */
export function defects(log: string, status: number | null): string[] {
  const isFine = (line: string) => /"level":"(?:info|debug)"|"message":"alert raised"/.test(line);
  const lines = log.split('\n').filter((line) => line !== '' && !isFine(line));
  const problems = lines.slice(0, 20).map((line) => `logged: ${line}`);
  if (status !== 0) problems.push(`exit status ${status}`);
  return problems;
}
