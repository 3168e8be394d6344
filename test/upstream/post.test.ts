import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { post } from '../../src/upstream/post.ts';
import { within } from '../support/deadline.ts';
import { listening } from '../support/upstream/listening.ts';

const NEVER = new AbortController().signal;

test('bytes are posted with their headers, and the status of the answer is given', async (t) => {
  const got: string[] = [];
  const url = await serve(t, async (request, response) => {
    got.push(`${request.method} ${request.url} ${request.headers['webhook-id']} ${await text(request)}`);
    response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end('elsewhere');
  });
  const sent = { url: `${url}/hooks/a?b=c`, headers: [['webhook-id', 'msg_1']], body: '{"é":1}' } as const;
  assert.equal(await post(sent, NEVER, {}), 302);
  assert.deepEqual(got, ['POST /hooks/a?b=c msg_1 {"é":1}']);
});

test('the status counts, whatever comes of the rest of the answer', async (t) => {
  const answers: readonly RequestListener[] = [
    (_request, response) => void response.writeHead(202).end(Buffer.alloc(1_000_000)),
    (_request, response) => void response.writeHead(202).write('half', () => response.destroy()),
  ];
  for (const listener of answers) {
    assert.equal(await post({ url: await serve(t, listener), headers: [], body: '{}' }, NEVER, {}), 202);
  }
});

test('through the proxy that the environment names', async (t) => {
  const asked: string[] = [];
  const proxy = await serve(t, (request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(204).end();
  });
  const sent = { url: 'http://ops.example/hooks', headers: [], body: '{}' };
  assert.equal(await post(sent, NEVER, { HTTP_PROXY: proxy }), 204);
  assert.deepEqual(asked, ['http://ops.example/hooks']);
});

test('who does not answer, or is not there, is told by its origin alone', async (t) => {
  const url = await serve(t, () => undefined);
  const stop = new AbortController();
  const answer = post({ url: `${url}/secret`, headers: [], body: '' }, stop.signal, {});
  stop.abort();
  await assert.rejects(within(answer, 'giving up'), { message: `${url} did not answer in time` });
  await assert.rejects(
    post({ url: 'http://127.0.0.1:9/secret', headers: [], body: '' }, NEVER, {}),
    /^Error: http:\/\/127\.0\.0\.1:9 cannot be reached: /,
  );
});

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = await listening(createServer(listener));
  t.after(() => server[Symbol.dispose]());
  return `http://127.0.0.1:${server.port}`;
}
