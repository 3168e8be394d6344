import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { within } from '../support/deadline.ts';
import { type Answer, chat, open } from '../support/http.ts';
import { sendRaw } from '../support/raw.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { answering } from '../support/upstream/faults.ts';

const CHAT = '/v1/chat/completions';
const MB = 1_000_000;

const codeOf = ({ body }: Answer) => (JSON.parse(body.toString()) as { error: { code: string } }).error.code;

/** Asks twice, and checks that both times the upstream got just these bytes and nothing was kept. */
async function passesTwice(stage: Stage, body: string | Buffer, type: string | undefined, reason: string) {
  for (const run of [1, 2]) {
    const answer = await stage.ask(CHAT, { body, headers: { 'content-type': type } });
    assert.equal(answer.headers.get('x-cache'), 'BYPASS');
    assert.equal(answer.headers.get('x-cache-reason'), reason);
    assert.equal(stage.upstream.calls.length, run);
    assert.deepEqual(stage.upstream.calls.at(-1)?.body, Buffer.from(body));
    assert.equal(stage.upstream.calls.at(-1)?.headers['content-type'], type);
  }
}

describe('bodies that cannot be read', () => {
  for (const type of [
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/json, application/json',
    'application/jsonl',
    '{}',
  ]) {
    it(`JSON that is said to be ${type ?? 'nothing'} is the upstream's to judge, and not cached`, async () => {
      await using stage = await setStage();
      await passesTwice(stage, JSON.stringify(chat('x')), type, 'body-not-json');
    });
  }

  for (const [what, body, reason] of [
    ['100,000 arrays one in another', '['.repeat(100_000), 'too-deep'],
    ['100,000 objects one in another', '{"a":'.repeat(100_000), 'too-deep'],
    ['a key given twice deep inside', '{"model":"m","messages":[{"a":{"b":1,"b":1}}]}', 'duplicate-key'],
    ['a key given twice by an escape', '{"model":"m","\\u006dodel":"n","messages":[]}', 'duplicate-key'],
    ['a comma too many', '{"model":"m","messages":[],}', 'body-not-json'],
    ['two documents', '{"model":"m"}{"model":"m"}', 'body-not-json'],
    ['a byte order mark', `\ufeff${JSON.stringify(chat('x'))}`, 'body-not-json'],
    ['a number with a leading zero', '{"model":"m","messages":[],"seed":01}', 'body-not-json'],
    ['NaN', '{"model":"m","messages":[],"seed":NaN}', 'body-not-json'],
    ['a raw line feed in a string', '{"model":"m\n","messages":[]}', 'body-not-json'],
  ] as const) {
    it(`${what}: ${reason}`, async () => {
      await using stage = await setStage();
      await passesTwice(stage, body, 'application/json', reason);
    });
  }

  it('__proto__ is a name like any other', async () => {
    await using stage = await setStage();
    const ask = async (proto: string) =>
      (await stage.ask(CHAT, { body: `{"model":"m","messages":[],"__proto__":${proto}}` })).headers.get(
        'x-cache',
      );
    assert.deepEqual(
      [await ask('{"a":1}'), await ask('{"a":2}'), await ask('{"a":1}')],
      ['MISS', 'MISS', 'HIT'],
    );
  });
});

describe('bodies that are too large', () => {
  const profile = { server: { max_body: '1MB' } };

  it('by what they say: 413 before any of them has come', async () => {
    await using stage = await setStage({ profile });
    const head = `POST ${CHAT} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${2 * MB}\r\n\r\n`;
    const answer = await sendRaw(stage.reprise.url, head);
    assert.deepEqual(answer.statuses, [413]);
    assert.equal(answer.json().error?.code, 'request_too_large');
    assert.equal(stage.upstream.calls.length, 0);
  });

  it('as they come: 413 though they never end', async () => {
    await using stage = await setStage({ profile });
    const head = `POST ${CHAT} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = await sendRaw(stage.reprise.url, `${head}200000\r\n${' '.repeat(0x200000)}\r\n`);
    assert.deepEqual(answer.statuses, [413]);
    assert.equal(stage.upstream.calls.length, 0);
  });

  it('where nothing is cached there is no bound', async () => {
    await using stage = await setStage({ profile });
    await stage.ask('/v1/batches', { body: Buffer.alloc(2 * MB) });
    assert.equal(stage.upstream.calls[0]?.body.length, 2 * MB);
  });
});

describe('paths and methods', () => {
  for (const path of [
    '/',
    '/v2',
    '/v1x/models',
    '/favicon.ico',
    '/nobody/v1/models',
    '/.env',
    '/__proto__/v1/x',
  ]) {
    it(`${path} is 404 in our words`, async () => {
      await using stage = await setStage();
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        const answer = await stage.ask(path, { method });
        assert.equal(answer.status, 404, method);
        assert.equal(codeOf(answer), 'not_found');
      }
      assert.equal(stage.upstream.calls.length, 0);
    });
  }

  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY']) {
    it(`${method} on a path whose POST is cached goes to the upstream as it is`, async () => {
      await using stage = await setStage();
      stage.upstream.answer(answering(405, 'not so'));
      const answer = await stage.ask(CHAT, { method });
      assert.equal(answer.status, 405);
      assert.equal(answer.body.toString(), 'not so');
      assert.equal(answer.headers.get('x-cache'), undefined);
      assert.equal(stage.upstream.calls[0]?.method, method);
    });
  }

  it('a path below /v1/ that nobody knows gets the upstream’s own answer', async () => {
    await using stage = await setStage();
    const answer = await stage.ask('/v1/teapots?size=2', { body: '{"a":1}' });
    assert.equal(answer.status, 404);
    assert.match(answer.body.toString(), /unknown_url/);
    assert.equal(stage.upstream.calls[0]?.url, '/v1/teapots?size=2');
  });
});

it('a client that leaves in the middle of its body leaves nothing behind', async () => {
  await using stage = await setStage();
  const leave = Promise.withResolvers<() => void>();
  const sending = open(
    stage.reprise.url + CHAT,
    { body: '{"model"', headers: { 'content-length': '100' } },
    leave.resolve,
  );
  const outcome = assert.rejects(sending);
  (await leave.promise)();
  await outcome;
  assert.equal((await within(stage.ask(CHAT, { body: chat('x') }), 'the next')).status, 200);
  assert.equal(stage.upstream.calls.length, 1);
});
