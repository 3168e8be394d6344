import assert from 'node:assert/strict';
import { Agent, type IncomingMessage, request as startRequest } from 'node:http';
import { it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { until, within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { chat } from '../support/http.ts';
import { chatPiece, dataEvent } from '../support/openai-server.ts';
import { startServer } from '../support/server/process.ts';
import { startUpstream } from '../support/upstream.ts';

const READERS = 1_000;
const MB = 1_000_000;

/** A stream of 2 MB, in events of 16 kB. */
const EVENTS = [
  ...Array.from({ length: 125 }, (_, at) =>
    chatPiece({ role: 'assistant', content: `${at} ${'x'.repeat(16_000)}` }),
  ),
  chatPiece({}, 'stop'),
  dataEvent('[DONE]'),
];
const WHOLE = Buffer.from(EVENTS.join(''));

/** What 1,000 readers who take nothing may cost, however much they are owed (here 2 GB). */
const ALLOWED = {
  // The stream itself, once. Then, of each reader: its own view of the chunk that filled its response, what Node frames of
  // it for the socket, and the event under way. The upstream's socket gives chunks of up to 64 KiB.
  external: 2 * WHOLE.length + READERS * 3 * 65_536,
  // Connection, request, response, cursor and timers.
  heap: READERS * 40_000,
};

for (const [kept, maxEntry, usage] of [
  ['is kept whole', '16MB', false],
  // With its usage: each reader gets the bytes as they came, and has no view of its own.
  ['is larger than what is kept', '1MB', true],
] as const) {
  it(`1,000 readers of one stream that ${kept}, who read nothing, cost its bytes once and a chunk or two each; when they read, all get it whole`, async () => {
    await using upstream = await startUpstream();
    const progress = { sent: 0 };
    upstream.answer(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of EVENTS) {
        if (!response.write(event)) await new Promise((resolve) => response.once('drain', resolve));
        progress.sent += 1;
      }
      response.end();
    });
    const gate = upstream.hold();
    const profile = { upstreams: { default: { base_url: upstream.url } }, server: { max_entry: maxEntry } };
    const server = await startServer(profile, tempFolder());
    try {
      const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
      let sent = 0;
      const asked = Array.from({ length: READERS }, () =>
        ask(`${server.url}/v1/chat/completions`, agent, usage, () => {
          sent += 1;
        }),
      );
      await within(gate.arrived(1), 'the call');
      await until(() => sent === READERS, 'all have asked', 20_000);
      // Sent is not yet read: what is asked behind them all is answered behind them all.
      for (let turn = 0; turn < 3; turn += 1) await (await fetch(`${server.url}/health/live`)).text();
      const unread = await server.sample();
      gate.release();
      const answers = await within(Promise.all(asked), 'all heads', 20_000);
      // It is all read from the upstream, or as much as is kept and lies in the kernel's buffers.
      let last = -1;
      await until(
        async () => {
          const still = progress.sent === last;
          last = progress.sent;
          await wait(100);
          return still;
        },
        'nothing moves',
        20_000,
      );
      const full = await server.sample();
      for (const name of ['external', 'heap'] as const) {
        const more = full[name] - unread[name];
        assert.ok(more < ALLOWED[name], `${name} grew by ${(more / MB).toFixed(1)} MB`);
      }
      assert.equal(upstream.calls.length, 1);
      await within(Promise.all(answers.map(assertWhole)), 'all have it', 60_000);
      assert.equal(upstream.calls.length, 1);
      assert.equal(server.log().includes('background work failed'), false, server.log());
    } finally {
      assert.equal(await server.stop(), 0);
    }
  });
}

/** Asks for the stream; resolves when its head is there. Nothing is read of its body until somebody does. */
function ask(url: string, agent: Agent, usage: boolean, onSent: () => void): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: 'Bearer k', 'content-type': 'application/json' };
    const request = startRequest(url, { method: 'POST', agent, headers });
    request.on('error', reject);
    request.on('finish', onSent);
    request.on('response', resolve);
    request.end(JSON.stringify(chat('x', { stream: true, stream_options: { include_usage: usage } })));
  });
}

/** Reads an answer, which must be the stream byte for byte; compared as it comes, for a thousand copies would be too many. */
async function assertWhole(answer: IncomingMessage): Promise<void> {
  let at = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    assert.ok(WHOLE.subarray(at, at + chunk.length).equals(chunk), `other bytes at ${at}`);
    at += chunk.length;
  }
  assert.equal(at, WHOLE.length);
}
