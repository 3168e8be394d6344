import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Rendering } from '../../src/endpoints/endpoint.ts';
import { keepHeadOf, keptHeadOf } from '../../src/http/kept-heads.ts';
import type { Report } from '../../src/http/report.ts';
import { writeHead } from '../../src/http/write-head.ts';
import { hashOf } from '../../src/policy/client-key.ts';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { chat, send } from '../support/http.ts';
import { connectRaw, type RawClient } from '../support/raw.ts';
import { startReprise } from '../support/reprise.ts';
import { oneRoute } from '../support/stage.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';

/** A request as it stands on the wire. */
interface Wire {
  readonly path: string;
  readonly body?: object;
  readonly method?: string;
  readonly version?: string;
  readonly headers?: readonly string[];
}

const WIRES: readonly Wire[] = [
  { path: CHAT, body: chat('a') },
  { path: CHAT, body: chat('a'), headers: ['connection: keep-alive'] },
  { path: CHAT, body: chat('a'), headers: ['x-cache-identity: fresh'] },
  { path: CHAT, body: chat('a'), headers: ['origin: https://shop.example'] },
  { path: CHAT, body: chat('a'), headers: ['x-request-id: mine'] },
  {
    path: CHAT,
    body: chat('a'),
    headers: [`traceparent: 00-${'1'.repeat(32)}-b7ad6b7169203331-01`],
  },
  { path: CHAT, body: chat('a'), version: '1.0', headers: ['connection: keep-alive'] },
  { path: CHAT, body: chat('a'), headers: ['expect: 100-continue'] },
  { path: CHAT, body: chat('a', { stream: true }) },
  { path: CHAT, body: chat('a', { stream: true, stream_options: { include_usage: true } }) },
  { path: '/v1/completions', body: { model: 'm', prompt: 'x' } },
  { path: '/v1/responses', body: { model: 'm', input: 'x', store: false } },
  { path: '/v1/responses', body: { model: 'm', input: 'x', store: false, stream: true } },
  { path: '/v1/embeddings', body: { model: 'e', input: 'x' } },
  { path: '/v1/embeddings', body: { model: 'e', input: ['x', 'y', 'x'], encoding_format: 'base64' } },
  { path: '/v1/moderations', body: { model: 'o', input: ['x', 'y'] } },
  { path: '/v1/rerank', body: { model: 'r', query: 'q', documents: ['x', 'y', 'z'], top_n: 2 } },
  { path: '/v1/vector_stores/vs_1/search', body: { query: 'lamps' } },
  { path: '/v1/models' },
  { path: '/catalog/7' },
  { path: '/catalog/7', method: 'HEAD' },
  { path: '/catalog/7', headers: ['if-none-match: "7"'] },
  { path: '/catalog/7', headers: ['if-none-match: "8"'] },
];

/** To be answered with what is no longer fresh, and without asking for another. */
const WELCOME_STALE: Wire = { path: CHAT, body: chat('a'), headers: ['cache-control: max-stale'] };

describe('a hit, over one connection', () => {
  for (const [mode, profile] of [
    ['as it is', {}],
    ['for web pages', { server: { cors: { origins: ['https://shop.example'] } } }],
    [
      'in the gateway',
      { access: { mode: 'gateway', keys: [{ name: 'web', hash: hashOf('sk-test'), objects: true }] } },
    ],
    ['of what is stale', { types: { llm_responses: { ttl: '1s' } } }],
  ] as const) {
    it(`${mode} is the same byte for byte, whether or not it is known again`, async () => {
      await using upstream = await startUpstream();
      const clock = new ManualClock();
      const shop = oneRoute({ key: { headers: ['authorization'] } }, profile).profileFor(upstream.origin);
      const withPlans = (plans: string, folder: string) =>
        startReprise({
          upstream: upstream.url,
          upstreamSettings: { api_key: mode === 'in the gateway' ? 'sk-operator' : undefined },
          profile: { ...shop, memory: { plans } },
          clock,
          folder,
        });
      const folder = tempFolder();
      // One secret, for the same keys.
      await (await withPlans('0', folder)).stop();
      await cp(folder, join(folder, '../copy'), { recursive: true });
      upstream.answer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/plain', etag: '"7"' }).end('a lamp');
      }, '/catalog/7');
      await using off = await withPlans('0', folder);
      await using on = await withPlans('32MB', join(folder, '../copy'));
      for (const wire of mode === 'of what is stale' ? [WELCOME_STALE] : WIRES) {
        const [{ path, body }, method] = [wire, wire.method ?? (wire.body ? 'POST' : 'GET')];
        for (const { url } of [on, off]) await send(url + path, { method, ...(body && { body }) });
        using one = connectRaw(on.url);
        using other = connectRaw(off.url);
        for (let time = 1; time <= 6; time += 1) {
          if (time % 2 === 0) clock.advance(700);
          const bytes = onTheWire(wire, method);
          const [known, anew] = [await exchange(one, bytes, method), await exchange(other, bytes, method)];
          assert.equal(comparable(known), comparable(anew), `${method} ${path}, time ${time}`);
        }
      }
    });
  }
});

describe('a kept head', () => {
  const report: Report = { outcome: 'HIT', level: 'l1', key: 'k', ageMs: 1_000, ttlMs: 9_000 };
  const envelope = { requestId: 'req_1', uncacheableDownstream: false };
  const lines = (at: Report, id: string) => [
    ...['content-type', 'text/plain', 'x-cache', 'HIT', 'age', String((at.ageMs ?? 0) / 1_000)],
    ...['cache-status', `reprise; hit; ttl=${(at.ttlMs ?? 0) / 1_000}; detail=l1`],
    ...['x-request-id', id, 'content-length', '2'],
  ];

  it('is written in the place of one that Node would make, and is the same', async () => {
    const kept = keptHead();
    const later = { ...report, ageMs: 3_000, ttlMs: 7_000 };
    const text = await answering(
      (response) => {
        writeHead(response, 200, lines(report, 'req_1'));
        kept.learnFrom(response, report, envelope);
        response.end('ok');
      },
      (response) => {
        assert.equal(kept.write(response, later, { ...envelope, requestId: 'req_2' }), true);
        response.end('ok');
      },
      (response) => {
        writeHead(response, 200, lines(later, 'req_2'));
        response.end('ok');
      },
    );
    const [, second, third] = text.split('HTTP/1.1').slice(1);
    assert.equal(second, third);
  });

  it('is for no other answer, no connection that ends and none on which more is said', async () => {
    const kept = keptHead();
    const refused =
      (of: Report, prepare: (response: ServerResponse) => void) => (response: ServerResponse) => {
        prepare(response);
        assert.equal(kept.write(response, of, envelope), false);
        response.end('ok');
      };
    await answering(
      (response) => {
        writeHead(response, 200, lines(report, 'req_1'));
        kept.learnFrom(response, report, envelope);
        response.end('ok');
      },
      refused({ ...report, outcome: 'STALE' }, () => {}),
      refused({ ...report, level: 'l2' }, () => {}),
      refused({ ...report, key: 'other' }, () => {}),
      refused(report, (response) => response.setHeader('vary', 'origin')),
      refused(report, (response) => {
        response.shouldKeepAlive = false;
      }),
    );
  });

  it('is none where Node keeps its own elsewhere', () => {
    const kept = keptHead();
    const response = { statusCode: 200, shouldKeepAlive: true, getHeaderNames: () => [] } as never;
    kept.learnFrom(response, report, envelope);
    assert.equal(kept.write(response, report, envelope), false);
  });
});

function keptHead() {
  const rendering: Rendering = { status: 200, headers: [], body: Buffer.from('ok') };
  keepHeadOf(rendering);
  const kept = keptHeadOf(rendering);
  assert.ok(kept);
  return kept;
}

/** Answers one request after the other on one connection, and gives all that came. */
async function answering(...answers: readonly ((response: ServerResponse) => void)[]): Promise<string> {
  let at = 0;
  const server = createServer((_request, response) => answers[at++]?.(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  using client = connectRaw(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    for (let time = 1; time <= answers.length; time += 1) {
      client.socket.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n');
      await until(() => client.text().split('ok').length > time, `answer ${time}`);
    }
    return client.text();
  } finally {
    server.close().closeAllConnections();
  }
}

function onTheWire({ path, body, version = '1.1', headers = [] }: Wire, method: string): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const length = text === '' ? [] : ['content-type: application/json', `content-length: ${text.length}`];
  const lines = ['host: h', 'authorization: Bearer sk-test', ...headers, ...length];
  return `${method} ${path} HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n${text}`;
}

/** Sends a request, and gives its answer as it came. */
async function exchange(client: RawClient, bytes: string, method: string): Promise<string> {
  const before = client.text().length;
  client.socket.write(bytes, 'latin1');
  const come = () => client.text().slice(before).replace('HTTP/1.1 100 Continue\r\n\r\n', '');
  const isWhole = () => {
    const [head = '', ...rest] = come().split('\r\n\r\n');
    if (rest.length === 0) return false;
    const body = rest.join('\r\n\r\n');
    if (method === 'HEAD' || head.startsWith('HTTP/1.1 304')) return true;
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    return length === undefined ? body.endsWith('0\r\n\r\n') : body.length >= Number(length);
  };
  await until(isWhole, 'an answer');
  return come();
}

/** An answer but for its moment and what names one call. */
function comparable(text: string): string {
  assert.match(text, /\r\nx-cache: (?:HIT|STALE)\r\n/);
  return text
    .replace(/\r\nDate: [^\r]+ GMT\r\n/, '\r\nDate: …\r\n')
    .replace(/req_[0-9a-f]{24}/g, 'req_…')
    .replace(/[0-9a-f]{24}|modr-\d+/g, '…')
    .replace(/"created(?:_at)?":\d+/g, '"created":…');
}
