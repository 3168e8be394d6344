import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import type { Answer } from '../support/http.ts';
import {
  CHAT,
  type NumberedStage,
  numberOf,
  PRODUCT,
  type Question,
  SEARCH,
  STREAM,
  saying,
  setNumbered,
} from '../support/numbered.ts';

const EMBEDDING: Question = { path: '/v1/embeddings', body: { model: 'e', input: 'lamp' } };
const TAG = { 'x-cache-tags': 'lamp' };

/** What is asked, always as something of which the tag `lamp` is said. */
const QUESTIONS = [
  ['a product', saying(PRODUCT, TAG)],
  ['a search', saying(SEARCH, TAG)],
  ['a chat', saying(CHAT, TAG)],
  ['a streamed chat', saying(STREAM, TAG)],
  ['an embedding', saying(EMBEDDING, TAG)],
] as const;

/** The number of the upstream call that brought an answer. */
function callOf(answer: Answer): number {
  const [, vector] = /"embedding":\[(\d+)/.exec(answer.body.toString()) ?? [];
  return vector === undefined ? numberOf(answer) : Number(vector);
}

for (const mode of ['purge', 'expire'] as const) {
  const invalidate = async (stage: NumberedStage) => {
    assert.equal((await stage.invalidate({ tags: 'lamp', mode })).status, 200);
  };
  describe(`what must always hold of invalidations: ${mode}`, () => {
    for (const [what, question] of QUESTIONS) {
      it(`3. An invalidation beats every fetch that began before it: ${what}, in the foreground and joined`, async () => {
        await using stage = await setNumbered();
        const gate = stage.upstream.hold();
        const before = stage.put(question);
        await within(gate.arrived(1), 'the call');
        const joined = stage.put(question);
        await stage.running(2);
        await invalidate(stage);
        const after = stage.put(question);
        await within(gate.arrived(2), 'a call that began after it');
        gate.release();
        const answers = await within(Promise.all([before, joined, after]), 'all answers');
        assert.deepEqual(answers.map(callOf), [1, 1, 2]);
        assert.equal(callOf(await stage.put(question)), 2);
        assert.equal(stage.upstream.calls.length, 2);
      });

      it(`3. An invalidation beats every fetch that began before it: ${what}, in the background`, async () => {
        const clock = new ManualClock();
        await using stage = await setNumbered({ clock });
        await stage.put(question);
        clock.advance(20_000);
        const gate = stage.upstream.hold();
        assert.equal(callOf(await stage.put(question)), 1);
        await within(gate.arrived(1), 'the refresh');
        await invalidate(stage);
        gate.let(1_000);
        await until(async () => {
          const cached = await stage.put(saying(question, { 'cache-control': 'only-if-cached' }));
          return cached.status === 504;
        }, 'nothing old is left to be served');
        assert.equal(callOf(await stage.put(question)), 3);
        assert.equal(callOf(await stage.put(question)), 3);
      });
    }

    for (const [written, question] of [
      ['a chat', CHAT],
      ['a streamed chat', STREAM],
    ] as const) {
      for (const [when, from] of [
        ['while its source is fetched', 'fetch'],
        ['between its source and itself', 'between'],
        ['while it is written', 'written'],
        ['after it', 'after'],
      ] as const) {
        it(`3. An invalidation beats every answer written from a fetch that began before it: ${written}, ${when}`, async () => {
          await using stage = await setNumbered();
          const traced = { 'x-cache-trace': 'conversation-1' };
          const gate = stage.upstream.hold();
          const source = stage.put(saying(PRODUCT, { ...TAG, ...traced }));
          await within(gate.arrived(1), 'the source');
          if (from === 'fetch') await invalidate(stage);
          gate.let(10);
          await within(source, 'the source');
          if (from === 'between') await invalidate(stage);
          const answer = stage.put(saying(question, traced));
          await until(() => stage.upstream.calls.length === 2, 'the answer is being written');
          if (from === 'written') await invalidate(stage);
          gate.release();
          assert.equal(callOf(await within(answer, 'the answer')), 2);
          if (from === 'after') await invalidate(stage);
          const after = await stage.put(question);
          assert.deepEqual([after.headers.get('x-cache'), callOf(after)], ['MISS', 3]);
          assert.equal(callOf(await stage.put(question)), 3);
        });
      }
    }
  });
}
