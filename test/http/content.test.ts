import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { chat } from '../support/http.ts';
import { oneRoute, type Stage, setStage } from '../support/stage.ts';

const CHAT = '/v1/chat/completions';
const BODY = Buffer.from(JSON.stringify(chat('x')));

const ask = (stage: Stage, body: Buffer, coding: string | undefined, path = CHAT) =>
  stage.ask(path, { body, headers: { 'content-type': 'application/json', 'content-encoding': coding } });

describe('compressed request bodies', () => {
  for (const [coding, body] of [
    ['gzip', gzipSync(BODY)],
    ['x-gzip', gzipSync(BODY)],
    ['GZIP', gzipSync(BODY)],
    ['deflate', deflateSync(BODY)],
    ['deflate', deflateRawSync(BODY)],
    ['br', brotliCompressSync(BODY)],
    ['zstd', zstdCompressSync(BODY)],
    ['identity', BODY],
  ] as const) {
    it(`${coding} and plain are one request, which goes upstream plain`, async () => {
      await using stage = await setStage();
      assert.equal((await ask(stage, body, coding)).headers.get('x-cache'), 'MISS');
      const [call] = stage.upstream.calls;
      assert.deepEqual(call?.body, BODY);
      assert.equal(call?.headers['content-encoding'], undefined);
      assert.equal(call?.headers['content-length'], String(BODY.length));
      assert.equal((await ask(stage, BODY, undefined)).headers.get('x-cache'), 'HIT');
      assert.equal((await ask(stage, body, coding)).headers.get('x-cache'), 'HIT');
    });
  }

  it('a compressed batch of embeddings is narrowed like any other', async () => {
    await using stage = await setStage();
    const batch = (...input: string[]) => gzipSync(JSON.stringify({ model: 'e', input }));
    await ask(stage, batch('a'), 'gzip', '/v1/embeddings');
    const answer = await ask(stage, batch('a', 'b'), 'gzip', '/v1/embeddings');
    assert.equal(answer.headers.get('x-cache'), 'PARTIAL');
    assert.deepEqual(stage.upstream.calls[1]?.json().input, ['b']);
  });

  it('so is the body of a route', async () => {
    const match = { method: 'POST', path: '/catalog/{id}' };
    await using stage = await setStage(oneRoute({ match }));
    stage.upstream.answer((_request, response) => void response.end('found'));
    const body = Buffer.from('{"q": 1}');
    const search = async (sent: Buffer, coding: string | undefined) => {
      const headers = {
        authorization: undefined,
        'content-type': 'application/json',
        'content-encoding': coding,
      };
      return (await stage.ask('/catalog/7', { body: sent, headers })).headers.get('x-cache');
    };
    assert.equal(await search(gzipSync(body), 'gzip'), 'MISS');
    assert.deepEqual(stage.upstream.calls[0]?.body, body);
    assert.equal(await search(body, undefined), 'HIT');
  });

  it('what bypasses the cache goes upstream as it came', async () => {
    await using stage = await setStage();
    const body = gzipSync(JSON.stringify(chat('x', { store: true })));
    const answer = await ask(stage, body, 'gzip');
    assert.equal(answer.headers.get('x-cache-reason'), 'store');
    assert.deepEqual(stage.upstream.calls[0]?.body, body);
    assert.equal(stage.upstream.calls[0]?.headers['content-encoding'], 'gzip');
  });

  for (const [what, body, coding] of [
    ['a coding nobody knows', BODY, 'compress'],
    ['two codings', gzipSync(gzipSync(BODY)), 'gzip, gzip'],
    ['bytes that are not in the coding', BODY, 'gzip'],
    ['a coding cut short', gzipSync(BODY).subarray(0, -9), 'gzip'],
    ['brotli cut short', brotliCompressSync(BODY).subarray(0, -3), 'br'],
    ['zstd cut short', zstdCompressSync(BODY).subarray(0, -3), 'zstd'],
    ['a wrong checksum', Buffer.concat([gzipSync(BODY).subarray(0, -8), Buffer.alloc(8)]), 'gzip'],
    ['a window of 128 MB', widelyWindowed(), 'zstd'],
  ] as const) {
    it(`${what}: forwarded as it is, and not cached`, async () => {
      await using stage = await setStage();
      for (let time = 0; time < 2; time += 1) {
        const answer = await ask(stage, body, coding);
        assert.equal(answer.headers.get('x-cache'), 'BYPASS');
        assert.equal(answer.headers.get('x-cache-reason'), 'body-encoded');
        assert.deepEqual(stage.upstream.calls[time]?.body, body);
        assert.equal(stage.upstream.calls[time]?.headers['content-encoding'], coding);
      }
    });
  }

  for (const [coding, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    it(`${coding} that becomes more than server.max_body is 413, and nothing goes upstream`, async () => {
      await using stage = await setStage({ profile: { server: { max_body: '1MB' } } });
      const bomb = pack(Buffer.alloc(60_000_000, ' '));
      assert.ok(bomb.length < 100_000);
      const answer = await ask(stage, bomb, coding);
      assert.equal(answer.status, 413);
      assert.match(answer.body.toString(), /"code":"request_too_large"/);
      assert.equal(stage.upstream.calls.length, 0);
    });
  }

  for (const [coding, pack] of [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    it(`${coding} that becomes more than 200 times as large is 413, unless it stays below a megabyte`, async () => {
      await using stage = await setStage();
      const padded = (bytes: number) => {
        const text = JSON.stringify(chat('x'));
        return pack(text + ' '.repeat(bytes - text.length));
      };
      const answer = await ask(stage, padded(30_000_000), coding);
      assert.equal(answer.status, 413);
      assert.match(answer.body.toString(), /more than 200 times its size/);
      assert.equal(stage.upstream.calls.length, 0);
      assert.equal((await ask(stage, padded(900_000), coding)).status, 200);
    });
  }
});

/** A frame that claims a window of 128 MB, as `zstd --ultra --long=27` writes it. */
function widelyWindowed(): Buffer {
  const params = {
    [constants.ZSTD_c_windowLog]: 27,
    [constants.ZSTD_c_enableLongDistanceMatching]: 1,
    [constants.ZSTD_c_contentSizeFlag]: 0,
  };
  return zstdCompressSync(Buffer.concat([BODY, Buffer.alloc(20_000_000, ' ')]), { params });
}
