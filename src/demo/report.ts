import { catalogue } from './catalogue.ts';
import { type Figure, figuresOf } from './figures.ts';
import { LOAD } from './load.ts';
import { count, dollars, duration, millis, percent } from './numbers.ts';
import type { PriceChange } from './price-change.ts';
import { CHAT_MODEL, PRICES, PRICES_AS_OF } from './prices.ts';
import { questions } from './questions.ts';
import type { DemoOptions } from './run.ts';
import type { Paint } from './style.ts';
import type { Snapshot } from './table.ts';
import { totalOf } from './tally.ts';

/** What is about to run, so that the figures can be judged. */
export function introLines({ customers, seed, speed, ...options }: DemoOptions, paint: Paint): string[] {
  const share = (part: number): string => `1 in ${Math.round(1 / part)}`;
  return [
    '',
    paint('bold', ' Reprise demo: a small shop for outdoor gear, and the assistant on its page'),
    '',
    ` ${count(options.questions)} questions of ${customers} customers at a time (seed ${seed}) go through the proxy, by the`,
    ' openai SDK and fetch. Each is embedded and searched for in the catalogue, three',
    ' articles are looked up, and the model answers from them, streamed or whole.',
    ` Popularity: Zipf, exponent ${LOAD.popularity}, over ${questions().length} questions and ${catalogue().length} articles.`,
    ` ${share(LOAD.typedShare)} is typed in own words, which no cache knows; of those about an`,
    ` article, ${share(LOAD.followUpShare)} has a follow-up.`,
    ` Model and shop are stand-ins on this machine, ${speed === 1 ? 'as slow as the real things' : `${speed} × as fast as the real things`}.`,
    '',
  ];
}

/** How it ended: the figures, what they are not to hide, what was saved, and where to go next. */
export function outcomeLines(
  snapshot: Snapshot,
  disagreements: readonly string[],
  changes: readonly PriceChange[],
  paint: Paint,
): string[] {
  return [
    '',
    ...figureLines(figuresOf(snapshot.rows, snapshot.reached), paint),
    ...(disagreements.length === 0
      ? [paint('dim', '   Counted twice: by the x-cache headers and by the stand-ins. Both agree.')]
      : disagreements.map((line) => ` ${paint('red', '✗')} counts disagree: ${line}`)),
    '',
    ...savingLines(snapshot),
    '',
    ' Then two prices change. The shop reports each with a signed webhook, and before',
    ' it hears 200 all that speaks of the article is gone from the cache:',
    '',
    ...changes.flatMap((change) => changeLines(change, paint)),
    '',
    ` Next: ${paint('cyan', 'npm start')}, and one line in your code:`,
    paint('cyan', "   const client = new OpenAI({ baseURL: 'http://127.0.0.1:8787/v1' });"),
    '',
  ];
}

function figureLines(figures: readonly Figure[], paint: Paint): string[] {
  return [
    paint('dim', `   ${'promise'.padEnd(22)}   target   reached`),
    ...figures.map(({ name, unit, target, value, reached, basis }) => {
      const tone = reached ? 'green' : 'red';
      const goal = unit === '%' ? `≥ ${target} %` : `< ${target} ms`;
      const got = unit === '%' ? percent(value) : `${millis(value)} ms`;
      return [
        ` ${paint(tone, reached ? '✓' : '✗')} ${name.padEnd(22)}`,
        goal.padStart(9),
        paint(tone, got.padStart(10)),
        paint('dim', `  ${basis}`),
      ].join('');
    }),
  ];
}

function changeLines({ faults, gone, ...change }: PriceChange, paint: Paint): string[] {
  const { article, sender, event, before, after, ms, kept } = change;
  const isRight = faults.length === 0;
  return [
    ` ${paint(isRight ? 'green' : 'red', isRight ? '✓' : '✗')} ${article}: ${before} → ${after} €  ${paint('dim', `${sender}, ${event}, answered in ${millis(ms)} ms`)}`,
    `   gone: the article, ${count(gone.search)} searches with it, ${count(gone.chat)} answers written from it`,
    `   kept: all ${count(kept)} other entries; who asked next was told ${after} €`,
    ...faults.map((fault) => `   ${paint('red', fault)}`),
  ];
}

function savingLines({ elapsedMs, rows }: Snapshot): string[] {
  const { savedMs, savedUsd, worthUsd } = totalOf(rows);
  const { input = 0, output = 0 } = PRICES.get(CHAT_MODEL) ?? {};
  return [
    ` Time:  ${duration(elapsedMs)} in all; hits saved their callers about ${duration(savedMs)} of waiting.`,
    ` Money: ${dollars(savedUsd)} of ${dollars(worthUsd)} saved. ${CHAT_MODEL} at $${input} in, $${output} out per million`,
    `        tokens, list prices of ${PRICES_AS_OF}.`,
  ];
}
