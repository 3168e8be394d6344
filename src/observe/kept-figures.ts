import { readKept, writeKept } from '../shared/kept-file.ts';
import { isRecord, type JsonRecord, valueFrom } from '../shared/plain.ts';
import { COUNTED, Counts } from './counts.ts';
import type { Line } from './figures.ts';
import type { Monitor } from './monitor.ts';
import { Savings } from './savings.ts';

/**
 * The totals of a monitor in a file, so that they go on counting after a restart: requests and savings, also by type, model, namespace
 * and endpoint. What a crash loses is what was counted since the last time they were written.
 */
export class KeptFigures {
  readonly #path: string;
  readonly #monitor: Monitor;
  /** What the file says. */
  #written = '';
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, monitor: Monitor) {
    this.#path = path;
    this.#monitor = monitor;
  }

  /** Adds what the file at `path` says, if there is one, to the totals of `monitor`. Rejects if it cannot be read. */
  static async open(path: string, monitor: Monitor): Promise<KeptFigures> {
    const text = await readKept(path);
    if (text !== undefined) restore(monitor, valueFrom(text));
    return new KeptFigures(path, monitor);
  }

  /** Writes the totals if they have changed. */
  write(): Promise<void> {
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const text = `${JSON.stringify(toKept(this.#monitor))}\n`;
    if (text === this.#written) return;
    await writeKept(this.#path, text);
    this.#written = text;
  }
}

const VERSION = 1;

/** The groups of lines that are kept. */
const GROUPS = ['types', 'models', 'namespaces', 'endpoints'] as const;

function toKept({ figures, since }: Monitor): JsonRecord {
  const { counts, saved, shadow } = figures.total;
  const groups = GROUPS.map((group) => {
    const lines = [...figures[group].entries()].map(([name, line]) => [name, keptLine(line)]);
    return [group, Object.fromEntries(lines)];
  });
  return { version: VERSION, since, ...keptLine({ counts, saved }), shadow, ...Object.fromEntries(groups) };
}

function keptLine({ counts, saved }: Pick<Line, 'counts' | 'saved'>): JsonRecord {
  return { counts: { ...counts.of, partialShare: counts.partialShare }, saved };
}

/** Takes what can be read of it, and passes the rest over: it decides nothing. */
function restore(monitor: Monitor, value: unknown): void {
  if (!isRecord(value) || value.version !== VERSION) return;
  const { figures } = monitor;
  if (typeof value.since === 'number') monitor.since = value.since;
  const { past } = figures;
  past.counts.add(countsIn(value.counts));
  past.saved.add(savingsIn(value.saved));
  past.shadow.add(savingsIn(value.shadow));
  for (const group of GROUPS) {
    const lines = value[group];
    if (!isRecord(lines)) continue;
    for (const [name, line] of Object.entries(lines)) {
      if (!isRecord(line)) continue;
      figures[group].of(name).counts.add(countsIn(line.counts));
      figures[group].of(name).saved.add(savingsIn(line.saved));
    }
  }
}

function countsIn(value: unknown): Counts {
  const counts = new Counts();
  if (!isRecord(value)) return counts;
  for (const name of COUNTED) counts.of[name] = numberIn(value[name]);
  counts.partialShare = numberIn(value.partialShare);
  return counts;
}

function savingsIn(value: unknown): Savings {
  const saved = new Savings();
  if (!isRecord(value)) return saved;
  saved.requests = numberIn(value.requests);
  saved.promptTokens = numberIn(value.promptTokens);
  saved.completionTokens = numberIn(value.completionTokens);
  saved.usd = numberIn(value.usd);
  saved.upstreamMs = numberIn(value.upstreamMs);
  return saved;
}

function numberIn(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}
