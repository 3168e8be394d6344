import { Journal } from '../../src/cache/journal.ts';

/*
 * The process that the journal's kill test kills. It opens the journal, says what it found there, and appends numbers, several at
 * a time, saying each one whose append has resolved; now and then it rewrites.
 */
const [path = ''] = process.argv.slice(2);
const { journal, records, whole } = await Journal.open(path);
const kept: unknown[] = [...records];
say({ whole, records });
if (!whole) await journal.rewrite(kept);
for (let next = kept.length; ; next += 4) {
  const numbers = [next, next + 1, next + 2, next + 3];
  kept.push(...numbers);
  await Promise.all(numbers.map((number) => journal.append([number])));
  say({ durable: next + 4 });
  if (next % 400 === 0) await journal.rewrite(kept);
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
