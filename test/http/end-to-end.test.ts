import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setStage } from '../support/stage.ts';

const PATH = '/v1/embeddings';
const body = { model: 'e', input: 'x' };

describe('what connection names', () => {
  it('a credential that stops here counts for nobody: the answer is the anonymous caller’s', async () => {
    await using stage = await setStage();
    const ask = async (headers: Readonly<Record<string, string | undefined>>) =>
      (await stage.ask(PATH, { body, headers })).headers.get('x-cache');
    const named = { authorization: 'Bearer sk-a', connection: 'close, Authorization' };
    assert.equal(await ask(named), 'MISS');
    assert.equal(stage.upstream.calls[0]?.headers.authorization, undefined);
    assert.equal(await ask({ authorization: 'Bearer sk-a' }), 'MISS');
    assert.equal(stage.upstream.calls[1]?.headers.authorization, 'Bearer sk-a');
    assert.equal(await ask({ authorization: undefined }), 'HIT');
    assert.equal(await ask(named), 'HIT');
  });

  it('a header that would shape the answer shapes no key where it does not reach the upstream', async () => {
    await using stage = await setStage();
    const ask = async (headers: Readonly<Record<string, string>>) =>
      (await stage.ask(PATH, { body, headers })).headers.get('x-cache');
    assert.equal(await ask({ 'x-tone': 'kind', connection: 'X-Tone' }), 'MISS');
    assert.equal(stage.upstream.calls[0]?.headers['x-tone'], undefined);
    assert.equal(await ask({}), 'HIT');
    assert.equal(await ask({ 'x-tone': 'kind' }), 'MISS');
  });

  it('what is asked of the cache may stop here, too: then it is not asked', async () => {
    await using stage = await setStage();
    const headers = { 'x-cache-namespace': 'mine', connection: 'x-cache-namespace' };
    const answer = await stage.ask(PATH, { body, headers });
    assert.match(answer.headers.get('x-cache-key') ?? '', /^embeddings\/default\//);
  });

  it('hop-by-hop headers that it names may still say how the body is framed', async () => {
    await using stage = await setStage();
    const headers = { connection: 'te, transfer-encoding', te: 'trailers', 'transfer-encoding': 'chunked' };
    await stage.ask('/v1/files/f/parts', { body: '{"a":1}', headers });
    assert.equal(stage.upstream.calls[0]?.body.toString(), '{"a":1}');
    assert.equal(stage.upstream.calls[0]?.headers.te, undefined);
  });
});
