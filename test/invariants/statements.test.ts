import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Flights } from '../../src/cache/flights.ts';
import { MemoryTier } from '../../src/cache/memory.ts';
import { Store } from '../../src/cache/store.ts';
import { ChaosTier } from '../support/chaos-tier.ts';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { oracleVector } from '../support/embeddings.ts';
import { sampleEntry } from '../support/entries.ts';
import { chat, open, send } from '../support/http.ts';
import { perRequestHeaders, sendJson } from '../support/openai-server.ts';
import { startReprise } from '../support/reprise.ts';
import { setStage } from '../support/stage.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';

describe('what must always hold', () => {
  it("1. Nobody gets another's answer", async () => {
    await using stage = await setStage();
    // The upstream says who asked; every endpoint, many credentials at once, hits and joins mixed.
    stage.upstream.answer((request, response) => {
      const who = [
        request.headers.authorization,
        request.headers['openai-project'],
        request.headers['api-key'],
      ].join('|');
      sendJson(response, 200, {
        id: who,
        data: [{ object: 'embedding', index: 0, embedding: [...Buffer.from(who)].map((byte) => byte / 256) }],
        choices: [{ index: 0, message: { role: 'assistant', content: who }, finish_reason: 'stop' }],
        results: [{ index: 0, relevance_score: 1, who }],
        status: 'completed',
        output: [{ type: 'message', content: [{ type: 'output_text', text: who }] }],
        usage: { prompt_tokens: 1, total_tokens: 1 },
        model: 'm',
      });
    });
    const requests = [
      [CHAT, chat('x')],
      ['/v1/completions', { model: 'm', prompt: 'x' }],
      ['/v1/responses', { model: 'm', input: 'x' }],
      ['/v1/embeddings', { model: 'm', input: 'x' }],
      ['/v1/moderations', { input: ['x'] }],
      ['/v2/rerank', { query: 'x', documents: ['y'] }],
      ['/v1/vector_stores/vs/search', { query: 'x' }],
      ['/v1/models', undefined],
    ] as const;
    const callers = [
      { authorization: 'Bearer a' },
      { authorization: 'Bearer b' },
      { authorization: 'Bearer a', 'openai-project': 'p' },
      { authorization: undefined, 'api-key': 'a' },
      { authorization: 'Bearer a', 'api-key': 'a' },
      { authorization: undefined },
    ];
    const asked = [];
    for (let round = 0; round < 6; round += 1) {
      for (const headers of callers) {
        for (const [path, body] of requests)
          asked.push({ headers, path, sent: { headers, ...(body && { body }) } });
      }
    }
    const answers = await Promise.all(asked.map(({ path, sent }) => stage.ask(path, sent)));
    for (const [at, { headers, path }] of asked.entries()) {
      const h: Record<string, string | undefined> = headers;
      const who = [h.authorization, h['openai-project'], h['api-key']].join('|');
      const text = answers[at]?.body.toString() ?? '';
      if (path === '/v1/embeddings')
        assert.deepEqual(
          JSON.parse(text).data[0].embedding,
          [...Buffer.from(who)].map((byte) => byte / 256),
        );
      else assert.ok(text.includes(JSON.stringify(who)), `${path} for ${who}: ${text}`);
    }
    assert.equal(stage.upstream.calls.length, callers.length * requests.length);
  });

  it('2. Only whole answers are stored', async () => {
    await using stage = await setStage();
    await stage.ask(CHAT, { body: chat('whole', { stream: true }) });
    const events = (await stage.ask(CHAT, { body: chat('whole', { stream: true }) })).body
      .toString()
      .split(/(?<=\n\n)/);
    // Whatever prefix of a stream arrives, only the one with the terminal event is kept.
    for (let count = 0; count <= events.length; count += 1) {
      stage.upstream.answer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(events.slice(0, count).join(''));
      });
      await stage.ask(CHAT, { body: chat(`prefix ${count}`, { stream: true }) });
      const again = await stage.ask(CHAT, {
        body: chat(`prefix ${count}`, { stream: true }),
        headers: { 'cache-control': 'only-if-cached' },
      });
      assert.equal(again.status, count === events.length ? 200 : 504, `${count} of ${events.length} events`);
    }
  });

  it("4. A caller's departure harms no other caller", async () => {
    await using stage = await setStage();
    const gate = stage.upstream.hold();
    const body = chat('crowd', { stream: true });
    gate.let(2);
    const first = await within(open(stage.reprise.url + CHAT, { body }), 'the first');
    const crowd = await Promise.all(
      Array.from({ length: 20 }, () => open(stage.reprise.url + CHAT, { body })),
    );
    for (const [at, { leave }] of crowd.entries()) if (at % 2 === 0) leave();
    first.leave();
    await within(
      until(() => stage.reprise.running() === 10, 'eleven have left'),
      'eleven have left',
    );
    gate.release();
    const texts = await Promise.all(
      crowd
        .filter((_, at) => at % 2 === 1)
        .map(async ({ chunks }) => {
          let text = '';
          for await (const chunk of chunks) text += chunk.toString();
          return text;
        }),
    );
    assert.equal(new Set(texts).size, 1);
    assert.match(texts[0] ?? '', /data: \[DONE\]\n\n$/);
    assert.equal(stage.upstream.calls.length, 1);
  });

  it("5. A cache fault is never a client's failure", async () => {
    const clock = new ManualClock();
    const seed = 7;
    // A lower tier in which half of all that is asked of it fails.
    const lower = new ChaosTier(new MemoryTier({ maxEntries: 100, maxBytes: 1e7 }, clock), seed, {
      raise: 0.5,
    });
    const store = new Store(new MemoryTier({ maxEntries: 10, maxBytes: 1e7 }, clock), lower);
    for (let at = 0; at < 500; at += 1) {
      store.put([sampleEntry(`entry ${at % 50}`, { born: clock.now() })]);
      const { key } = sampleEntry(`entry ${(at * 7) % 50}`, { born: clock.now() });
      const found = store.peek(key.id) ?? (await store.find(key.id));
      assert.ok(found === undefined || found.entry.key.id === key.id);
      await store.findMany([key.id]);
    }
    assert.ok(store.figures().faults > 0);
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

  it('8. Bytes are bounded', async () => {
    const clock = new ManualClock();
    const memory = new MemoryTier({ maxEntries: 1_000, maxBytes: 100_000 }, clock);
    for (let at = 0; at < 2_000; at += 1) {
      memory.set(sampleEntry(`entry ${at}`, { born: clock.now(), body: Buffer.alloc((at * 37) % 9_000) }));
      assert.ok(memory.figures().bytes <= 100_000);
    }
    const flights = new Flights<number>();
    for (let at = 0; at < 50_000; at += 1) {
      flights.separate(`id ${at}`, 1);
      flights.rest(`id ${at}`, 1);
    }
    assert.equal(flights.rests('id 0', 0), false);
    assert.equal(flights.rests('id 49999', 0), true);
    await using stage = await setStage({ profile: { server: { max_body: '1KB' } } });
    const large = await stage.ask(CHAT, { body: chat('x'.repeat(2_000)) });
    assert.equal(large.status, 413);
    assert.equal((large.json() as { error: { code: string } }).error.code, 'request_too_large');
    assert.equal(stage.upstream.calls.length, 0);
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

  it('10. An answer says nothing of who else asked', async () => {
    await using stage = await setStage();
    const first = {
      model: 'm',
      input: 'x',
      metadata: { name: 'Ada' },
      user: 'user-ada',
      safety_identifier: 'safe-ada',
      prompt_cache_key: 'pck-ada',
    };
    const body = { model: 'm', input: 'x' };
    await stage.ask('/v1/responses', { body: first });
    const answers = [
      await stage.ask('/v1/responses', { body }),
      await stage.ask('/v1/responses', { body: { ...body, stream: true } }),
    ];
    const gate = stage.upstream.hold();
    const miss = stage.ask(CHAT, { body: chat('joined') });
    await within(gate.arrived(1), 'upstream');
    const joined = stage.ask(CHAT, { body: chat('joined') });
    await within(
      until(() => stage.reprise.running() === 2, 'both'),
      'both',
    );
    gate.release();
    await miss;
    answers.push(await joined);
    const told = [...Object.keys(perRequestHeaders()), 'date'].filter(
      (name) => !['x-request-id', 'openai-version', 'cache-control', 'date'].includes(name),
    );
    for (const answer of answers) {
      assert.doesNotMatch(answer.body.toString(), /"Ada"|-ada/);
      for (const name of told) assert.equal(answer.headers.get(name), undefined, name);
      assert.match(answer.headers.get('x-request-id') ?? '', /^req_\w{24}$/);
    }
    const [own] = await Promise.all([
      stage.ask('/v1/responses', { body: { ...body, metadata: { mine: '1' } } }),
    ]);
    assert.deepEqual(own.json().metadata, { mine: '1' });
  });

  it('11. Promotion keeps the times', async () => {
    const clock = new ManualClock();
    const lower = new MemoryTier({ maxEntries: 10, maxBytes: 1e7 }, clock);
    const store = new Store(new MemoryTier({ maxEntries: 10, maxBytes: 1e7 }, clock), lower);
    const entry = sampleEntry('entry', { born: clock.now() });
    lower.set(entry);
    clock.advance(1_000);
    const { born, freshUntil, staleUntil, keepUntil } = (await store.find(entry.key.id))?.entry ?? entry;
    const promoted = store.peek(entry.key.id)?.entry;
    assert.deepEqual(
      [promoted?.born, promoted?.freshUntil, promoted?.staleUntil, promoted?.keepUntil],
      [born, freshUntil, staleUntil, keepUntil],
    );
    clock.advance(entry.keepUntil - clock.now());
    assert.equal(store.peek(entry.key.id), undefined);
  });

  it('12. No secret at rest', async () => {
    await using upstream = await startUpstream();
    const reprise = await startReprise({ upstream: upstream.url });
    const headers = {
      authorization: 'Bearer sk-SECRET-1',
      'openai-organization': 'org-SECRET-2',
      'api-key': 'SECRET-3',
    };
    await send(reprise.url + CHAT, { body: chat('x'), headers });
    await send(`${reprise.url}/v1/embeddings`, { body: { model: 'e', input: ['x', 'y'] }, headers });
    await send(`${reprise.url}/v1/nothing`, { headers });
    await reprise.stop();
    for (const file of await readdir(reprise.folder, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      assert.equal((await readFile(join(file.parentPath, file.name))).includes('SECRET'), false, file.name);
    }
    assert.doesNotMatch(JSON.stringify(reprise.events), /SECRET/);
    await reprise[Symbol.asyncDispose]();
  });
});
