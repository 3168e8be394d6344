import assert from 'node:assert/strict';
import { createServer as createTcpServer } from 'node:net';
import { describe, it } from 'node:test';
import type { RepriseError } from '../../src/shared/errors.ts';
import { createUpstreamClient, type UpstreamCall } from '../../src/upstream/client.ts';
import { startExchange } from '../../src/upstream/exchange.ts';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const TIMEOUTS = { connect: 2_000, headers: 60_000, idle: 60_000 };

/** What came of one call, event by event. */
interface Told {
  readonly events: string[];
  readonly done: Promise<void>;
  status: number;
  text: string;
  error: RepriseError | undefined;
}

async function withClient<T>(
  run: (send: (call: UpstreamCall) => Told & { abort(): void }) => Promise<T>,
): Promise<T> {
  const client = createUpstreamClient(TIMEOUTS, {});
  try {
    return await run((call) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const told: Told = { events: [], done: promise, status: 0, text: '', error: undefined };
      const handle = client.send(call, {
        head(status) {
          told.events.push('head');
          told.status = status;
        },
        data(chunk) {
          told.text += chunk.toString();
        },
        end() {
          told.events.push('end');
          resolve();
        },
        error(error) {
          told.events.push('error');
          told.error = error;
          resolve();
        },
      });
      return Object.assign(told, { abort: () => handle.abort() });
    });
  } finally {
    await client.close();
  }
}

const call = (upstream: { origin: string }, more: Partial<UpstreamCall> = {}): UpstreamCall => ({
  origin: upstream.origin,
  path: '/v1/x',
  method: 'POST',
  headers: [],
  body: Buffer.from('{}'),
  ...more,
});

describe('a call upstream', () => {
  it('tells head, data and end, in this order, and nothing before it has returned', async () => {
    await using upstream = await startUpstream();
    upstream.answer((_request, response) => {
      response.writeHead(201, { 'x-a': '1' }).end('text');
    });
    await withClient(async (send) => {
      const told = send(call(upstream));
      assert.deepEqual(told.events, []);
      await within(told.done, 'the answer');
      assert.deepEqual(told.events, ['head', 'end']);
      assert.equal(told.status, 201);
      assert.equal(told.text, 'text');
    });
  });

  it('interim answers are not for the caller', async () => {
    await using upstream = await startUpstream();
    upstream.answer((_request, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.writeHead(200).end('x');
    });
    await withClient(async (send) => {
      const told = send(call(upstream));
      await within(told.done, 'the answer');
      assert.deepEqual([told.events, told.status], [['head', 'end'], 200]);
    });
  });

  for (const [when, answer, message] of [
    [
      'before its head',
      (upstream: Upstream) => upstream.answer((_request, response) => void response.destroy()),
      /it closed the connection before it answered/,
    ],
    [
      'within its body',
      (upstream: Upstream) =>
        upstream.answer((_request, response) => {
          response.writeHead(200, { 'content-length': '10' });
          response.write('half');
          setImmediate(() => response.destroy());
        }),
      /broke off its answer before it was complete/,
    ],
  ] as const) {
    it(`an answer that breaks ${when} is one error, and the call is not made again by itself`, async () => {
      await using upstream = await startUpstream();
      answer(upstream);
      await withClient(async (send) => {
        const told = send(call(upstream));
        await within(told.done, 'the error');
        assert.equal(told.events.at(-1), 'error');
        assert.equal(told.error?.code, 'upstream_unreachable');
        assert.match(told.error?.message ?? '', message);
        assert.equal(upstream.calls.length, 1);
      });
    });
  }

  it('a refused connection, and a name that is not known, say so', async () => {
    await withClient(async (send) => {
      for (const [origin, reason] of [
        ['http://127.0.0.1:9', /nothing listens there/],
        ['http://nowhere.invalid', /its host name is unknown|the name service does not answer/],
      ] as const) {
        const told = send(call({ origin }));
        await within(told.done, 'the error', 10_000);
        assert.equal(told.error?.code, 'upstream_unreachable');
        assert.match(told.error?.message ?? '', reason);
      }
    });
  });

  it('what is no HTTP is an error, not a crash', async () => {
    const server = createTcpServer((socket) => void socket.on('data', () => socket.end('SSH-2.0\r\n')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    await withClient(async (send) => {
      const told = send(call({ origin: `http://127.0.0.1:${address.port}` }));
      await within(told.done, 'the error');
      assert.equal(told.error?.code, 'upstream_unreachable');
    });
    server.close();
  });

  it('an aborted call tells nothing more, and closes the connection', async () => {
    await using upstream = await startUpstream();
    const gate = upstream.hold();
    await withClient(async (send) => {
      const told = send(call(upstream));
      await within(gate.arrived(1), 'the call');
      told.abort();
      await within(
        until(() => upstream.sockets() === 0, 'closed'),
        'closed',
      );
      assert.deepEqual(told.events, []);
    });
  });
});

describe('an exchange', () => {
  it('lets its hooks see a chunk before any reader can', async () => {
    await using upstream = await startUpstream();
    upstream.answer((_request, response) => {
      response.writeHead(200).end('all');
    });
    const client = createUpstreamClient(TIMEOUTS, {});
    const order: string[] = [];
    const exchange = startExchange({
      client,
      call: call(upstream),
      clock: new ManualClock(),
      deadlineMs: 1_000,
      maxRecorded: 1_000,
      hooks: {
        head: () => order.push('hook: head'),
        chunk: () => order.push('hook: chunk'),
        overflow: () => {},
        end: () => order.push('hook: end'),
        error: () => {},
      },
    });
    const cursor = exchange.recording.follow();
    void exchange.head.then(() => order.push('caller: head'));
    assert.equal(String(await within(cursor.next(), 'the chunk')), 'all');
    order.push('reader: chunk');
    assert.equal(await within(cursor.next(), 'the end'), 'end');
    order.push('reader: end');
    assert.ok(order.indexOf('hook: chunk') < order.indexOf('reader: chunk'));
    assert.ok(order.indexOf('hook: end') < order.indexOf('reader: end'));
    assert.equal(order[0], 'hook: head');
    await client.close();
  });

  it('is given up at its deadline, and a failure nobody waits for harms nothing', async () => {
    await using upstream = await startUpstream();
    const gate = upstream.hold();
    const client = createUpstreamClient(TIMEOUTS, {});
    const clock = new ManualClock();
    const errors: string[] = [];
    startExchange({
      client,
      call: call(upstream),
      clock,
      deadlineMs: 1_000,
      maxRecorded: 1_000,
      hooks: {
        head: () => {},
        chunk: () => {},
        overflow: () => {},
        end: () => {},
        error: ({ code }) => errors.push(code),
      },
    });
    await within(gate.arrived(1), 'the call');
    clock.advance(1_000);
    assert.deepEqual(errors, ['upstream_timeout']);
    await within(
      until(() => upstream.sockets() === 0, 'closed'),
      'closed',
    );
    await client.close();
  });
});
