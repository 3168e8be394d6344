import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { hashOf } from '../../src/policy/client-key.ts';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { chat, send } from '../support/http.ts';
import { connectRaw, type RawClient } from '../support/raw.ts';
import { startReprise, type TestOptions, type TestReprise } from '../support/reprise.ts';
import { LOCALHOST } from '../support/upstream/certificate.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';

/** A request as it stands on the wire. */
function wire(body: object | string, path = CHAT, lines: readonly string[] = []): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: reprise',
    'authorization: Bearer sk-test',
    'content-type: application/json',
    ...lines,
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${text}`;
}

/** The heads of all whole answers that came. */
function answersIn(text: string): { readonly head: string; readonly body: string }[] {
  const answers: { head: string; body: string }[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n') + 4;
    const head = rest.slice(0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (end < 4 || !(rest.length >= end + length)) return answers;
    answers.push({ head, body: rest.slice(end, end + length) });
    rest = rest.slice(end + length);
  }
}

/** Sends bytes, and waits until so many answers have come on the connection. */
async function exchange(client: RawClient, bytes: string, count: number) {
  client.socket.write(bytes, 'latin1');
  await until(() => answersIn(client.text()).length >= count, `${count} answers`);
  const answers = answersIn(client.text());
  assert.equal(answers.length, count);
  return answers.at(-1) ?? assert.fail();
}

const outcomeOf = ({ head }: { readonly head: string }) => /\r\nx-cache: (\w+)/.exec(head)?.[1];

/** Counts the requests that Node itself has read at this address. */
function readByNode({ url }: TestReprise): Disposable & { count(): number } {
  const port = Number(new URL(url).port);
  let count = 0;
  const counting = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    if (request.socket.localPort === port) count += 1;
  };
  subscribe('http.server.request.start', counting);
  return {
    count: () => count,
    [Symbol.dispose]: () => void unsubscribe('http.server.request.start', counting),
  };
}

async function started(options: Partial<TestOptions> = {}) {
  const upstream = await startUpstream();
  const reprise = await startReprise({ upstream: upstream.url, workers: 1, ...options });
  const node = readByNode(reprise);
  return {
    upstream,
    reprise,
    node,
    async [Symbol.asyncDispose]() {
      node[Symbol.dispose]();
      await reprise[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** A client that asks for the same until an answer waits to be taken, and takes none. */
async function takingNothing({ reprise }: { readonly reprise: TestReprise }): Promise<RawClient> {
  const large = { model: 'e', input: Array.from({ length: 1_000 }, (_, at) => `text ${at}`) };
  const bytes = wire(large, '/v1/embeddings');
  const client = connectRaw(reprise.url);
  await exchange(client, bytes, 1);
  await until(() => reprise.running() === 0, 'the first to be through');
  client.socket.pause();
  for (let time = 0; time < 5_000 && reprise.running() === 0; time += 1) {
    const before = reprise.events.length;
    client.socket.write(bytes);
    await until(() => reprise.events.length > before || reprise.running() > 0, 'an answer');
  }
  return client;
}

describe('what was asked before, on one connection', () => {
  it('is answered past Node, and counted like all else', async () => {
    await using on = await started();
    using client = connectRaw(on.reprise.url);
    const asked = wire(chat('hi'));
    assert.equal(outcomeOf(await exchange(client, asked, 1)), 'MISS');
    const ids = new Set<string>();
    for (let time = 2; time <= 5; time += 1) {
      const answer = await exchange(client, asked, time);
      assert.equal(outcomeOf(answer), 'HIT');
      assert.match(answer.head, /\r\nx-cache-level: l1\r\n/);
      ids.add(/\r\nx-request-id: (\S+)/.exec(answer.head)?.[1] ?? '');
    }
    assert.equal(on.node.count(), 1);
    assert.equal(ids.size, 4);
    const told = on.reprise.events.filter((event) => event.kind === 'answered');
    assert.deepEqual(
      told.map(({ outcome }) => outcome),
      ['MISS', 'HIT', 'HIT', 'HIT', 'HIT'],
    );
    assert.deepEqual(
      { ...told[4], ms: 0, headMs: 0, requestId: '' },
      { ...told[3], ms: 0, headMs: 0, requestId: '' },
    );
  });

  it('is also when it is spelled otherwise, has many parts, is a stream or lies on disk', async () => {
    await using on = await started({ profile: { memory: { max_entries: 1 } } });
    using client = connectRaw(on.reprise.url);
    const inputs = { model: 'e', input: ['a', 'b', 'c'], encoding_format: 'base64' };
    const asks = [wire(chat('hi')), wire(chat('hi', { stream: true })), wire(inputs, '/v1/embeddings')];
    let count = 0;
    for (const ask of asks) {
      await send(on.reprise.url + (/ (\S+) HTTP/.exec(ask)?.[1] ?? ''), {
        body: ask.split('\r\n\r\n')[1] ?? '',
      });
      count += 1;
      await exchange(client, ask, count);
    }
    const before = on.node.count();
    for (const ask of asks) {
      count += 1;
      const answer = await exchange(client, ask, count);
      assert.equal(outcomeOf(answer), 'HIT');
      assert.match(answer.head, /\r\nx-cache-level: l[12]\r\n/);
    }
    const spelled = ` ${JSON.stringify(chat('hi'), null, 2)}`;
    assert.equal(outcomeOf(await exchange(client, wire(spelled), count + 1)), 'HIT');
    assert.equal(on.node.count(), before);
  });

  it('is not after a purge, nor for another credential', async () => {
    await using on = await started();
    using client = connectRaw(on.reprise.url);
    const asked = wire(chat('hi'), CHAT, ['x-cache-tags: product:7']);
    await exchange(client, asked, 1);
    assert.equal(outcomeOf(await exchange(client, asked, 2)), 'HIT');
    const purged = await send(`${on.reprise.controlUrl}/cache/invalidate`, { body: { tags: ['product:7'] } });
    assert.equal(purged.status, 200);
    assert.equal(outcomeOf(await exchange(client, asked, 3)), 'MISS');
    assert.equal(outcomeOf(await exchange(client, asked, 4)), 'HIT');
    assert.equal(outcomeOf(await exchange(client, asked.replace('sk-test', 'sk-mine'), 5)), 'MISS');
    assert.equal(on.upstream.calls.length, 3);
  });

  it('is not where answers are for web pages, or nothing is kept of requests', async () => {
    for (const profile of [{ server: { cors: { origins: ['*'] } } }, { memory: { plans: '0' } }]) {
      await using on = await started({ profile });
      using client = connectRaw(on.reprise.url);
      for (let time = 1; time <= 3; time += 1) await exchange(client, wire(chat('hi')), time);
      assert.equal(on.node.count(), 3);
    }
  });

  it('counts once against the rate of its key, whether or not the answer is here', async () => {
    const keys = [{ name: 'web', hash: hashOf('sk-test'), rate: '6/h' }];
    await using on = await started({
      profile: { access: { mode: 'gateway', keys } },
      upstreamSettings: { api_key: 'sk-operator' },
      clock: new ManualClock(),
    });
    using client = connectRaw(on.reprise.url);
    const statuses: (string | undefined)[] = [];
    for (const [at, text] of ['a', 'a', 'b', 'b', 'c', 'c', 'd'].entries()) {
      const { head } = await exchange(client, wire(chat(text)), at + 1);
      statuses.push(/^HTTP\/1.1 (\d+)/.exec(head)?.[1]);
    }
    assert.deepEqual(statuses, [...new Array(6).fill('200'), '429']);
    assert.equal(on.upstream.calls.length, 3);
  });

  it('is through TLS, too', async () => {
    const folder = tempFolder();
    for (const [name, text] of Object.entries(LOCALHOST)) writeFileSync(`${folder}/${name}.pem`, text);
    await using on = await started({
      profile: { server: { tls: { cert: `${folder}/cert.pem`, key: `${folder}/key.pem` } } },
    });
    const socket = connectTls({ port: Number(new URL(on.reprise.url).port), rejectUnauthorized: false });
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    const warnings: string[] = [];
    const warned = ({ message }: Error) => void warnings.push(message);
    process.on('warning', warned);
    for (let time = 1; time <= 16; time += 1) {
      socket.write(wire(chat('hi')));
      await until(() => answersIn(text).length === time, 'an answer');
    }
    socket.destroy();
    process.off('warning', warned);
    assert.deepEqual(answersIn(text).map(outcomeOf), ['MISS', ...new Array(15).fill('HIT')]);
    assert.equal(on.node.count(), 1);
    // Of a listener too many for each answer, say.
    assert.deepEqual(warnings, []);
  });
});

describe('a connection with more on it than one whole request at a time', () => {
  /** One on which a hit has just been answered past Node. */
  async function known(on: Awaited<ReturnType<typeof started>>, body: object = chat('hi')) {
    const client = connectRaw(on.reprise.url);
    await exchange(client, wire(body), 1);
    await exchange(client, wire(body), 2);
    assert.equal(on.node.count(), 1);
    return client;
  }

  it('has each answered in turn, however they come', async () => {
    await using on = await started();
    using client = await known(on);
    const [hit, miss] = [wire(chat('hi')), wire(chat('another'))];
    await exchange(client, hit + miss, 4);
    await exchange(client, miss + hit + miss, 7);
    await exchange(client, hit.slice(0, 40), 7);
    await exchange(client, hit.slice(40) + hit, 9);
    const contents = answersIn(client.text()).map(({ head }) => outcomeOf({ head }));
    assert.deepEqual(contents, ['MISS', 'HIT', 'HIT', 'MISS', 'HIT', 'HIT', 'HIT', 'HIT', 'HIT']);
  });

  it('has a body answered for that comes behind its head, by Node if that takes its time', async () => {
    const clock = new ManualClock();
    await using on = await started({ clock });
    using client = await known(on);
    const [head = '', body = ''] = wire(chat('hi')).split(/(?<=\r\n\r\n)/);
    await exchange(client, head, 2);
    await exchange(client, body, 3);
    assert.equal(on.node.count(), 1);
    await exchange(client, head, 3);
    await until(() => {
      clock.advance(20);
      return on.node.count() === 2;
    }, 'Node');
    await exchange(client, body, 4);
  });

  it('takes what looks like a known request for the body that it is', async () => {
    await using on = await started();
    using client = await known(on);
    const inner = wire(chat('hi'));
    const outer = wire(inner, CHAT, ['x-other: 1']);
    const [head = ''] = outer.split(/(?<=\r\n\r\n)/);
    client.socket.write(head);
    await until(() => on.node.count() === 2, 'the head');
    const answer = await exchange(client, inner, 3);
    // It is no JSON, and went upstream as it was.
    assert.match(answer.head, /\r\nx-cache: BYPASS\r\n/);
    assert.equal(on.upstream.calls.at(-1)?.body.toString(), inner);
  });

  it('is answered whole, also when its client ends its own side at once', async () => {
    await using on = await started({ profile: { memory: { max_entries: 1 } } });
    for (const text of ['hi', 'there', 'hi', 'there']) {
      const client = connect({ port: Number(new URL(on.reprise.url).port), allowHalfOpen: true });
      let came = '';
      client.on('data', (chunk: Buffer) => {
        came += chunk.toString('latin1');
      });
      client.write(wire(chat(text)));
      await until(() => answersIn(came).length === 1, 'an answer');
      client.write(wire(chat('hi')));
      await until(() => answersIn(came).length === 2, 'another');
      const ended = within(new Promise((resolve) => client.on('end', resolve)), 'the end');
      client.end(wire(chat('hi')));
      await ended;
      assert.equal(answersIn(came).length, 3);
    }
  });

  it('may become a WebSocket', async () => {
    await using on = await started();
    using client = await known(on);
    const upgrade = [
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: x',
    ];
    client.socket.write(
      `GET /v1/realtime?model=m HTTP/1.1\r\nhost: reprise\r\nauthorization: Bearer sk-test\r\n${upgrade.join('\r\n')}\r\n\r\n`,
    );
    // The stand-in speaks none, and what it says instead is passed on.
    await until(() => on.upstream.calls.length === 2 || on.upstream.sockets() > 0, 'the call');
    await client.got(/HTTP\/1\.1 [^2]/);
    client.socket.write(wire(chat('hi')));
    assert.equal(on.node.count() <= 2, true);
  });

  it('whose client takes no answers is asked for no more requests', async () => {
    await using on = await started();
    const large = { model: 'e', input: Array.from({ length: 64 }, (_, at) => `text ${at}`) };
    const bytes = wire(large, '/v1/embeddings');
    using client = connectRaw(on.reprise.url);
    await exchange(client, bytes, 1);
    const { length } = (await exchange(client, bytes, 2)).body;
    client.socket.pause();
    const count = Math.ceil(40_000_000 / length);
    const sent = async () => {
      for (let time = 0; time < count; time += 1) {
        client.socket.write(bytes);
        // Each for itself, as a client sends them.
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await sent();
    const answered = () => on.reprise.events.filter(({ kind }) => kind === 'answered').length;
    let before = -1;
    await until(() => {
      const isStill = answered() === before;
      before = answered();
      return isStill;
    }, 'standstill');
    assert.ok(answered() < count / 2, `${answered()} of ${count}`);
    client.socket.resume();
    await until(() => answered() === count + 2, 'the rest', 20_000);
    await until(() => answersIn(client.text()).length === count + 2, 'all answers', 20_000);
  });

  it('is let go of at a stop once what was answered on it is sent', async () => {
    await using on = await started();
    using client = await takingNothing(on);
    assert.equal(on.reprise.running(), 1);
    const count = on.reprise.events.filter(({ kind }) => kind === 'answered').length;
    const stopped = on.reprise.stop();
    client.socket.resume();
    await stopped;
    await client.ended;
    assert.equal(answersIn(client.text()).length, count);
  });
});

describe('a client that means harm, or is only odd', () => {
  it('may split its requests anywhere', async () => {
    await using on = await started();
    const asked = wire(chat('hi'));
    for (let at = 1; at <= asked.length; at += asked.length < at + 120 ? 1 : 7) {
      using client = connectRaw(on.reprise.url);
      client.socket.setNoDelay(true);
      await exchange(client, asked, 1);
      client.socket.write(asked.slice(0, at));
      await nextTurns();
      await exchange(client, asked.slice(at), 2);
    }
  });

  it('leaves nothing behind on the connection of another', async () => {
    const clock = new ManualClock();
    await using on = await started({ clock });
    const asked = wire(chat('hi'));
    const [head = ''] = asked.split(/(?<=\r\n\r\n)/);
    using client = connectRaw(on.reprise.url);
    await exchange(client, asked, 1);
    const before = clock.pending;
    client.socket.write(head);
    await until(() => clock.pending > before, 'the head');
    client.socket.resetAndDestroy();
    // One of them is read by what has read the one that broke.
    using second = connectRaw(on.reprise.url);
    await exchange(second, wire(chat('hi')), 1);
    using third = connectRaw(on.reprise.url);
    await exchange(third, wire(chat('hi')), 1);
    clock.advance(20);
    for (const [other, text] of [
      [second, 'a'],
      [third, 'b'],
    ] as const) {
      const answer = await exchange(other, wire(chat(text)), 2);
      assert.equal(outcomeOf(answer), 'MISS');
      assert.deepEqual(on.upstream.calls.at(-1)?.json(), chat(text));
    }
  });

  it('is told that a request is too large, whatever is known of it', async () => {
    await using on = await started({ profile: { server: { max_body: '1KB' } } });
    using client = connectRaw(on.reprise.url);
    await exchange(client, wire(chat('hi')), 1);
    await exchange(client, wire(chat('hi')), 2);
    const { head } = await exchange(client, wire(JSON.stringify(chat('hi')).padEnd(1_100)), 3);
    assert.match(head, /^HTTP\/1\.1 413 /);
  });

  it('is cut when it takes nothing, as soon as through Node', async () => {
    await using on = await started({ profile: { server: { timeouts: { write: '400ms' } } } });
    using client = await takingNothing(on);
    assert.equal(on.node.count(), 1);
    await until(() => on.reprise.running() === 0, 'the cut');
    client.socket.resume();
    await client.ended;
  });

  it('gets the answer to what was begun before a stop', async () => {
    const clock = new ManualClock();
    await using on = await started({ clock });
    const [head = '', body = ''] = wire(chat('hi')).split(/(?<=\r\n\r\n)/);
    using client = connectRaw(on.reprise.url);
    await exchange(client, head + body, 1);
    const before = clock.pending;
    client.socket.write(head);
    await until(() => clock.pending > before, 'the head');
    const stopped = on.reprise.stop();
    const answer = await exchange(client, body, 2);
    assert.match(answer.head, /\r\nconnection: close\r\n/i);
    await stopped;
  });
});

/** Lets what was sent be read. */
async function nextTurns(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
