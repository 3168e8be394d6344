import assert from 'node:assert/strict';
import { Agent, request as startRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { until, within } from '../support/deadline.ts';
import { chat } from '../support/http.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { silent } from '../support/upstream/faults.ts';
import { rawAnswer, startRaw } from '../support/upstream/raw.ts';

const CHAT = '/v1/chat/completions';
const UPLOAD = '/v1/files';

/** Sends over the one connection of `agent`; the status. */
function over(agent: Agent, url: string, body?: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = startRequest(url, { agent, method: body === undefined ? 'GET' : 'POST' }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
    request.end(body);
  });
}

describe('an upload that nobody takes to its end', () => {
  for (const [what, status, settings] of [
    ['whose upstream is not there', 502, { base_url: 'http://127.0.0.1:9/v1' }],
    ['whose upstream does not answer', 504, { timeouts: { headers: '300ms' } }],
    ['that has waited for its turn in vain', 503, { concurrency: { max: 1, wait: '50ms' } }],
    ['that finds the queue full', 503, { concurrency: { max: 1, queue: 0 } }],
  ] as const) {
    it(`${what} is ${status}, and leaves its client’s connection in order`, async () => {
      await using stage = await setStage({ upstreamSettings: settings });
      stage.upstream.answer(silent);
      // It takes the one place that there is.
      const busy = status === 503 ? stage.ask(CHAT, { body: chat('x') }).catch(() => undefined) : undefined;
      if (busy !== undefined) await until(() => stage.upstream.calls.length === 1, 'the place is taken');
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      assert.equal(
        await within(over(agent, stage.reprise.url + UPLOAD, Buffer.alloc(20_000_000)), what),
        status,
      );
      assert.equal(await within(over(agent, `${stage.reprise.url}/health/live`), 'the next one'), 200);
      agent.destroy();
    });
  }

  it('as its upstream answers before, leaves its client’s connection in order', async () => {
    using upstream = await startRaw(
      (socket) => void socket.pause().write(rawAnswer('413 Too Large', [], 'no')),
    );
    await using stage = await setStage({ upstreamSettings: { base_url: upstream.url } });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal(await within(over(agent, stage.reprise.url + UPLOAD, Buffer.alloc(20_000_000)), 'it'), 413);
    assert.equal(await within(over(agent, `${stage.reprise.url}/health/live`), 'the next one'), 200);
    agent.destroy();
  });
});

/** A client that sends a head that promises a body of 1 MB, and then as much of it as the test says. */
async function begin(stage: Stage, path: string): Promise<Socket & { readonly cut: boolean }> {
  const { port } = new URL(stage.reprise.url);
  const socket = Object.assign(connect(Number(port), '127.0.0.1'), { cut: false });
  socket.on('error', () => undefined).resume();
  socket.on('close', () => {
    socket.cut = true;
  });
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{`,
  );
  await until(() => stage.reprise.running() === 1, 'it has begun');
  return socket;
}

describe('a client that stalls while it sends', () => {
  for (const path of [CHAT, UPLOAD]) {
    it(`the body of ${path} is cut off after server.timeouts.body, and what it held is free`, async () => {
      await using stage = await setStage({
        profile: { server: { timeouts: { body: '200ms' } } },
        upstreamSettings: { concurrency: { max: 1, queue: 0 } },
      });
      const socket = await begin(stage, path);
      await until(() => socket.cut, 'it is cut off');
      await until(() => stage.reprise.running() === 0, 'nothing runs');
      assert.equal((await stage.ask(CHAT, { body: chat('x') })).status, 200);
    });
  }

  it('but sends a little now and then is waited for', async () => {
    await using stage = await setStage({ profile: { server: { timeouts: { body: '300ms' } } } });
    const socket = await begin(stage, UPLOAD);
    const began = performance.now();
    while (performance.now() - began < 900) {
      socket.write('x');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(socket.cut, false);
    socket.destroy();
  });

  it('because the upstream takes no more is waited for, as is one that waits for an answer', async () => {
    using upstream = await startRaw((socket) => {
      socket.pause();
      setTimeout(() => socket.resume().write(rawAnswer('200 OK', [], 'taken')), 900);
    });
    await using stage = await setStage({
      profile: { server: { timeouts: { body: '200ms' } } },
      upstreamSettings: { base_url: upstream.url },
    });
    const agent = new Agent({ keepAlive: false });
    const statuses = await within(
      Promise.all([
        over(agent, stage.reprise.url + UPLOAD, Buffer.alloc(30_000_000)),
        over(agent, stage.reprise.url + UPLOAD, Buffer.alloc(10)),
        over(agent, stage.reprise.url + CHAT, Buffer.from('{}')),
      ]),
      'all',
    );
    assert.deepEqual(statuses, [200, 200, 200]);
  });
});
