import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MemoryTier } from '../../src/cache/memory.ts';
import { Store } from '../../src/cache/store.ts';
import { seededRandom } from '../../src/demo/random.ts';
import { ManualClock } from '../support/clock.ts';
import { openDisk } from '../support/disk.ts';
import { oracleVector } from '../support/embeddings.ts';
import { sampleEntry } from '../support/entries.ts';
import { chat, send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';
import { setStage } from '../support/stage.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';

describe('what must always hold of entries', () => {
  for (const [path, body] of [
    [CHAT, chat('x', { stream: true })],
    ['/v1/completions', { model: 'm', prompt: 'x', stream: true }],
    ['/v1/responses', { model: 'm', input: 'x', stream: true }],
  ] as const) {
    it(`2. Only whole answers are stored: of a stream of ${path} no beginning, ended or broken off`, async () => {
      await using stage = await setStage();
      const events = (await stage.ask(path, { body })).body.toString().split(/(?<=\n\n)/);
      const terminal = events.findLastIndex((event) => /\[DONE\]|response\.completed/.test(event)) + 1;
      assert.ok(terminal > 3);
      for (let count = 0; count <= events.length; count += 1) {
        for (const end of ['ended', 'broken off'] as const) {
          stage.upstream.answer((_request, response) => {
            response.writeHead(200, { 'content-type': 'text/event-stream' });
            response.write(events.slice(0, count).join(''));
            if (end === 'ended') response.end();
            else setImmediate(() => response.destroy());
          });
          const named = { body: { ...body, seed: 2 * count + Number(end === 'ended') } };
          // A stream that breaks for us breaks for the caller, too.
          await stage.ask(path, named).catch(() => undefined);
          const headers = { 'cache-control': 'only-if-cached' };
          const { status } = await stage.ask(path, { ...named, headers });
          assert.equal(status, count >= terminal ? 200 : 504, `${count} of ${events.length} events, ${end}`);
        }
      }
    });
  }

  it('2. Only whole answers are stored: of a JSON answer no beginning', async () => {
    await using stage = await setStage();
    const whole = (await stage.ask(CHAT, { body: chat('whole') })).body;
    for (const [framing, length] of [
      ['by length', whole.length],
      ['chunked', undefined],
    ] as const) {
      for (let count = 0; count <= whole.length; count += 97) {
        stage.upstream.answer((_request, response) => {
          response.writeHead(200, {
            'content-type': 'application/json',
            ...(length && { 'content-length': length }),
          });
          response.write(whole.subarray(0, count), () => response.destroy());
        });
        const body = chat(`${framing} ${count}`);
        await stage.ask(CHAT, { body }).catch(() => undefined);
        const again = await stage.ask(CHAT, { body, headers: { 'cache-control': 'only-if-cached' } });
        assert.equal(again.status, 504, `${count} of ${whole.length} bytes, ${framing}`);
      }
    }
  });

  it('6. Damaged records are never served', async () => {
    await using upstream = await startUpstream();
    const texts = Array.from({ length: 20 }, (_, at) => `text ${at}`);
    const first = await startReprise({ upstream: upstream.url });
    for (const text of texts)
      await send(`${first.url}/v1/embeddings`, {
        body: { model: 'e', input: text, encoding_format: 'base64' },
      });
    await first.stop();
    // Every byte of L2 that holds data may have been flipped by now.
    const l2 = join(first.folder, 'l2');
    for (const name of await readdir(l2)) {
      if (!/\.(log|ldb)$/.test(name)) continue;
      const bytes = await readFile(join(l2, name));
      for (let at = 40; at < bytes.length; at += 97) bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      await writeFile(join(l2, name), bytes);
    }
    await using second = await startReprise({ upstream: upstream.url, folder: first.folder });
    for (const text of texts) {
      const answer = await send(`${second.url}/v1/embeddings`, {
        body: { model: 'e', input: text, encoding_format: 'base64' },
      });
      assert.equal(answer.status, 200);
      const { data } = answer.json() as { data: { embedding: string }[] };
      assert.equal(data[0]?.embedding, oracleVector('e', text).toString('base64'));
    }
  });

  it('7. A vector is the one its input asked for', async () => {
    // The fuzz of 20,000 items is in test/race; here the corners, one by one.
    await using stage = await setStage();
    const ask = async (input: unknown, more: object = {}) => {
      const answer = await stage.ask('/v1/embeddings', {
        body: { model: 'e', input, encoding_format: 'base64', ...more },
      });
      return (answer.json() as { data: { embedding: string }[] }).data.map(({ embedding }) => embedding);
    };
    const oracle = (item: string | number[], dimensions?: number) =>
      oracleVector('e', item, dimensions).toString('base64');
    assert.deepEqual(await ask('5'), [oracle('5')]);
    assert.deepEqual(await ask([5]), [oracle([5])]);
    assert.deepEqual(await ask([[5], [5, 5]]), [oracle([5]), oracle([5, 5])]);
    assert.deepEqual(
      await ask(['5', 'é', 'e\u0301', '5', ' 5']),
      ['5', 'é', 'e\u0301', '5', ' 5'].map((item) => oracle(item)),
    );
    assert.deepEqual(await ask(['5', 'new'], { dimensions: 4 }), [oracle('5', 4), oracle('new', 4)]);
    assert.deepEqual(await ask(['\ud800', '\ufffd']), [oracle('\ud800'), oracle('\ufffd')]);
  });

  it("9. The caller's bytes go upstream", async () => {
    await using stage = await setStage();
    const bodies = [
      '{"model":"m" , "messages":[], "x":1.0e0, "seed":9007199254740993}',
      '{"messages":[{"role":"user","content":"\\u00e9\\/"}],"model":"m","n":1}',
    ];
    for (const body of bodies) {
      await stage.ask(CHAT, { body });
      assert.equal(stage.upstream.calls.at(-1)?.body.toString(), body);
    }
    await stage.ask(CHAT, { body: '{ "model":"m", "stream":true, "messages":[ ] }' });
    assert.equal(
      stage.upstream.calls
        .at(-1)
        ?.body.toString()
        .replace(/"stream_options":\{"include_usage":true\},?\s*/, ''),
      '{ "model":"m", "stream":true, "messages":[ ] }'.replace('{ ', '{'),
    );
  });

  it('11. Promotion keeps the times: whichever way an entry went up and down, no longer than its life', async (t) => {
    const clock = new ManualClock();
    const random = seededRandom(11);
    const lower = await openDisk(t, { clock });
    const store = new Store(new MemoryTier({ maxEntries: 4, maxBytes: 1e7 }, clock), [lower]);
    const written = new Map<string, ReturnType<typeof sampleEntry>>();
    let found = 0;
    for (let step = 0; step < 3_000; step += 1) {
      clock.advance(Math.floor(random() * 40));
      const name = `entry ${Math.floor(random() * 30)}`;
      if (random() < 0.2) {
        const fresh = Math.floor(random() * 2_000);
        const entry = sampleEntry(name, { born: clock.now(), fresh, keep: 2 * fresh });
        store.put([entry]);
        written.set(entry.key.id, entry);
      }
      if (random() < 0.1) await lower.flush();
      if (random() < 0.02) await store.sweep();
      const { id } = sampleEntry(name, { born: 0 }).key;
      const held =
        store.peek(id) ?? (random() < 0.5 ? await store.find(id) : (await store.findMany([id]))[0]);
      const entry = written.get(id);
      if (entry === undefined || clock.now() >= entry.keepUntil) {
        assert.equal(held, undefined);
        continue;
      }
      assert.deepEqual(held?.entry, entry);
      found += 1;
    }
    const { l2: promotions = 0 } = store.figures().promotions;
    assert.ok(found > 500 && promotions > 100, `${found}, ${promotions}`);
  });

  it('11. Promotion keeps the times: also over a restart, and as callers see it', async () => {
    await using upstream = await startUpstream();
    const clock = new ManualClock();
    const options = { upstream: upstream.url, clock };
    const body = chat('x');
    // Its folder is removed last, when nobody writes to it any more.
    await using first = await startReprise(options);
    await send(first.url + CHAT, { body });
    await first.stop();
    clock.advance(600_000);
    await using second = await startReprise({ ...options, folder: first.folder });
    for (const level of ['l2', 'l1', 'l1']) {
      const { headers } = await send(second.url + CHAT, { body });
      assert.deepEqual([headers.get('x-cache-level'), headers.get('age')], [level, '600']);
      assert.match(headers.get('cache-status') ?? '', /ttl=1200/);
    }
    clock.advance(1_200_000);
    assert.equal((await send(second.url + CHAT, { body })).headers.get('x-cache'), 'MISS');
  });
});
