import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { DiskTier } from '../../src/cache/disk.ts';
import type { Entry } from '../../src/cache/entry.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { idOf, sampleEntry } from './entries.ts';

/*
 * The process that the kill test kills. It opens the folder, checks all that earlier lives have written and says what it
 * found; then it writes, and says the number of each step after it, until it is killed.
 *
 * Step n writes `step n`, which nobody overwrites, and `hot (n mod 40)`, which every fortieth step overwrites.
 */
const HOT = 40;
const BORN = Date.now() - 1_000;
const [folder = '', usedText = '0', owedText = '[]'] = process.argv.slice(2);
/** Steps before this one may have been written. */
const used = Number(usedText);
/** The ranges of steps that must have been. */
const owed: readonly [from: number, to: number][] = JSON.parse(owedText);

const tier = await DiskTier.open({
  folder,
  maxBytes: 500_000_000,
  codec: 'gzip',
  maxEntry: 1_000_000,
  clock: systemClock,
  notify: (said) => say({ said }),
});
say({ health: tier.health(), ...(await verify()) });
for (let step = used; ; step++) {
  tier.set(stepEntry(step));
  tier.set(hotEntry(step));
  say({ step });
  if (step % 8 === 0) await wait(4);
}

/** Counts what is there, what is wrong, and what is missing although it was written long enough ago. */
async function verify(): Promise<{ found: number; wrong: string[]; missing: string[] }> {
  const [wrong, missing]: [string[], string[]] = [[], []];
  let found = 0;
  for (let step = 0; step < used; step++) {
    const entry = await tier.get(idOf(`step ${step}`));
    if (entry !== undefined) found++;
    if (entry === undefined && isOwed(step)) missing.push(`step ${step}`);
    if (entry !== undefined && !same(entry, stepEntry(step))) wrong.push(`step ${step}`);
  }
  for (let hot = 0; hot < Math.min(HOT, used); hot++) {
    const entry = await tier.get(idOf(`hot ${hot}`));
    const step = Number(entry?.payload.facts.step ?? -1);
    if (entry !== undefined && (step % HOT !== hot || !same(entry, hotEntry(step)))) wrong.push(`hot ${hot}`);
    for (let later = used - 1; later > step; later--) {
      if (later % HOT === hot && isOwed(later)) missing.push(`hot ${hot} of step ${later}, got ${step}`);
    }
  }
  return { found, wrong, missing };
}

function isOwed(step: number): boolean {
  return owed.some(([from, to]) => step >= from && step < to);
}

function stepEntry(step: number): Entry {
  return sampleEntry(`step ${step}`, { born: BORN, body: bodyOf(`step ${step}`) });
}

function hotEntry(step: number): Entry {
  const entry = sampleEntry(`hot ${step % HOT}`, { born: BORN, body: bodyOf(`hot in ${step}`) });
  return { ...entry, payload: { ...entry.payload, facts: { step } } };
}

/** Some hundred to some thousand bytes that only `text` gives. */
function bodyOf(text: string): string {
  const digest = createHash('sha512').update(text).digest('hex');
  return `${text} ${digest.repeat(1 + (digest.charCodeAt(0) % 40))}`;
}

function same(found: Entry, wanted: Entry): boolean {
  return found.key.shown === wanted.key.shown && found.payload.body.equals(wanted.payload.body);
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
