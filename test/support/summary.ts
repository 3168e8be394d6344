import { join, relative, sep } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/**
 * A reporter for `node --test` that is silent until the end, and then prints one line for each acceptance suite (the
 * files of `test/acceptance`) and one for each folder of `test`, with their totals. Stands beside a reporter that shows the tests
 * themselves.
 */
export default async function* summary(events: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  const root = join(process.cwd(), 'test');
  const files = new Map<string, Tally>();
  for await (const event of events) {
    const { data } = event;
    if (data === undefined || !('file' in data) || data.file === undefined) continue;
    const tally = count(files.get(data.file), event);
    if (tally !== undefined) files.set(data.file, tally);
  }
  const suites = new Map<string, Tally>();
  const folders = new Map<string, Tally>();
  for (const [file, tally] of files) {
    const [folder = '', ...rest] = relative(root, file).split(sep);
    const name = rest.length === 0 ? '.' : folder;
    folders.set(name, sum(folders.get(name), tally));
    if (name === 'acceptance') suites.set(rest.join('/').replace(/\.test\.\w+$/, ''), tally);
  }
  yield* table('acceptance suites', suites);
  yield* table('folders of test/', folders);
}

/** What became of the tests of one file or folder. */
interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Milliseconds; of a folder the sum over its files, of which several may have run at once. */
  readonly ms: number;
}

const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0, ms: 0 };

/** A file's tally with what `event` adds to it; undefined if that is nothing. */
function count(before: Tally = NOTHING, { type, data }: TestEvent): Tally | undefined {
  // Node tells each file's duration when its process has ended; of one that could not even be loaded it tells none.
  if (type === 'test:summary') return { ...before, ms: data.duration_ms };
  if ((type !== 'test:pass' && type !== 'test:fail') || data.details.type === 'suite') return undefined;
  if (data.skip !== undefined || data.todo !== undefined) return { ...before, skipped: before.skipped + 1 };
  return type === 'test:pass'
    ? { ...before, passed: before.passed + 1 }
    : { ...before, failed: before.failed + 1 };
}

function sum(one: Tally = NOTHING, other: Tally): Tally {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
    ms: one.ms + other.ms,
  };
}

function* table(title: string, rows: ReadonlyMap<string, Tally>): Generator<string, void> {
  if (rows.size === 0) return;
  const width = Math.max(...[...rows.keys()].map((name) => name.length));
  yield `\n${title}\n`;
  for (const [name, { passed, failed, skipped, ms }] of [...rows].sort(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    const rest = skipped === 0 ? '' : `, ${skipped} skipped`;
    const counts = `${String(passed).padStart(5)} passed, ${failed} failed${rest}`;
    yield `${failed === 0 ? '✔' : '✖'} ${name.padEnd(width)} ${counts} (${(ms / 1000).toFixed(1)} s)\n`;
  }
}
