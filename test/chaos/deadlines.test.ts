import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import OpenAI from 'openai';
import OpenAI4 from 'openai-v4';
import OpenAI5 from 'openai-v5';
import OpenAI6 from 'openai-v6';
import { settingsSchema } from '../../src/config/schema.ts';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { type Answer, chat, open } from '../support/http.ts';
import { chatPiece } from '../support/openai-server.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { silent } from '../support/upstream/faults.ts';
import { listening } from '../support/upstream/listening.ts';
import type { Handler } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';
const RELAYED = '/v1/images/generations';

/** Answers a head and one piece of a body, and never anything more. */
const stuck =
  (type: string, piece: string): Handler =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': type });
    response.write(piece);
    return new Promise<never>(() => undefined);
  };
const stuckStream = stuck('text/event-stream', chatPiece({ role: 'assistant', content: 'a' }));
const stuckJson = stuck('application/json', '{"choices":');

function assertTimedOut(answer: Answer): void {
  assert.equal(answer.status, 504);
  assert.equal((answer.json().error as { code: string }).code, 'upstream_timeout');
}

/** After a call that came to nothing: the upstream is let go, nobody waits, and nothing was stored. */
async function assertNothingLeft(stage: Stage): Promise<void> {
  await until(() => stage.upstream.sockets() === 0, 'the connection is closed');
  await until(() => stage.reprise.running() === 0, 'nothing runs');
  stage.upstream.answer(undefined);
  assert.equal((await stage.ask(CHAT, { body: chat('x') })).headers.get('x-cache'), 'MISS');
}

// The HTTP client's own timers are the machine's, a second at the least: all at once, and with real waiting.
describe('the time an upstream gets', { concurrency: true }, () => {
  it('is by default longer than any SDK waits, so that the SDK decides', () => {
    const { timeouts } = settingsSchema.parse({}).upstreams.get('default') ?? assert.fail('no default');
    for (const Client of [OpenAI4, OpenAI5, OpenAI6, OpenAI]) {
      const { timeout } = new Client({ apiKey: 'k' });
      assert.equal(timeout, 600_000);
      for (const name of ['headers', 'idle', 'total'] as const) assert.ok(timeouts[name] > timeout, name);
    }
  });

  it('for a connection: one that does not come to stand is given up', async () => {
    // TCP stands, TLS never does.
    using mute = await listening(createServer(() => undefined));
    await using stage = await setStage({
      upstreamSettings: { base_url: `https://127.0.0.1:${mute.port}/v1`, timeouts: { connect: '100ms' } },
    });
    for (const path of [CHAT, RELAYED])
      assertTimedOut(await within(stage.ask(path, { body: chat('x') }), path));
    const ready = await stage.ask('/health/ready');
    assert.match(ready.body.toString(), /"status":"degraded".*its last call failed/);
  });

  for (const [what, path, body] of [
    ['a JSON call', CHAT, chat('x')],
    ['a stream', CHAT, chat('x', { stream: true })],
    ['a call passed through', RELAYED, chat('x')],
  ] as const) {
    it(`for a head, of ${what}: without one it is 504`, async () => {
      await using stage = await setStage({ upstreamSettings: { timeouts: { headers: '300ms' } } });
      stage.upstream.answer(silent);
      const both = [stage.ask(path, { body }), stage.ask(path, { body })];
      for (const answer of await within(Promise.all(both), 'the answers')) assertTimedOut(answer);
      await assertNothingLeft(stage);
    });

    it(`for a body, of ${what}: an answer that stops is not taken for a whole one`, async () => {
      await using stage = await setStage({ upstreamSettings: { timeouts: { idle: '300ms' } } });
      stage.upstream.answer(what === 'a stream' ? stuckStream : stuckJson);
      const both = [stage.ask(path, { body }), stage.ask(path, { body })];
      await Promise.all(
        both.map(async (ask) => {
          if (what === 'a JSON call') assertTimedOut(await within(ask, 'the answer'));
          else await assert.rejects(within(ask, 'the cut'), /aborted|socket hang up/);
        }),
      );
      await assertNothingLeft(stage);
    });
  }

  it('for a whole call: one that sends a little now and then is given up all the same', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock, upstreamSettings: { timeouts: { total: '60s' } } });
    const gate = stage.upstream.hold();
    stage.upstream.answer(async (_request, response, turn) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (;;) {
        response.write(chatPiece({ content: 'a' }));
        await turn.pass();
        if (response.destroyed) return;
      }
    });
    gate.let(1);
    const live = await within(
      open(stage.reprise.url + CHAT, { body: chat('x', { stream: true }) }),
      'the head',
    );
    const joined = stage.ask(CHAT, { body: chat('x') });
    await until(() => stage.reprise.running() === 2, 'another has joined');
    let bytes = 0;
    const cut = assert.rejects(async () => {
      for await (const chunk of live.chunks) bytes += chunk.length;
    });
    for (let second = 0; second < 59; second += 1) {
      const before = bytes;
      clock.advance(1_000);
      gate.let(1);
      await until(() => bytes > before, 'one more piece');
    }
    clock.advance(1_000);
    await within(cut, 'the cut');
    assertTimedOut(await within(joined, 'the joined one'));
    gate.release();
    await assertNothingLeft(stage);
  });

  it('is not spent by a client that is slow to send, nor by one that is slow to read', async () => {
    await using stage = await setStage({
      upstreamSettings: { timeouts: { headers: '300ms', idle: '300ms' } },
    });
    async function* slowly() {
      for (let piece = 0; piece < 4; piece += 1) {
        yield Buffer.alloc(1_000);
        await wait(500);
      }
    }
    const upload = await fetch(`${stage.reprise.url}/v1/files`, {
      method: 'POST',
      body: ReadableStream.from(slowly()),
      duplex: 'half',
    });
    assert.equal(upload.status, 200);
    const SIZE = 40_000_000;
    const download = await open(`${stage.reprise.url}/v1/files/file-1/content?bytes=${SIZE}`);
    let bytes = 0;
    for await (const chunk of download.chunks) {
      if (bytes === 0) await wait(2_000);
      bytes += chunk.length;
    }
    assert.equal(bytes, SIZE);
  });
});
