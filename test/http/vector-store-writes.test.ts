import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writtenStore } from '../../src/http/vector-store-writes.ts';
import { hashOf } from '../../src/policy/client-key.ts';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { chat, open, send } from '../support/http.ts';
import { RecordingInvalidator } from '../support/recording-invalidator.ts';
import { startReprise, type TestReprise } from '../support/reprise.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';
const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
const MINUTE = 60_000;

/** Searches a store; the words of `x-cache` and `x-cache-reason`. */
async function search(stage: Stage, store = 'vs_1', headers: Record<string, string> = {}): Promise<string> {
  const answer = await stage.ask(`/v1/vector_stores/${store}/search`, { body: { query: 'lamps' }, headers });
  assert.equal(answer.status, 200);
  return `${answer.headers.get('x-cache')} ${answer.headers.get('x-cache-reason') ?? ''}`.trim();
}

/** Adds a file to a store. */
const write = (stage: Stage, store = 'vs_1') =>
  stage.ask(`/v1/vector_stores/${store}/files`, { body: { file_id: 'file-7' } });

describe('a write below a vector store', () => {
  it('drops its searches and no other, and within 60 s of it none is stored', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    for (const store of ['vs_1', 'vs_2']) await search(stage, store);
    assert.equal(await search(stage), 'HIT');
    await write(stage);
    assert.equal(await search(stage), 'MISS vector-store-written');
    clock.advance(MINUTE - 1);
    assert.equal(await search(stage), 'MISS vector-store-written');
    assert.equal(await search(stage, 'vs_2'), 'HIT');
    clock.advance(1);
    assert.match(await search(stage), /^MISS (absent|invalidated)$/);
    assert.equal(await search(stage), 'HIT');
  });

  it('each write begins the 60 s anew', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    await write(stage);
    clock.advance(MINUTE / 2);
    await write(stage);
    clock.advance(MINUTE - 1);
    assert.equal(await search(stage), 'MISS vector-store-written');
    clock.advance(1);
    await search(stage);
    assert.equal(await search(stage), 'HIT');
  });

  it('is answered as the upstream answers it, whatever that is', async () => {
    await using stage = await setStage();
    const bytes = Buffer.alloc(300_000, 'x');
    stage.upstream.answer((_request, response) => {
      response.writeHead(201, { 'x-thing': 'kept', 'content-type': 'text/plain' }).end(bytes);
    }, '/files');
    const answer = await write(stage);
    assert.deepEqual([answer.status, answer.headers.get('x-thing')], [201, 'kept']);
    assert.deepEqual(answer.body, bytes);
    assert.equal(answer.headers.get('x-cache'), undefined);
    stage.upstream.answer((_request, response) => void response.writeHead(204).end(), '/vs_1');
    assert.equal((await stage.ask('/v1/vector_stores/vs_1', { method: 'DELETE' })).status, 204);
    stage.upstream.answer((_request, response) => {
      response.write('half');
      setImmediate(() => response.destroy());
    }, '/vs_1');
    await assert.rejects(stage.ask('/v1/vector_stores/vs_1', { body: { name: 'x' } }), /aborted|hang up/);
  });

  it('wins over a search that began before it, and over one that began while it was under way', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    const searches = stage.upstream.hold();
    const before = search(stage);
    await searches.arrived(1);
    const writing = write(stage);
    await searches.arrived(2);
    const meanwhile = search(stage);
    // It does not join the one that began before the write.
    await searches.arrived(3);
    searches.let(1);
    assert.equal(await before, 'MISS vector-store-written');
    searches.release();
    await writing;
    await meanwhile;
    clock.advance(MINUTE);
    assert.match(await search(stage), /^MISS/);
  });

  it('drops what was stored while it took longer than 60 s', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      stage.upstream.answer((_request, response) => {
        answer = () => response.end('{}');
        resolve();
      }, '/files');
    });
    const writing = write(stage);
    await within(asked, 'the write');
    clock.advance(MINUTE);
    await search(stage);
    assert.equal(await search(stage), 'HIT');
    answer();
    await writing;
    assert.equal(await search(stage), 'MISS vector-store-written');
  });

  it('goes upstream once its searches are durably dropped, and is answered once they are so again', async () => {
    await using upstream = await startUpstream();
    const invalidator = new RecordingInvalidator();
    await using reprise = await startReprise({ upstream: upstream.url, invalidator });
    let gate = Promise.withResolvers<void>();
    invalidator.gate = gate.promise;
    let isAnswered = false;
    const writing = send(`${reprise.url}/v1/vector_stores/vs_1/files`, { body: {} }).finally(() => {
      isAnswered = true;
    });
    await until(() => invalidator.calls.length === 1, 'the first purge');
    assert.equal(upstream.calls.length, 0);
    const first = gate;
    gate = Promise.withResolvers<void>();
    invalidator.gate = gate.promise;
    first.resolve();
    await until(() => invalidator.calls.length === 2, 'the second purge');
    assert.deepEqual([upstream.calls.length, isAnswered], [1, false]);
    gate.resolve();
    assert.equal((await writing).status, 404);
    const order = {
      condition: { tags: ['vector_store:vs_1'] },
      effect: 'purge',
      by: 'vector-store',
      dryRun: false,
    };
    assert.deepEqual(invalidator.orders, [order, order]);
  });

  it('drops them as well where its answer never came, since it may have been carried out', async () => {
    await using upstream = await startUpstream();
    const invalidator = new RecordingInvalidator();
    await using reprise = await startReprise({ upstream: upstream.url, invalidator });
    upstream.answer((_request, response) => void response.destroy(), '/files');
    const files = `${reprise.url}/v1/vector_stores/vs_1/files`;
    assert.equal((await send(files, { body: {} })).status, 502);
    assert.equal(invalidator.calls.length, 2);

    const held = upstream.hold();
    let leave = () => {};
    const left = open(files, { body: {} }, (go) => {
      leave = go;
    });
    await held.arrived(1);
    leave();
    await assert.rejects(left);
    await until(() => invalidator.calls.length === 4, 'the purge after its caller has gone');
  });

  it('is not sent for a caller that is gone before it could be', async () => {
    await using upstream = await startUpstream();
    const invalidator = new RecordingInvalidator();
    await using reprise = await startReprise({ upstream: upstream.url, invalidator });
    const gate = Promise.withResolvers<void>();
    invalidator.gate = gate.promise;
    let leave = () => {};
    const left = open(`${reprise.url}/v1/vector_stores/vs_1/files`, { body: {} }, (go) => {
      leave = go;
    });
    await until(() => invalidator.calls.length === 1, 'the first purge');
    leave();
    await assert.rejects(left);
    await until(() => reprise.running() === 0, 'the end of the connection');
    gate.resolve();
    await until(() => reprise.events.some(({ kind }) => kind === 'answered'), 'the end of the request');
    assert.equal(upstream.calls.length, 0);
  });

  it('is answered also where the disk fails, which is told', async () => {
    await using upstream = await startUpstream();
    const invalidator = new RecordingInvalidator();
    await using reprise = await startReprise({ upstream: upstream.url, invalidator });
    invalidator.fault = new Error('no space left on device');
    upstream.answer((_request, response) => void response.end('{}'), '/files');
    assert.equal((await send(`${reprise.url}/v1/vector_stores/vs_1/files`, { body: {} })).status, 200);
    assert.deepEqual(
      reprise.events.filter(({ kind }) => kind === 'background-failed'),
      Array.from({ length: 2 }, () => ({
        kind: 'background-failed',
        label: 'invalidating the searches of a vector store',
        message: 'no space left on device',
      })),
    );
  });

  it('reaches what a model writes from a search of that time, however late it lands', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    const ask = async (question: string) =>
      (await stage.ask(CHAT, { body: chat(question), headers: TRACE })).headers.get('x-cache');
    await search(stage, 'vs_1', TRACE);
    await ask('before');
    await write(stage);
    assert.equal(await ask('before'), 'MISS');
    await search(stage, 'vs_1', TRACE);
    await ask('within');
    assert.equal(await ask('within'), 'MISS');
    clock.advance(MINUTE);
    await ask('after');
    assert.equal(await ask('after'), 'MISS');
    // Another trace, and a search of the settled store.
    const other = { 'x-cache-trace': 'another' };
    await search(stage, 'vs_1', other);
    for (const cache of ['MISS', 'HIT']) {
      const answer = await stage.ask(CHAT, { body: chat('anew'), headers: other });
      assert.equal(answer.headers.get('x-cache'), cache);
    }
  });

  it('drops what a model wrote, when a call of a trace that was told such a search is served it', async () => {
    await using stage = await setStage();
    const ask = async (headers: Record<string, string>) =>
      (await stage.ask(CHAT, { body: chat('Which?'), headers })).headers.get('x-cache');
    await ask({});
    assert.equal(await ask(TRACE), 'HIT');
    await write(stage);
    await search(stage, 'vs_1', TRACE);
    assert.equal(await ask(TRACE), 'HIT');
    assert.equal(await ask({}), 'MISS');
    assert.equal(await ask({}), 'HIT');
  });

  it('has dropped them also after a restart', async () => {
    await using upstream = await startUpstream();
    const folder = tempFolder();
    const first = await startReprise({ upstream: upstream.url, folder });
    const store = '/v1/vector_stores/vs_1';
    await send(`${first.url}${store}/search`, { body: { query: 'x' } });
    await send(`${first.url}${store}/files`, { body: {} });
    await first.stop();
    await using second = await startReprise({ upstream: upstream.url, folder });
    const again = await send(`${second.url}${store}/search`, { body: { query: 'x' } });
    assert.equal(again.headers.get('x-cache'), 'MISS');
  });

  it('is remembered over a restart, and so is what was told of its store before that had settled', async () => {
    await using upstream = await startUpstream();
    const folder = tempFolder();
    const clock = new ManualClock();
    const asked = async (url: string, path: string, headers: Record<string, string> = {}) => {
      const body = path === CHAT ? chat('Which lamp?') : { query: 'lamps' };
      const answer = await send(url + path, { body, headers });
      return `${answer.headers.get('x-cache')} ${answer.headers.get('x-cache-reason') ?? ''}`.trim();
    };
    const store = '/v1/vector_stores/vs_1';
    const restarted = async (before: TestReprise) => {
      await before.stop();
      return await startReprise({ upstream: upstream.url, folder, clock });
    };
    const first = await startReprise({ upstream: upstream.url, folder, clock });
    await send(`${first.url}${store}/files`, { body: {} });
    clock.advance(MINUTE / 2);
    const second = await restarted(first);
    for (let turn = 0; turn < 2; turn += 1)
      assert.equal(await asked(second.url, `${store}/search`, TRACE), 'MISS vector-store-written');
    clock.advance(MINUTE - 1);
    assert.equal(await asked(second.url, `${store}/search`), 'MISS vector-store-written');
    await using third = await restarted(second);
    assert.equal(await asked(third.url, `${store}/search`), 'MISS absent');
    assert.equal(await asked(third.url, `${store}/search`), 'HIT');
    for (let turn = 0; turn < 2; turn += 1)
      assert.equal(await asked(third.url, CHAT, TRACE), 'MISS vector-store-written');
  });

  it('may also be told by an invalidation: of its tag, or of everything', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock });
    for (const [call, body] of [
      ['invalidate', { tags: ['vector_store:vs_1', 'product:7'] }],
      ['clear', {}],
    ] as const) {
      const headers = { authorization: undefined };
      assert.equal((await stage.ask(`/cache/${call}`, { body, headers })).status, 200);
      assert.equal(await search(stage), 'MISS vector-store-written');
      clock.advance(MINUTE);
      await search(stage);
      assert.equal(await search(stage), 'HIT');
    }
  });

  it('is none from a caller of the gateway that may not write', async () => {
    const keys = [{ name: 'web', hash: hashOf('rp-web'), tenant: 'a', objects: true }];
    await using stage = await setStage({
      profile: { access: { mode: 'gateway', keys } },
      upstreamSettings: { api_key: 'sk-operator' },
    });
    const headers = { authorization: 'Bearer rp-web' };
    await search(stage, 'vs_1', headers);
    const refused = await stage.ask('/v1/vector_stores/vs_1/files', { body: {}, headers });
    assert.equal(refused.status, 403);
    assert.equal(await search(stage, 'vs_1', headers), 'HIT');
  });

  it('is found at every path that the API has stores at, also of an upstream by its name', async () => {
    await using stage = await setStage({
      profileFor: (origin) => ({ upstreams: { other: { base_url: `${origin}/v1` } } }),
    });
    const paths = [
      '/v1/vector_stores/vs_1/file_batches',
      '/openai/v1/vector_stores/vs_1/files',
      '/other/v1/vector_stores/vs_1/files/file-7',
      '/other/openai/v1/vector_stores/vs_1',
    ];
    for (const path of paths) {
      await using clean = await setStage();
      await search(clean);
      await search(stage, `of-${paths.indexOf(path)}`);
      const own = path.replace('vs_1', `of-${paths.indexOf(path)}`);
      await stage.ask(own, { body: {} });
      assert.equal(await search(stage, `of-${paths.indexOf(path)}`), 'MISS vector-store-written', path);
    }
  });
});

describe('which requests may change a vector store', () => {
  for (const [method, path, tag] of [
    ['POST', '/v1/vector_stores/vs_1', 'vector_store:vs_1'],
    ['DELETE', '/v1/vector_stores/vs_1', 'vector_store:vs_1'],
    ['PATCH', '/v1/vector_stores/vs_1/', 'vector_store:vs_1'],
    ['POST', '/v1/vector_stores/vs_1/files', 'vector_store:vs_1'],
    ['POST', '/v1/vector_stores/vs_1/file_batches/b/cancel', 'vector_store:vs_1'],
    ['DELETE', '/v1/vector_stores/vs_1/search', undefined],
    ['POST', '/v1/vector_stores/vs_1/search', undefined],
    ['POST', '/v1/vector_stores/vs_1/search/more', 'vector_store:vs_1'],
    ['POST', '/v1/vector_stores/search', 'vector_store:search'],
    ['POST', '/openai/v1/vector_stores/vs_1/files', 'vector_store:vs_1'],
    ['POST', '/openai/vector_stores/vs_1/files', 'vector_store:vs_1'],
    ['POST', '/v1/vector%5Fstores/vs%5F1/files', 'vector_store:vs_1'],
    ['POST', '/v1/vector_stores/a%2Fb', 'vector_store:a/b'],
    ['GET', '/v1/vector_stores/vs_1', undefined],
    ['HEAD', '/v1/vector_stores/vs_1/files', undefined],
    ['POST', '/v1/vector_stores', undefined],
    ['POST', '/v1/vector_stores/', undefined],
    ['POST', '/v1/files/vector_stores/vs_1', undefined],
    ['POST', '/v1/vector_stores/%ff/files', undefined],
    ['POST', `/v1/vector_stores/${'x'.repeat(1_100)}/files`, undefined],
    ['POST', '/rerank', undefined],
  ] as const) {
    it(`${method} ${path.slice(0, 60)}: ${tag ?? 'none'}`, () => {
      assert.equal(writtenStore(method, path), tag);
    });
  }
});
