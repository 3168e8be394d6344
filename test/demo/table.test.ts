import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { PriceChange } from '../../src/demo/price-change.ts';
import { introLines, outcomeLines } from '../../src/demo/report.ts';
import { screenFor } from '../../src/demo/screen.ts';
import { coloured, paintFor, plain } from '../../src/demo/style.ts';
import { progressLine, type Snapshot, tableLines } from '../../src/demo/table.ts';
import { Tally } from '../../src/demo/tally.ts';

test('the table is aligned and readable', () => {
  assert.equal(
    `\n${tableLines(snapshot(), plain).join('\n')}\n`,
    `
 ████████████████████████████████░░░░░░░░░░░       300 / 400 questions   12.3 s

                                             hit ms      miss ms  calls    money
 calls        made   hits joined misses   p50   p95   p50    p95  saved    saved
 embeddings     10      7      1      2   1.3   1.6    60     60      8  $0.0080
 search         10      7      1      2   1.3   1.6    60     60      8        –
 products    1,000    700    100    200   1.3   1.6    60     60    800        –
 chat           10      7      1      2   1.3   1.6    60     60      8  $0.0080
 all         1,030    721    103    206     –     –     –      –    824  $0.0160
`,
  );
});

test('nothing is wider than 80 columns, with the largest numbers too, and colours take no room', () => {
  const large = snapshot(100_000);
  const lines = [
    ...introLines({ questions: 1500, customers: 32, seed: 1, speed: 20 }, coloured),
    ...tableLines({ ...large, done: 15_000, questions: 15_000, elapsedMs: 119_900 }, coloured),
    progressLine(large),
    ...outcomeLines(large, ['chat: 1,234 misses by x-cache, 1,235 calls arrived'], [CHANGE, WRONG], coloured),
  ];
  for (const line of lines.map(stripVTControlCharacters))
    assert.ok(line.length <= 80, `${line.length}: ${line}`);
});

test('the end shows the four figures with their targets, the savings and where to go next', () => {
  const text = outcomeLines(snapshot(), [], [CHANGE, WRONG], plain).join('\n');
  assert.match(text, /✗ hit rate +≥ 80 % +70\.0 % {2}721 of 1,030 calls/);
  assert.match(text, /✓ fewer LLM calls +≥ 70 % +80\.0 % {2}2 instead of 10/);
  assert.match(text, /✗ fewer product queries +≥ 90 % +80\.0 % {2}202 instead of 1,010/);
  assert.match(text, /✓ answer time of a hit +< 100 ms +1\.6 ms {2}p95; 48 × faster than a miss/);
  assert.match(text, /Money: \$0\.0160 of \$0\.0200 saved/);
  assert.match(text, /npm start/);
  assert.match(text, /✓ Skarv 2: 349 → 314 € {2}Shopify, products\/update, answered in 4\.2 ms/);
  assert.match(text, /gone: the article, 1,234 searches with it, 5,678 answers written from it/);
  assert.match(text, /kept: all 12,345 other entries; who asked next was told 314 €/);
  assert.match(text, /✗ Skarv 2: .*\n.*\n.*\n {3}1 entries that do not speak of it are gone\n/);
});

test('a terminal gets a table that is redrawn in place and its cursor back', () => {
  const { output, text } = recorder({ isTTY: true, columns: 80 });
  const screen = screenFor(output, plain);
  screen.update(snapshot());
  screen.finish(snapshot());
  screen.close();
  const table = tableLines(snapshot(), plain);
  const drawn = table.map((line) => `\r${line}\x1b[K\n`).join('');
  assert.equal(text(), `\x1b[?25l${drawn}\x1b[${table.length}A${drawn}\x1b[?25h`);
});

test('what is no terminal, or too narrow, gets plain lines and the table once', () => {
  for (const kind of [{}, { isTTY: true, columns: 79 }]) {
    const { output, text } = recorder(kind);
    const screen = screenFor(output, plain);
    screen.update(snapshot());
    screen.finish(snapshot());
    screen.close();
    assert.equal(text(), `${progressLine(snapshot())}\n\n${tableLines(snapshot(), plain).join('\n')}\n`);
  }
});

test('colours are for terminals whose user does not refuse them', () => {
  assert.equal(paintFor(true, undefined), coloured);
  assert.equal(paintFor(true, ''), coloured);
  assert.equal(paintFor(true, '1'), plain);
  assert.equal(paintFor(false, undefined), plain);
});

const CHANGE: PriceChange = {
  sender: 'Shopify',
  event: 'products/update',
  article: 'Skarv 2',
  before: 349,
  after: 314,
  ms: 4.2,
  gone: { embeddings: 0, search: 1_234, products: 1, chat: 5_678 },
  kept: 12_345,
  faults: [],
};

const WRONG: PriceChange = { ...CHANGE, faults: ['1 entries that do not speak of it are gone'] };

/** Ten calls of each kind and `products` look-ups; of ten, seven are hits and one is joined. */
function snapshot(products = 1000): Snapshot {
  const tally = new Tally();
  for (const kind of ['embeddings', 'search', 'products', 'chat'] as const) {
    const usd = kind === 'embeddings' || kind === 'chat' ? 0.001 : 0;
    for (let call = 0; call < (kind === 'products' ? products : 10); call++) {
      const at = call % 10;
      const known = { kind, key: null, about: [], usd };
      if (at < 7) tally.record({ ...known, cache: 'HIT', ms: 1 + at / 10 - 0.04 });
      else tally.record({ ...known, cache: at === 7 ? 'COALESCED' : 'MISS', ms: 60 });
    }
  }
  const reached = { embeddings: 2, search: 2, products: products / 5, chat: 2 };
  return { done: 300, questions: 400, elapsedMs: 12_345, rows: tally.rows(), reached };
}

function recorder(kind: { isTTY?: boolean; columns?: number }) {
  const written: string[] = [];
  return { output: { ...kind, write: (text: string) => written.push(text) }, text: () => written.join('') };
}
