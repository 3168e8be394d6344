import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Conversation, drawLoad } from '../../src/demo/load.ts';
import { questions } from '../../src/demo/questions.ts';

test('the same seed draws the same load, another seed another one', () => {
  assert.deepEqual(drawLoad(200, 7), drawLoad(200, 7));
  assert.notDeepEqual(drawLoad(200, 7), drawLoad(200, 8));
});

test('a load has exactly as many questions as asked for', () => {
  for (const size of [1, 2, 3, 50, 1500]) assert.equal(asked(drawLoad(size, 3)).length, size);
});

test('there are forty questions, each in three wordings of its own', () => {
  const wordings = questions().flatMap(({ offered, typed }) => [offered, ...typed]);
  assert.equal(questions().length, 40);
  assert.equal(new Set(wordings).size, 120);
});

test('no question goes out with its article missing', () => {
  for (const question of asked(drawLoad(1500, 5))) assert.doesNotMatch(question, /[{}]/);
});

test('about a quarter of the default load is new, for any seed: a cache has something to do and something to gain', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const all = asked(drawLoad(1500, seed));
    const share = new Set(all).size / all.length;
    assert.ok(share > 0.2 && share < 0.29, `seed ${seed}: ${share}`);
  }
});

/** Every question with all that was asked before it: what the model gets to see. */
function asked(conversations: readonly Conversation[]): string[] {
  return conversations.flatMap(({ opening, followUps }) => [
    opening,
    ...followUps.map((followUp) => `${opening}\n${followUp}`),
  ]);
}
