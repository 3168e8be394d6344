import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { tempFolder } from '../support/folder.ts';
import { chat, send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';
const MINUTE = 60_000;

describe('multi level', () => {
  it('L1 evicts the entry used least recently, and L2 still has it: a hit of l2, then of l1', async () => {
    await using stage = await setStage({ profile: { memory: { max_entries: 4 } } });
    for (let at = 0; at < 6; at += 1) await stage.ask(CHAT, { body: chat(`q${at}`) });
    const level = async (at: number) =>
      (await stage.ask(CHAT, { body: chat(`q${at}`) })).headers.get('x-cache-level');
    assert.equal(await level(0), 'l2');
    assert.equal(await level(0), 'l1');
    assert.equal(await level(5), 'l1');
    assert.equal(stage.upstream.calls.length, 6);
  });

  it('promotion keeps the times: age goes on, and the entry expires when it always would have', async () => {
    const clock = new ManualClock();
    await using stage = await setStage({ clock, profile: { memory: { max_entries: 2 } } });
    await stage.ask(CHAT, { body: chat('old') });
    clock.advance(20 * MINUTE);
    await fill(stage, 3);
    const promoted = await stage.ask(CHAT, { body: chat('old') });
    assert.equal(promoted.headers.get('x-cache-level'), 'l2');
    assert.equal(promoted.headers.get('age'), '1200');
    clock.advance(10 * MINUTE - 1);
    assert.equal((await stage.ask(CHAT, { body: chat('old') })).headers.get('x-cache-level'), 'l1');
    clock.advance(1);
    assert.equal((await stage.ask(CHAT, { body: chat('old') })).headers.get('x-cache-reason'), 'expired');
  });

  for (const compression of ['none', 'gzip', 'zstd']) {
    it(`everything is back after a restart, bit for bit (compression ${compression})`, async () => {
      await using upstream = await startUpstream();
      const profile = { disk: { compression } };
      const requests = [
        [CHAT, chat('long '.repeat(400))],
        [CHAT, chat('stream', { stream: true })],
        ['/v1/embeddings', { model: 'e', input: ['a', 'b', 'c'] }],
        ['/v1/responses', { model: 'r', input: 'x' }],
      ] as const;
      const first = await startReprise({ upstream: upstream.url, profile });
      for (const [path, body] of requests) await send(first.url + path, { body });
      const before = [];
      for (const [path, body] of requests) before.push(await send(first.url + path, { body }));
      await first.stop();
      await using second = await startReprise({ upstream: upstream.url, profile, folder: first.folder });
      for (const [at, [path, body]] of requests.entries()) {
        const hit = await send(second.url + path, { body });
        assert.equal(hit.headers.get('x-cache'), 'HIT');
        assert.equal(hit.headers.get('x-cache-level'), 'l2');
        assert.deepEqual(hit.body, before[at]?.body);
      }
      assert.equal(upstream.calls.length, requests.length);
      await second.stop();
      await rm(first.folder, { recursive: true });
    });
  }

  it('one batch fills at most a quarter of L1; the rest is answered from L2', async () => {
    await using stage = await setStage({ profile: { memory: { max_entries: 40 } } });
    await stage.ask(CHAT, { body: chat('kept') });
    const input = Array.from({ length: 200 }, (_, at) => `item ${at}`);
    await stage.ask('/v1/embeddings', { body: { model: 'e', input } });
    assert.equal((await stage.ask(CHAT, { body: chat('kept') })).headers.get('x-cache-level'), 'l1');
    const batch = await stage.ask('/v1/embeddings', { body: { model: 'e', input } });
    assert.equal(batch.headers.get('x-cache'), 'HIT');
    assert.equal(batch.headers.get('x-cache-level'), 'l2');
    assert.equal(batch.headers.get('x-cache-parts'), '200/200');
  });

  it('nor more than a quarter with what it found on disk and what it fetched together', async () => {
    await using stage = await setStage({ profile: { memory: { max_entries: 40 } } });
    const items = Array.from({ length: 20 }, (_, at) => `item ${at}`);
    await stage.ask('/v1/embeddings', { body: { model: 'e', input: items } });
    for (let at = 0; at < 40; at += 1) await stage.ask(CHAT, { body: chat(`filler ${at}`) });
    const mixed = [...items.slice(0, 10), ...Array.from({ length: 10 }, (_, at) => `new ${at}`)];
    assert.equal(
      (await stage.ask('/v1/embeddings', { body: { model: 'e', input: mixed } })).headers.get('x-cache'),
      'PARTIAL',
    );
    const levels = [];
    for (let at = 10; at < 40; at += 1) {
      const peek = await stage.ask(CHAT, {
        body: chat(`filler ${at}`),
        headers: { 'cache-control': 'only-if-cached' },
      });
      levels.push(peek.headers.get('x-cache-level'));
    }
    assert.deepEqual(new Set(levels), new Set(['l1']));
  });

  it('an answer over server.max_entry is passed on whole and not stored', async () => {
    await using stage = await setStage({ profile: { server: { max_entry: '10KB' } } });
    const big = JSON.stringify({
      id: 'x',
      choices: [{ index: 0, message: { content: 'x'.repeat(300_000) }, finish_reason: 'stop' }],
    });
    stage.upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(big.length) });
      response.end(big);
    });
    for (let run = 1; run <= 2; run += 1) {
      const answer = await stage.ask(CHAT, { body: chat('big') });
      assert.equal(answer.body.toString(), big);
      assert.equal(answer.headers.get('x-cache'), 'MISS');
      assert.equal(stage.upstream.calls.length, run);
    }
  });

  it('runs without L2 where disk.max_bytes is 0', async () => {
    await using stage = await setStage({ profile: { disk: { max_bytes: 0 } } });
    await stage.ask(CHAT, { body: chat('x') });
    assert.equal((await stage.ask(CHAT, { body: chat('x') })).headers.get('x-cache'), 'HIT');
    assert.deepEqual(await readdir(stage.reprise.folder), []);
  });

  it('a folder that cannot be used costs no request: answers come, and health says degraded and why', async () => {
    await using upstream = await startUpstream();
    const folder = join(tempFolder(), 'data');
    await writeFile(folder, 'a file in the way');
    await using reprise = await startReprise({ upstream: upstream.url, folder });
    const ask = () => send(reprise.url + CHAT, { body: chat('x') });
    assert.equal((await ask()).headers.get('x-cache'), 'MISS');
    assert.equal((await ask()).headers.get('x-cache'), 'HIT');
    const ready = await send(`${reprise.url}/health/ready`);
    assert.equal(ready.status, 200);
    const { status, checks } = ready.json() as {
      status: string;
      checks: { l2: { state: string; reason: string } };
    };
    assert.equal(status, 'degraded');
    assert.equal(checks.l2.state, 'degraded');
    assert.notEqual(checks.l2.reason, '');
  });

  it('the data folder is for its owner alone, and holds neither credential nor scope in clear', async () => {
    await using upstream = await startUpstream();
    const reprise = await startReprise({ upstream: upstream.url, folder: join(tempFolder(), 'data') });
    await send(reprise.url + CHAT, {
      body: chat('x'),
      headers: { authorization: 'Bearer sk-very-secret-credential' },
    });
    await reprise.stop();
    assert.equal((await stat(reprise.folder)).mode & 0o777, 0o700);
    assert.equal((await stat(join(reprise.folder, 'install.secret'))).mode & 0o777, 0o600);
    for (const file of await readdir(reprise.folder, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const bytes = await readFile(join(file.parentPath, file.name));
      assert.equal(bytes.includes('sk-very-secret'), false, file.name);
    }
  });
});

async function fill(stage: Stage, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await stage.ask(CHAT, { body: chat(`filler ${at}`) });
}
