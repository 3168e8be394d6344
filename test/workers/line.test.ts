import assert from 'node:assert/strict';
import { createServer, type RequestListener, request as startRequest } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { Line } from '../../src/workers/line.ts';
import { until, within } from '../support/deadline.ts';

/** A server at one end of a line, and at the other a client's request, whose answer is read with a pause after each piece. */
function ask(t: TestContext, listener: RequestListener, pauseMs = 0) {
  const server = createServer(listener);
  const { port1, port2 } = new MessageChannel();
  const far = new Line(port2, { address: '192.0.2.7', port: 8787, secure: true });
  server.emit('connection', far);
  const near = new Line(port1);
  const request = startRequest({ createConnection: () => near, method: 'POST', path: '/' });
  t.after(() => near.destroy());
  const answered = new Promise<Buffer>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', async (response) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of response) {
          chunks.push(chunk);
          if (pauseMs > 0) await wait(pauseMs);
        }
        resolve(Buffer.concat(chunks));
      } catch (thrown) {
        reject(thrown);
      }
    });
  });
  answered.catch(() => undefined);
  return { request, answered, near, far };
}

describe('a line', () => {
  it('carries large bodies both ways, and the address of who is at its end', async (t) => {
    const body = Buffer.alloc(5_000_000, 'abcdefg');
    let peer: unknown;
    const { request, answered } = ask(t, (incoming, response) => {
      const { socket } = incoming;
      peer = [socket.remoteAddress, socket.localPort, 'encrypted' in socket];
      incoming.pipe(response);
    });
    request.end(body);
    assert.ok((await within(answered, 'the echo')).equals(body));
    assert.deepEqual(peer, ['192.0.2.7', 8787, true]);
  });

  it('holds the writer back for as long as nobody reads', async (t) => {
    let written = 0;
    let isHeld = false;
    const { request, near } = ask(t, (_incoming, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(100_000))) written += 1;
        isHeld = true;
      };
      response.on('drain', more);
      more();
    });
    request.end();
    near.pause();
    await until(() => isHeld, 'the writer held back');
    await wait(100);
    assert.ok(written < 100, `${written} pieces were written`);
  });

  it('ends at both ends when it is cut at one', async (t) => {
    let closed = false;
    const { request, answered, near } = ask(t, (incoming, response) => {
      incoming.socket.on('close', () => {
        closed = true;
      });
      response.write('half');
    });
    request.end();
    await new Promise((resolve) => request.on('response', resolve));
    near.destroy();
    await until(() => closed, 'the other end');
    await assert.rejects(within(answered, 'the answer'));
  });

  it('brings the end of an answer that is read slowly', async (t) => {
    const { request, answered } = ask(
      t,
      (_incoming, response) => response.end(Buffer.alloc(300_000, 'x')),
      20,
    );
    request.end();
    assert.equal((await within(answered, 'the answer')).length, 300_000);
  });
});
