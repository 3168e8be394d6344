import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { type Answer, open } from '../support/http.ts';
import {
  CHAT,
  type NumberedStage,
  numberOf,
  numbersOf,
  PRODUCT,
  type Question,
  SEARCH,
  STREAM,
  saying,
  setNumbered,
} from '../support/numbered.ts';

const word = ({ headers }: Answer) => headers.get('x-cache');
const reason = ({ headers }: Answer) => headers.get('x-cache-reason');
const TRACED = { 'x-cache-trace': 'conversation-1' };

/** How a question and an invalidation belong together; a trace is told of a product first where `told`. */
const WAYS: readonly (readonly [by: string, question: Question, order: object, told?: true])[] = [
  ['type', PRODUCT, { type: 'products' }],
  ['pattern', PRODUCT, { pattern: 'products/**' }],
  ['namespace', saying(CHAT, { 'x-cache-namespace': 'tests' }), { namespace: 'tests' }],
  ['model', CHAT, { model: 'gpt-5-mini' }],
  ['the built-in tag of its model', STREAM, { tags: 'model:gpt-5-mini' }],
  ['a tag that requests say', saying(CHAT, { 'x-cache-tags': 'product:7' }), { tags: ['x', 'product:7'] }],
  ['a tag and a type', saying(CHAT, { 'x-cache-tags': 'a' }), { tags: 'a', type: 'llm_responses' }],
  ["a tag in the answer's head", PRODUCT, { tags: 'product:7' }],
  ["a tag in a stream's head", STREAM, { tags: 'product:7' }],
  ["a tag in the answer's JSON", SEARCH, { tags: 'product:8' }],
  ['a tag that it inherits', saying(CHAT, TRACED), { tags: 'product:7' }, true],
  ['a tag that it inherits, streamed', saying(STREAM, TRACED), { tags: 'product:7' }, true],
];

/** Holds all calls before their heads, or after them. */
const PLACES = [
  ['before its head', (stage: NumberedStage) => stage.upstream.hold()],
  ['in its body', (stage: NumberedStage) => stage.upstream.holdChunks(0)],
] as const;

async function begun(told: boolean): Promise<{ stage: NumberedStage; first: number }> {
  const stage = await setNumbered();
  if (told) await stage.put(saying(PRODUCT, TRACED));
  return { stage, first: stage.upstream.calls.length + 1 };
}

for (const [by, question, order, told = false] of WAYS) {
  describe(`invalidated by ${by}, while it is fetched`, () => {
    for (const [place, holdAt] of PLACES) {
      it(`${place}: who asked before gets the answer, and nobody else, ever`, async () => {
        const { stage, first } = await begun(told);
        await using _ = stage;
        const gate = holdAt(stage);
        const before = stage.put(question);
        await within(gate.arrived(1), 'the first call');
        assert.equal((await stage.invalidate(order)).status, 200);
        gate.release();
        const answer = await within(before, 'the first answer');
        assert.equal(numberOf(answer), first);
        if (question !== STREAM && question.body !== STREAM.body) assert.equal(reason(answer), 'invalidated');
        // Untraced: what is inherited there is older than the invalidation still.
        const later = saying(question, { 'x-cache-trace': undefined });
        const after = await stage.put(later);
        assert.deepEqual([word(after), numberOf(after)], ['MISS', first + 1]);
        const again = await stage.put(later);
        assert.deepEqual([word(again), numberOf(again)], ['HIT', first + 1]);
      });

      it(`${place}: who asks after it gets a call that began after it, and so do those who join that`, async () => {
        const { stage, first } = await begun(told);
        await using _ = stage;
        const gate = holdAt(stage);
        const before = stage.put(question);
        await within(gate.arrived(1), 'the first call');
        await stage.invalidate(order);
        const later = saying(question, { 'x-cache-trace': undefined });
        const late = [stage.put(later), stage.put(later), stage.put(later)];
        await stage.running(4);
        gate.release();
        const answers = await within(Promise.all(late), 'the late answers');
        assert.deepEqual(answers.map(numberOf), [first + 1, first + 1, first + 1]);
        assert.equal(numberOf(await before), first);
        const after = await stage.put(later);
        assert.deepEqual([word(after), numberOf(after)], ['HIT', first + 1]);
        assert.equal(stage.upstream.calls.length, first + 1);
      });
    }

    it('the older call that ends after the newer one does not take its place', async () => {
      const { stage, first } = await begun(told);
      await using _ = stage;
      const older = stage.upstream.hold();
      const before = stage.put(question);
      await within(older.arrived(1), 'the older call');
      await stage.invalidate(order);
      // From here on nothing waits but the older call, and whoever waits to learn of its head what it speaks of.
      stage.upstream.hold().release();
      const later = saying(question, { 'x-cache-trace': undefined });
      const late = stage.put(later);
      await Promise.race([late, stage.running(2)]);
      older.release();
      assert.equal(numberOf(await within(before, 'the older answer')), first);
      assert.equal(numberOf(await within(late, 'the newer answer')), first + 1);
      assert.equal(numberOf(await stage.put(later)), first + 1);
    });

    it('without being meant, nothing changes: who comes later joins', async () => {
      const { stage, first } = await begun(told);
      await using _ = stage;
      const gate = stage.upstream.holdChunks(0);
      const before = stage.put(question);
      await within(gate.arrived(1), 'the first call');
      await stage.invalidate({ tags: 'product:9', type: 'embeddings' });
      await stage.invalidate({ type: 'embeddings' });
      const late = stage.put(question);
      await stage.running(2);
      gate.release();
      const answers = await within(Promise.all([before, late]), 'both answers');
      // What a body will say nobody knows before it is there.
      const calls = question === SEARCH ? [first, first + 1] : [first, first];
      assert.deepEqual(answers.map(numberOf), calls);
      assert.equal(word(await stage.put(question)), 'HIT');
    });
  });
}

describe('invalidated by its key', () => {
  it('while it is fetched, and while others join', async () => {
    await using stage = await setNumbered();
    const key = (await stage.put(PRODUCT)).headers.get('x-cache-key');
    await stage.invalidate({ keys: key });
    const gate = stage.upstream.hold();
    const before = stage.put(PRODUCT);
    await within(gate.arrived(1), 'the call');
    await stage.invalidate({ keys: key });
    const late = stage.put(PRODUCT);
    await within(gate.arrived(2), 'a call of its own');
    gate.release();
    assert.deepEqual((await Promise.all([before, late])).map(numberOf), [2, 3]);
    assert.equal(numberOf(await stage.put(PRODUCT)), 3);
  });
});

describe('a crowd', () => {
  for (const [what, question] of [
    ['JSON', PRODUCT],
    ['streams', STREAM],
  ] as const) {
    it(`of 200 that joined a call which turns out to be outdated makes one call more, not 200: ${what}`, async () => {
      await using stage = await setNumbered();
      const gate = stage.upstream.hold();
      const before = stage.put(question);
      await within(gate.arrived(1), 'the first call');
      await stage.invalidate({ tags: 'product:7' });
      const late = Array.from({ length: 200 }, () => stage.put(question));
      await stage.running(201);
      gate.release();
      const answers = await within(Promise.all(late), 'the crowd', 20_000);
      assert.deepEqual(new Set(answers.map(numberOf)), new Set([2]));
      assert.equal(numberOf(await before), 1);
      assert.equal(stage.upstream.calls.length, 2);
    });
  }

  it('does not grow with invalidations of other things that come all the time', async () => {
    await using stage = await setNumbered();
    const gate = stage.upstream.hold();
    const asked: Promise<Answer>[] = [];
    for (let round = 0; round < 20; round += 1) {
      asked.push(...Array.from({ length: 5 }, () => stage.put(PRODUCT)));
      await stage.running(asked.length);
      await stage.invalidate({ tags: `product:${100 + round}` });
    }
    gate.release();
    const answers = await within(Promise.all(asked), 'the crowd', 20_000);
    assert.deepEqual(new Set(answers.map(numberOf)), new Set([1]));
    assert.equal(stage.upstream.calls.length, 1);
  });
});

describe('an answer that is not stored', () => {
  for (const [why, profile, headers] of [
    ['because it is too large', { server: { max_entry: '1KB' } }, { 'cache-tag': 'product:7' }],
    ['because it may be one person’s', {}, { 'cache-tag': 'product:7', 'cache-control': 'private' }],
    ['because its tags cannot be read', {}, { 'cache-tag': 'pr\u00f6dukt' }],
    [
      'because it has too many tags',
      {},
      { 'surrogate-key': Array.from({ length: 257 }, (_, at) => at).join(' ') },
    ],
  ] as const) {
    it(`${why} is not given to who came after its tag was purged, either`, async () => {
      await using stage = await setNumbered({ profile });
      stage.upstream.answer((request, response) => {
        const number = stage.upstream.calls.indexOf(request) + 1;
        response.writeHead(200, { 'content-type': 'application/json', ...headers });
        response.end(`"number-${number}${'.'.repeat(2_000)}"`);
      });
      const gate = stage.upstream.hold();
      const before = stage.put(PRODUCT);
      await within(gate.arrived(1), 'the call');
      await stage.invalidate({ tags: ['product:7', '7'] });
      const late = stage.put(PRODUCT);
      await stage.running(2);
      gate.release();
      assert.equal(numberOf(await within(before, 'the first answer')), 1);
      assert.equal(numberOf(await within(late, 'the late answer')), 2);
    });
  }
});

describe('a stream under way', () => {
  it('goes on for who follows it, and is not joined by who comes after its tag was purged', async () => {
    await using stage = await setNumbered();
    const gate = stage.upstream.holdChunks(1);
    const first = await within(
      open(stage.reprise.url + STREAM.path, { ...STREAM, headers: { authorization: undefined } }),
      'the first head',
    );
    await within(gate.arrived(1), 'the first word is out');
    await stage.invalidate({ tags: 'product:7' });
    const late = stage.put(STREAM);
    await within(gate.arrived(2), 'a call of its own');
    gate.release();
    const chunks: Buffer[] = [];
    for await (const chunk of first.chunks) chunks.push(chunk);
    const followed = Buffer.concat(chunks);
    assert.equal(numberOf({ body: followed }), 1);
    assert.match(followed.toString(), /\[DONE\]\n\n$/);
    assert.equal(numberOf(await within(late, 'the late answer')), 2);
    assert.equal(numberOf(await stage.put(STREAM)), 2);
  });
});

describe('a batch', () => {
  const ask = (stage: NumberedStage, input: readonly string[], tags?: string) =>
    stage.put({
      path: '/v1/embeddings',
      body: { model: 'e', input },
      ...(tags !== undefined && { headers: { 'x-cache-tags': tags } }),
    });

  it('loses the items that were meant, and no other', async () => {
    await using stage = await setNumbered();
    await ask(stage, ['a'], 'said');
    await ask(stage, ['b', 'c']);
    assert.equal((await stage.invalidate({ tags: 'said' })).json().invalidated, 1);
    const after = await ask(stage, ['a', 'b', 'c']);
    assert.equal(word(after), 'PARTIAL');
    assert.deepEqual(numbersOf(after), [3, 2, 2]);
  });

  it('that is being fetched is joined for the items that were not meant, which alone are stored', async () => {
    await using stage = await setNumbered();
    const shown = async (input: string) => (await ask(stage, [input])).headers.get('x-cache-key');
    const key = await shown('a');
    await stage.invalidate({ type: 'embeddings' });
    const gate = stage.upstream.hold();
    const before = ask(stage, ['a', 'b']);
    await within(gate.arrived(1), 'the first call');
    await stage.invalidate({ keys: key });
    const late = ask(stage, ['b', 'a']);
    await within(gate.arrived(2), 'a call for the item that was meant');
    assert.deepEqual(stage.upstream.calls.at(-1)?.json().input, ['a']);
    gate.release();
    assert.deepEqual(numbersOf(await within(before, 'the first answer')), [2, 2]);
    assert.deepEqual(numbersOf(await within(late, 'the late answer')), [2, 3]);
    const after = await ask(stage, ['a', 'b']);
    assert.equal(word(after), 'HIT');
    assert.deepEqual(numbersOf(after), [3, 2]);
  });

  it('of which one item was meant while it was fetched has the others stored', async () => {
    await using stage = await setNumbered();
    const key = (await ask(stage, ['a'])).headers.get('x-cache-key');
    await stage.invalidate({ type: 'embeddings' });
    const gate = stage.upstream.hold();
    const before = ask(stage, ['a', 'b', 'c']);
    await within(gate.arrived(1), 'the first call');
    await stage.invalidate({ keys: key });
    gate.release();
    await before;
    const after = await ask(stage, ['a', 'b', 'c']);
    assert.equal(word(after), 'PARTIAL');
    assert.deepEqual(numbersOf(after), [3, 2, 2]);
  });
});

describe('in each of its windows', () => {
  const WINDOWS = [
    ['fresh', 0],
    ['served while it is refreshed', 20],
    ['kept for errors', 120],
  ] as const;

  for (const [window, seconds] of WINDOWS) {
    it(`an entry that is ${window} is never served once it is purged`, async () => {
      const clock = new ManualClock();
      await using stage = await setNumbered({ clock });
      await stage.put(PRODUCT);
      clock.advance(seconds * 1_000);
      await stage.invalidate({ tags: 'product:7' });
      stage.upstream.answer((_request, response) => void response.writeHead(500).end());
      for (const headers of [
        {},
        { 'cache-control': 'max-stale' },
        { 'cache-control': 'stale-if-error=600' },
      ]) {
        const failed = await stage.put(saying(PRODUCT, headers));
        assert.deepEqual([failed.status, word(failed), reason(failed)], [500, 'MISS', 'invalidated']);
      }
      const cached = await stage.put(saying(PRODUCT, { 'cache-control': 'only-if-cached' }));
      assert.equal(cached.status, 504);
    });

    it(`an entry that is ${window} is served once it is expired only when the upstream fails`, async () => {
      const clock = new ManualClock();
      await using stage = await setNumbered({ clock });
      await stage.put(PRODUCT);
      clock.advance(seconds * 1_000);
      await stage.invalidate({ tags: 'product:7', mode: 'expire' });
      const cached = await stage.put(saying(PRODUCT, { 'cache-control': 'only-if-cached, max-stale' }));
      assert.equal(cached.status, 504);
      stage.upstream.answer((_request, response) => void response.writeHead(500).end(), '/catalog/7');
      const bridged = await stage.put(PRODUCT);
      assert.deepEqual([bridged.status, word(bridged), numberOf(bridged)], [200, 'STALE', 1]);
      assert.match(bridged.headers.get('cache-status') ?? '', /ttl=-?\d+/);
      assert.ok(Number(/ttl=(-?\d+)/.exec(bridged.headers.get('cache-status') ?? '')?.[1]) <= 0);
      clock.advance(6_000);
      stage.upstream.answer(undefined, '/catalog/7');
      const after = await stage.put(saying(PRODUCT, { 'cache-control': 'max-stale' }));
      assert.deepEqual([word(after), numberOf(after)], ['MISS', 3]);
    });
  }

  it('an entry that is purged while the upstream is waited for does not stand in when that fails', async () => {
    const clock = new ManualClock();
    await using stage = await setNumbered({ clock });
    await stage.put(PRODUCT);
    clock.advance(120_000);
    stage.upstream.answer((_request, response) => void response.writeHead(500).end());
    const gate = stage.upstream.hold();
    const asked = stage.put(PRODUCT);
    await within(gate.arrived(1), 'the call');
    await stage.invalidate({ tags: 'product:7' });
    gate.release();
    assert.equal((await within(asked, 'the answer')).status, 500);
  });
});

describe('a refresh behind a stale answer', () => {
  for (const [mode, outcome] of [
    ['purge', ['MISS', 3]],
    ['expire', ['MISS', 3]],
  ] as const) {
    it(`that began before a ${mode} does not bring the old answer back`, async () => {
      const clock = new ManualClock();
      await using stage = await setNumbered({ clock });
      await stage.put(PRODUCT);
      clock.advance(20_000);
      const gate = stage.upstream.hold();
      const stale = await stage.put(PRODUCT);
      assert.deepEqual([word(stale), numberOf(stale)], ['STALE', 1]);
      await within(gate.arrived(1), 'the refresh');
      await stage.invalidate({ tags: 'product:7', mode });
      gate.let(1);
      const after = stage.put(PRODUCT);
      await within(gate.arrived(2), 'a call that began after it');
      gate.release();
      const answer = await within(after, 'the answer');
      assert.deepEqual([word(answer), numberOf(answer)], outcome);
      const again = await stage.put(PRODUCT);
      assert.deepEqual([word(again), numberOf(again)], ['HIT', 3]);
    });
  }

  it('is not joined by who comes after the purge', async () => {
    const clock = new ManualClock();
    await using stage = await setNumbered({ clock });
    await stage.put(PRODUCT);
    clock.advance(20_000);
    const gate = stage.upstream.hold();
    await stage.put(PRODUCT);
    await within(gate.arrived(1), 'the refresh');
    await stage.invalidate({ type: 'products' });
    const after = stage.put(PRODUCT);
    await within(gate.arrived(2), 'a call of its own');
    gate.release();
    assert.equal(numberOf(await within(after, 'the answer')), 3);
    await until(async () => numberOf(await stage.put(PRODUCT)) === 3, 'the newer answer is kept');
  });
});

describe('an entry on disk', () => {
  it('that is purged while it is copied to memory is served to nobody', async () => {
    const clock = new ManualClock();
    await using stage = await setNumbered({ clock });
    await stage.put(PRODUCT);
    const cleared = await stage.ask('/cache/clear', {
      body: { level: 'l1' },
      headers: { authorization: undefined },
    });
    assert.equal(cleared.json().cleared, 1);
    const [, after] = await Promise.all([stage.invalidate({ tags: 'product:7' }), stage.put(PRODUCT)]);
    assert.ok([1, 2].includes(numberOf(after)));
    assert.equal(numberOf(await stage.put(PRODUCT)), 2);
    assert.deepEqual(word(await stage.put(PRODUCT)), 'HIT');
  });

  it('keeps what later requests say of it, whether it is in memory or not', async () => {
    await using stage = await setNumbered();
    await stage.put(PRODUCT);
    for (const tag of ['said:1', 'said:2']) {
      await stage.ask('/cache/clear', { body: { level: 'l1' }, headers: { authorization: undefined } });
      await stage.put(saying(PRODUCT, { 'x-cache-tags': tag }));
    }
    for (const [tag, number] of [
      ['said:1', 2],
      ['said:2', 2],
    ] as const) {
      await stage.invalidate({ tags: tag });
      assert.equal(numberOf(await stage.put(PRODUCT)), number);
    }
  });
});
