import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { type TestContext, test } from 'node:test';
import { fetchJson } from '../../src/upstream/fetch-json.ts';
import { listening } from '../support/upstream/listening.ts';

test('a document is fetched as it is', async (t) => {
  const asked: string[] = [];
  const url = await serve(t, (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.accept}`);
    response.end('{"keys":[{"kid":"é"}]}');
  });
  assert.deepEqual(await fetchJson(`${url}/.well-known/jwks.json?a=b`, {}), { keys: [{ kid: 'é' }] });
  assert.deepEqual(asked, ['GET /.well-known/jwks.json?a=b application/json']);
});

test('anything but a small JSON document with status 200 is none', async (t) => {
  const answers: readonly (readonly [RequestListener, RegExp])[] = [
    [(_request, response) => response.writeHead(404).end('{}'), /answered with status 404/],
    [
      (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end('{}'),
      /status 302/,
    ],
    [(_request, response) => response.end('<html>'), /JSON/],
    [(_request, response) => response.end(`"${'x'.repeat(1_000_000)}"`), /more than 1000000 bytes/],
    [(_request, response) => response.destroy(), /./],
  ];
  for (const [listener, message] of answers)
    await assert.rejects(fetchJson(await serve(t, listener), {}), message);
  await assert.rejects(fetchJson('http://127.0.0.1:9/', {}));
});

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = await listening(createServer(listener));
  t.after(() => server[Symbol.dispose]());
  return `http://127.0.0.1:${server.port}`;
}
