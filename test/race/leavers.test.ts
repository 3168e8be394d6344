import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { type Answer, chat, open, send } from '../support/http.ts';
import { chatPiece, dataEvent } from '../support/openai-server.ts';
import { startReprise } from '../support/reprise.ts';
import { type Stage, setStage } from '../support/stage.ts';
import type { Gate } from '../support/upstream/gate.ts';

const CHAT = '/v1/chat/completions';
const RELAYED = '/v1/images/generations';

/** The policies that decide what becomes of a call whose last caller has left. */
const POLICIES = {
  cancel: { on_abandon: 'cancel' },
  linger: { on_abandon: 'cancel', linger: '10s' },
  finish: { on_abandon: 'finish' },
} as const;

interface Scene extends Stage {
  readonly clock: ManualClock;
  /** How many timers wait while nothing is under way: the sweep's, and those of what watches. */
  readonly resting: number;
}

/** Without L2, unless `disk` says so: its writes wait on timers of their own. */
async function setScene(
  policy: keyof typeof POLICIES,
  { disk = { max_bytes: 0 }, ...upstreamSettings }: Readonly<Record<string, object>> = {},
): Promise<Scene> {
  const clock = new ManualClock();
  const profile = { disk, types: { llm_responses: POLICIES[policy] } };
  const stage = await setStage({ clock, profile, upstreamSettings });
  return { ...stage, clock, resting: clock.pending };
}

/** Starts a request, and gives what ends its connection. Its failure, which is the test's own doing, is nobody's. */
function start(stage: Stage, path: string, body: object): () => void {
  let leave = () => {};
  const asked = open(stage.reprise.url + path, { body }, (how) => {
    leave = how;
  });
  asked
    .then(
      async ({ chunks }) => {
        for await (const _ of chunks);
      },
      () => undefined,
    )
    .catch(() => undefined);
  return () => leave();
}

type Figures = Readonly<Record<string, Readonly<Record<string, number>> | undefined>>;

/** Has the upstream answer with `first`, and with `more` once it may go on; it never ends. */
function endless({ upstream }: Stage, first: string, more: readonly string[]) {
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  upstream.answer(async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(first);
    begun.resolve();
    await goOn.promise;
    for (const chunk of more) response.write(chunk);
    return new Promise<never>(() => undefined);
  });
  return { begun: begun.promise, goOn };
}

const running = (stage: Stage, count: number) =>
  until(() => stage.reprise.running() === count, `${count} requests are being answered`);

/** Nothing is under way any more, and the call upstream was cut. */
async function assertCut(scene: Scene): Promise<void> {
  await assertQuiet(scene);
  await until(() => scene.upstream.sockets() === 0, 'the connection upstream is closed');
}

/** Nothing is under way any more: no request, and no timer but those that always wait. */
async function assertQuiet({ reprise, clock, resting }: Scene): Promise<void> {
  await until(() => reprise.running() === 0, 'nothing runs');
  await until(() => clock.pending === resting, 'no deadline, no wait and no lingering is left');
  assert.deepEqual(
    reprise.events.filter(({ kind }) => kind === 'background-failed'),
    [],
  );
}

const JSON_CALL = chat('x');
const STREAM = chat('x', { stream: true });

/** Where a call can be when its caller leaves: `hold`, before it is made, gives the gate at which it then stands. */
const STAGES: readonly {
  readonly when: string;
  readonly body: object;
  readonly hold: (stage: Stage) => Gate;
}[] = [
  {
    when: 'before the upstream has answered a JSON call',
    body: JSON_CALL,
    hold: ({ upstream }) => upstream.hold(),
  },
  {
    when: 'before the upstream has answered a stream',
    body: STREAM,
    hold: ({ upstream }) => upstream.hold(),
  },
  {
    when: 'before the first chunk of a stream',
    body: STREAM,
    hold: ({ upstream }) => upstream.holdChunks(0),
  },
  {
    when: 'in the middle of a stream',
    body: STREAM,
    hold: ({ upstream }) => upstream.holdChunks(5),
  },
  {
    when: 'before the last event of a stream',
    body: STREAM,
    // One event with the role, twelve words, the end, the usage that is asked for always, and [DONE].
    hold: ({ upstream }) => upstream.holdChunks(15),
  },
];

for (const { when, body, hold } of STAGES) {
  describe(`a client that leaves ${when}`, () => {
    it('alone: the call is cancelled, and the next one makes its own', async () => {
      await using scene = await setScene('cancel');
      const gate = hold(scene);
      const leave = start(scene, CHAT, body);
      await within(gate.arrived(1), when);
      leave();
      await assertCut(scene);
      gate.release();
      assert.equal((await scene.ask(CHAT, { body })).headers.get('x-cache'), 'MISS');
      assert.equal(scene.upstream.calls.length, 2);
    });

    it('alone, with on_abandon: finish: the call goes on, and its answer is a hit', async () => {
      await using scene = await setScene('finish');
      const gate = hold(scene);
      const leave = start(scene, CHAT, body);
      await within(gate.arrived(1), when);
      leave();
      await running(scene, 0);
      const joined = scene.ask(CHAT, { body });
      await running(scene, 1);
      gate.release();
      assert.equal((await joined).headers.get('x-cache'), 'COALESCED');
      assert.equal((await scene.ask(CHAT, { body })).headers.get('x-cache'), 'HIT');
      assert.equal(scene.upstream.calls.length, 1);
      await until(() => scene.clock.pending === scene.resting, 'no deadline is left');
    });

    it('alone, with linger: who comes in time joins, and after it the call is cancelled', async () => {
      await using scene = await setScene('linger');
      const gate = hold(scene);
      const leave = start(scene, CHAT, body);
      await within(gate.arrived(1), when);
      leave();
      await until(() => scene.clock.pending === scene.resting + 2, 'the call lingers');
      scene.clock.advance(9_999);
      const leaveToo = start(scene, CHAT, body);
      await until(() => scene.clock.pending === scene.resting + 1, 'another has joined');
      scene.clock.advance(60_000);
      leaveToo();
      await until(() => scene.clock.pending === scene.resting + 2, 'the call lingers again');
      assert.equal(scene.upstream.sockets(), 1);
      scene.clock.advance(10_000);
      await assertCut(scene);
      gate.release();
      assert.equal((await scene.ask(CHAT, { body })).headers.get('x-cache'), 'MISS');
      assert.equal(scene.upstream.calls.length, 2);
    });

    for (const who of ['who started it', 'who joined it'] as const) {
      it(`being the one ${who}: the others get it whole`, async () => {
        await using scene = await setScene('cancel');
        const gate = hold(scene);
        const answers: Promise<Answer>[] = [];
        const join = () => answers.push(scene.ask(CHAT, { body }));
        let leave = () => {};
        if (who === 'who started it') leave = start(scene, CHAT, body);
        else join();
        await within(gate.arrived(1), when);
        if (who === 'who joined it') leave = start(scene, CHAT, body);
        join();
        join();
        const all = answers.length + 1;
        await running(scene, all);
        leave();
        await running(scene, all - 1);
        gate.release();
        const whole = await within(Promise.all(answers), 'the others');
        assert.equal(new Set(whole.map((answer) => answer.body.toString())).size, 1);
        for (const { status } of whole) assert.equal(status, 200);
        assert.equal(scene.upstream.calls.length, 1);
        assert.equal((await scene.ask(CHAT, { body })).headers.get('x-cache'), 'HIT');
      });
    }
  });
}

describe('a client that leaves at any other moment', () => {
  for (const path of [CHAT, RELAYED, '/v1/embeddings']) {
    it(`while it sends the body of ${path}: nothing whole goes upstream, and nothing is left`, async () => {
      await using scene = await setScene('cancel');
      const { port } = new URL(scene.reprise.url);
      const socket = connect(Number(port), '127.0.0.1');
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"model":`,
      );
      await running(scene, 1);
      socket.resetAndDestroy();
      await assertCut(scene);
      assert.equal(scene.upstream.calls.length, 0);
    });
  }

  it('while the tiers are read, or a moment before or after: no call upstream stays behind', async () => {
    await using scene = await setScene('cancel', { disk: {} });
    const body = chat('on disk');
    await scene.ask(CHAT, { body });
    await scene.reprise.stop();
    await using again = await startReprise({
      upstream: scene.upstream.url,
      folder: scene.reprise.folder,
      clock: scene.clock,
    });
    const resting = scene.clock.pending;
    for (let turns = 0; turns < 40; turns += 1) {
      const leave = start({ ...scene, reprise: again }, CHAT, turns % 2 === 0 ? body : chat(`new ${turns}`));
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      leave();
    }
    await running({ ...scene, reprise: again }, 0);
    // What L2 writes meanwhile.
    scene.clock.advance(60_000);
    await assertQuiet({ ...scene, reprise: again, resting });
    assert.equal((await send(again.url + CHAT, { body })).headers.get('x-cache'), 'HIT');
  });

  it('when it has the last event, and the upstream has not closed the stream: the answer is stored, and soon let go', async () => {
    await using scene = await setScene('cancel');
    scene.upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        chatPiece({ role: 'assistant', content: 'a' }) + chatPiece({}, 'stop') + dataEvent('[DONE]'),
      );
      return new Promise<never>(() => undefined);
    });
    const live = await open(scene.reprise.url + CHAT, { body: STREAM });
    let text = '';
    for await (const chunk of live.chunks) {
      text += chunk;
      if (text.endsWith('[DONE]\n\n')) break;
    }
    live.leave();
    await running(scene, 0);
    assert.equal((await scene.ask(CHAT, { body: STREAM })).headers.get('x-cache'), 'HIT');
    scene.clock.advance(1_000);
    await assertCut(scene);
  });

  for (const policy of ['finish', 'linger'] as const) {
    it(`before the last event, with ${policy}, and the upstream does not close the stream: it is soon let go, with its place`, async () => {
      await using scene = await setScene(policy, { concurrency: { max: 1 } });
      const gate = endless(scene, chatPiece({ role: 'assistant', content: 'a' }), [
        chatPiece({}, 'stop') + dataEvent('[DONE]'),
      ]);
      const leave = start(scene, CHAT, STREAM);
      await gate.begun;
      leave();
      await running(scene, 0);
      gate.goOn.resolve();
      await until(
        async () => (await scene.ask(CHAT, { body: STREAM })).headers.get('x-cache') === 'HIT',
        'it',
      );
      scene.clock.advance(1_000);
      await assertCut(scene);
      scene.upstream.answer(undefined);
      assert.equal((await scene.ask(CHAT, { body: chat('next') })).headers.get('x-cache'), 'MISS');
    });
  }

  it('with finish, and what comes is more than may be stored: it is soon let go', async () => {
    await using scene = await setScene('finish');
    const much = chatPiece({ content: 'x'.repeat(1_000_000) });
    const begin = chatPiece({ role: 'assistant', content: 'a' });
    const gate = endless(
      scene,
      begin,
      Array.from({ length: 20 }, () => much),
    );
    const leave = start(scene, CHAT, STREAM);
    await gate.begun;
    leave();
    await running(scene, 0);
    gate.goOn.resolve();
    await until(() => {
      scene.clock.advance(1_000);
      return scene.upstream.sockets() === 0;
    }, 'the call is cut');
    await assertCut(scene);
  });

  it('while an old answer is fetched anew: that says nothing of the upstream, neither to others nor to who counts', async () => {
    await using scene = await setScene('cancel');
    assert.equal((await scene.ask(CHAT, { body: JSON_CALL })).headers.get('x-cache'), 'MISS');
    scene.clock.advance(3_600_000);
    const gate = scene.upstream.hold();
    const leave = start(scene, CHAT, JSON_CALL);
    await within(gate.arrived(1), 'the call');
    leave();
    await running(scene, 0);
    gate.release();
    assert.equal((await scene.ask(CHAT, { body: JSON_CALL })).headers.get('x-cache'), 'MISS');
    const { upstreams } = (await scene.ask('/monitoring/cache')).json() as { upstreams: Figures };
    assert.deepEqual([upstreams.default?.calls, upstreams.default?.failures], [3, 0]);
  });

  it('while a call passed through is unanswered, or in the middle of its answer: the upstream is let go', async () => {
    for (const hold of ['hold', 'chunks'] as const) {
      await using scene = await setScene('finish');
      const gate = hold === 'hold' ? scene.upstream.hold() : scene.upstream.holdChunks(3);
      const leave = start(scene, CHAT, { ...STREAM, store: true });
      await within(gate.arrived(1), 'the call');
      leave();
      await assertCut(scene);
    }
  });

  it('while its call waits for its turn: it never goes out, and the others keep their places', async () => {
    await using scene = await setScene('cancel', { concurrency: { max: 1 } });
    const gate = scene.upstream.hold();
    const first = scene.ask(CHAT, { body: chat('first') });
    await within(gate.arrived(1), 'the first call');
    const leave = start(scene, CHAT, chat('gone'));
    await until(() => scene.clock.pending === scene.resting + 2, 'it waits');
    const last = scene.ask(CHAT, { body: chat('last') });
    await until(() => scene.clock.pending === scene.resting + 3, 'another waits');
    leave();
    await until(() => scene.clock.pending === scene.resting + 2, 'it waits no more');
    gate.release();
    assert.deepEqual([(await first).status, (await last).status], [200, 200]);
    assert.equal(scene.upstream.calls.length, 2);
  });

  it('while part of its batch is in a batch of another, who is not harmed by it', async () => {
    await using scene = await setScene('cancel');
    const gate = scene.upstream.hold();
    const batch = (...input: string[]) => ({ model: 'e', input });
    const first = scene.ask('/v1/embeddings', { body: batch('a', 'b') });
    await within(gate.arrived(1), 'the first batch');
    const leave = start(scene, '/v1/embeddings', batch('b', 'c'));
    await within(gate.arrived(2), 'what the second lacks');
    const third = scene.ask('/v1/embeddings', { body: batch('c', 'a') });
    await running(scene, 3);
    leave();
    await running(scene, 2);
    gate.release();
    for (const answer of [await first, await third]) {
      assert.equal(answer.status, 200);
      assert.equal((answer.json().data as unknown[]).length, 2);
    }
    assert.equal(scene.upstream.calls.length, 2);
  });
});
