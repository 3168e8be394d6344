import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '../support/deadline.ts';
import { type Answer, chat, open, send } from '../support/http.ts';
import { chatPiece } from '../support/openai-server.ts';
import { startReprise } from '../support/reprise.ts';
import { type RawUpstream, rawAnswer, type Script, startRaw } from '../support/upstream/raw.ts';

const CHAT = '/v1/chat/completions';
const RELAYED = '/v1/images/generations';
const JSON_TYPE = 'content-type: application/json';
const STREAM_TYPE = 'content-type: text/event-stream';

/** A whole chat answer, which can be stored. */
const GOOD = JSON.stringify({
  id: 'c',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
});
const good = rawAnswer('200 OK', [JSON_TYPE], GOOD);

/** A raw upstream that follows `script`, and a proxy before it that never takes it for dead. */
async function setRaw(script: Script, timeouts: object = {}) {
  const upstream = await startRaw(script);
  const reprise = await startReprise({
    upstream: upstream.url,
    upstreamSettings: { timeouts, breaker: { failures: 1_000_000 } },
  });
  return {
    upstream,
    reprise,
    ask: (path: string, body: object | string | Buffer = chat('x')) =>
      within(send(reprise.url + path, { body }), `the answer to ${path}`),
    async [Symbol.asyncDispose]() {
      await reprise[Symbol.asyncDispose]();
      upstream[Symbol.dispose]();
    },
  };
}

function codeOf(answer: Answer): unknown {
  return (answer.json().error as { code: unknown }).code;
}

/** Writes `text`, and then, once it is out, does `next`. */
const after =
  (text: string, next: (socket: Parameters<Script>[0]) => void): Script =>
  (socket) => {
    socket.write(text, () => setImmediate(() => next(socket)));
  };
const fin = (socket: Parameters<Script>[0]) => void socket.end();
const reset = (socket: Parameters<Script>[0]) => void socket.resetAndDestroy();

describe('an upstream whose connection breaks', () => {
  for (const [what, script] of [
    ['reset instead of an answer', (socket) => reset(socket)],
    ['ended instead of an answer', (socket) => fin(socket)],
    ['reset within the head', after('HTTP/1.1 200 OK\r\nconte', reset)],
    ['ended within the head', after('HTTP/1.1 200 OK\r\nconte', fin)],
    ['reset after the head', after(rawAnswer('200 OK', [JSON_TYPE, 'content-length: 50']), reset)],
    ['ended after the head', after(rawAnswer('200 OK', [JSON_TYPE, 'content-length: 50']), fin)],
    [
      'ended one byte too early',
      after(rawAnswer('200 OK', [JSON_TYPE, `content-length: ${GOOD.length + 1}`], GOOD), fin),
    ],
    [
      'reset where a length says nothing of the end',
      after(rawAnswer('200 OK', [JSON_TYPE, 'transfer-encoding: chunked'], '5\r\n{"cho'), reset),
    ],
    [
      'ended between chunks, without the last one',
      after(
        rawAnswer(
          '200 OK',
          [JSON_TYPE, 'transfer-encoding: chunked'],
          `${GOOD.length.toString(16)}\r\n${GOOD}\r\n`,
        ),
        fin,
      ),
    ],
    ['ended after an interim answer', after('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', fin)],
    ['no HTTP', after('SSH-2.0-OpenSSH_9.9\r\n', () => undefined)],
    [
      'two lengths that differ',
      after(
        rawAnswer('200 OK', [JSON_TYPE, 'content-length: 2', 'content-length: 3'], '{} '),
        () => undefined,
      ),
    ],
    [
      'a length and chunks',
      after(
        rawAnswer(
          '200 OK',
          [JSON_TYPE, 'content-length: 2', 'transfer-encoding: chunked'],
          '2\r\n{}\r\n0\r\n\r\n',
        ),
        () => undefined,
      ),
    ],
    [
      'a chunk of no size',
      after(
        rawAnswer('200 OK', [JSON_TYPE, 'transfer-encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'),
        () => undefined,
      ),
    ],
  ] as readonly (readonly [string, Script])[]) {
    it(`${what}: 502 upstream_unreachable for who asked and who joined, once asked, nothing stored, nothing left open`, async () => {
      await using stage = await setRaw(script);
      const [first, second] = await Promise.all([stage.ask(CHAT), stage.ask(CHAT)]);
      for (const answer of [first, second]) {
        assert.equal(answer.status, 502, answer.body.toString());
        assert.equal(codeOf(answer), 'upstream_unreachable');
      }
      assert.ok(stage.upstream.requests() <= 2);
      const before = stage.upstream.requests();
      assert.equal((await stage.ask(CHAT)).status, 502);
      assert.equal(stage.upstream.requests(), before + 1);
      await nothingOpen(stage.upstream);
    });
  }

  for (const [how, end] of [
    ['reset', reset],
    ['ended', fin],
  ] as const) {
    for (const [what, path, head] of [
      ['a stream', CHAT, rawAnswer('200 OK', [STREAM_TYPE, 'transfer-encoding: chunked'])],
      ['an answer passed through', RELAYED, rawAnswer('200 OK', [JSON_TYPE, 'transfer-encoding: chunked'])],
    ] as const) {
      it(`${how} within ${what}: cut for the client too, never closed as if complete`, async () => {
        const piece = chatPiece({ role: 'assistant', content: 'a' });
        const chunk = `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`;
        await using stage = await setRaw(after(head + chunk, end));
        const live = await open(stage.reprise.url + path, { body: chat('x', { stream: true }) });
        const seen: Buffer[] = [];
        await assert.rejects(
          within(
            (async () => {
              for await (const bytes of live.chunks) seen.push(bytes);
            })(),
            'the cut',
          ),
          /aborted/,
        );
        assert.equal(Buffer.concat(seen).toString(), piece);
        await nothingOpen(stage.upstream);
      });
    }
  }
});

describe('an upstream that does not say how long its answer is', () => {
  it('and ends it with the connection: a whole one is stored, one cut short is not', async () => {
    let body = GOOD.slice(0, -20);
    await using stage = await setRaw((socket) => {
      socket.end(rawAnswer('200 OK', [JSON_TYPE, 'connection: close'], body));
    });
    const cut = await stage.ask(CHAT);
    assert.deepEqual([cut.status, cut.body.toString()], [200, body]);
    body = GOOD;
    const whole = await stage.ask(CHAT);
    assert.deepEqual([whole.headers.get('x-cache'), whole.body.toString()], ['MISS', GOOD]);
    assert.equal((await stage.ask(CHAT)).headers.get('x-cache'), 'HIT');
  });

  it('and resets it in the middle: what has come is passed on as it is, and not stored', async () => {
    await using stage = await setRaw(
      after(rawAnswer('200 OK', [JSON_TYPE, 'connection: close'], GOOD.slice(0, -20)), reset),
    );
    for (let time = 1; time <= 2; time += 1) {
      assert.notEqual((await stage.ask(CHAT)).headers.get('x-cache'), 'HIT');
      assert.equal(stage.upstream.requests(), time);
    }
  });
});

describe('an upstream that answers before it has read the request', () => {
  const refusal = rawAnswer('413 Payload Too Large', [JSON_TYPE], '{"error":{"message":"too large"}}');
  const big = JSON.stringify(chat('x'.repeat(20_000_000)));

  for (const [what, script] of [
    ['and reads no more', (socket) => void socket.pause().write(refusal)],
    ['and reads on', (socket) => void socket.write(refusal)],
    ['and ends the connection, reading on', (socket) => void socket.end(refusal)],
  ] as readonly (readonly [string, Script])[]) {
    for (const [path, kind] of [
      [CHAT, 'a call'],
      ['/v1/files', 'an upload passed through'],
    ] as const) {
      it(`${what}: its answer reaches the client of ${kind}`, async () => {
        let answered = false;
        await using stage = await setRaw((socket, body) => {
          if (answered) socket.write(good);
          else {
            answered = true;
            script(socket, body);
          }
        });
        const answer = await stage.ask(path, big);
        assert.deepEqual([answer.status, answer.body.toString()], [413, '{"error":{"message":"too large"}}']);
        // A connection that nobody reads from is no use to the next call, but looks like any other.
        if (what === 'and reads no more') return;
        const next = await stage.ask(CHAT);
        assert.deepEqual([next.status, next.body.toString()], [200, GOOD]);
      });
    }
  }

  it('and resets the connection: 502 or its answer, and the process stays up', async () => {
    await using stage = await setRaw(after(refusal, reset));
    for (const path of [CHAT, '/v1/files']) {
      const { status } = await stage.ask(path, big);
      assert.ok(status === 413 || status === 502, String(status));
    }
    assert.equal((await send(`${stage.reprise.url}/health/live`)).status, 200);
  });

  it('and never reads nor answers: 504 when the time is over, also of a request it has taken in part', async () => {
    await using stage = await setRaw((socket) => void socket.pause(), { headers: '300ms' });
    for (const path of [CHAT, '/v1/files']) {
      const answer = await stage.ask(path, big);
      assert.deepEqual([answer.status, codeOf(answer)], [504, 'upstream_timeout']);
    }
  });
});

describe('an upstream that says more than was asked', () => {
  it('interim answers are kept from the client, however many', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n';
    const processing = 'HTTP/1.1 102 Processing\r\n\r\n';
    await using stage = await setRaw((socket) => void socket.write(hints + processing + hints + good));
    for (const expected of ['MISS', 'HIT']) {
      const answer = await stage.ask(CHAT);
      assert.deepEqual([answer.status, answer.headers.get('x-cache')], [200, expected]);
      assert.equal(answer.headers.get('link'), undefined);
    }
    const relayed = await stage.ask(RELAYED);
    assert.deepEqual([relayed.status, relayed.body.toString()], [200, GOOD]);
  });

  // RFC 9110 §15.2.1 would have it discarded; undici takes it for a broken answer.
  it('a 100 Continue that nobody asked for is a clear error, and nothing is stored', async () => {
    await using stage = await setRaw((socket) => void socket.write(`HTTP/1.1 100 Continue\r\n\r\n${good}`));
    for (const path of [CHAT, CHAT, RELAYED]) {
      const answer = await stage.ask(path);
      assert.deepEqual([answer.status, codeOf(answer)], [502, 'upstream_unreachable']);
    }
    await nothingOpen(stage.upstream);
  });

  it('a second answer is nobody’s: the next call gets its own', async () => {
    let count = 0;
    await using stage = await setRaw((socket) => {
      count += 1;
      const own = rawAnswer('200 OK', [JSON_TYPE], GOOD.replace('"c"', `"own-${count}"`));
      const other = rawAnswer('200 OK', [JSON_TYPE], GOOD.replace('"c"', '"someone-else"'));
      socket.write(own + other);
    });
    for (let at = 1; at <= 20; at += 1) {
      const answer = await stage.ask(CHAT, chat(`q${at}`));
      assert.equal(answer.json().id, `own-${at}`);
    }
  });
});

function nothingOpen(upstream: RawUpstream): Promise<void> {
  return until(() => upstream.sockets() === 0, 'the connection is closed');
}
