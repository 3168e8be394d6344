import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until, within } from '../support/deadline.ts';
import { type Answer, chat, open } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { type Stage, setStage } from '../support/stage.ts';

const CHAT = '/v1/chat/completions';
const MINUTE = 60_000;

function verified(clock?: ManualClock, more: object = {}): Promise<Stage> {
  return setStage({ profile: { access: { share: 'verified' }, ...more }, ...(clock && { clock }) });
}

function ask(stage: Stage, who: string, body: object = chat('hello'), headers: Record<string, string> = {}) {
  return stage.ask(CHAT, { body, headers: { authorization: `Bearer ${who}`, ...headers } });
}

const word = ({ headers }: Answer) => headers.get('x-cache');

describe('verified sharing', () => {
  it('serves an entry to others once the upstream has answered them, and not before', async () => {
    await using stage = await verified();
    assert.equal(word(await ask(stage, 'a')), 'MISS');
    const first = await ask(stage, 'b');
    assert.deepEqual([word(first), first.headers.get('x-cache-reason')], ['MISS', 'credential-unverified']);
    assert.equal(stage.upstream.calls.at(-1)?.headers.authorization, 'Bearer b');
    assert.equal(word(await ask(stage, 'b')), 'HIT');
    assert.equal(word(await ask(stage, 'b', chat('another'))), 'MISS');
    assert.equal(word(await ask(stage, 'a', chat('another'))), 'HIT');
  });

  it('is for one endpoint and one model', async () => {
    await using stage = await verified();
    await ask(stage, 'a', { ...chat('x'), model: 'gpt-6' });
    await ask(stage, 'a', chat('x'));
    await ask(stage, 'b', chat('y'));
    assert.equal(word(await ask(stage, 'b', chat('x'))), 'HIT');
    const other = await ask(stage, 'b', { ...chat('x'), model: 'gpt-6' });
    assert.deepEqual([word(other), other.headers.get('x-cache-reason')], ['MISS', 'credential-unverified']);
    await stage.ask('/v1/completions', { body: { model: 'gpt-5-mini', prompt: 'x' } });
    const elsewhere = await stage.ask('/v1/completions', {
      body: { model: 'gpt-5-mini', prompt: 'x' },
      headers: { authorization: 'Bearer b' },
    });
    assert.equal(elsewhere.headers.get('x-cache-reason'), 'credential-unverified');
  });

  it('ends after verify_ttl, which hits do not extend', async () => {
    const clock = new ManualClock();
    await using stage = await verified(clock);
    await ask(stage, 'a');
    await ask(stage, 'b');
    for (let minute = 0; minute < 4; minute += 1) {
      clock.advance(MINUTE);
      assert.equal(word(await ask(stage, 'b')), 'HIT');
    }
    clock.advance(MINUTE);
    const late = await ask(stage, 'b');
    assert.deepEqual([word(late), late.headers.get('x-cache-reason')], ['MISS', 'credential-unverified']);
  });

  for (const [status, code] of [
    [401, 'invalid_api_key'],
    [403, 'unsupported_country_region_territory'],
    [404, 'model_not_found'],
  ] as const) {
    it(`ends with a ${status} ${code}`, async () => {
      await using stage = await verified();
      await ask(stage, 'a');
      await ask(stage, 'b');
      stage.upstream.answer((_request, response) => sendJson(response, status, { error: { code } }));
      assert.equal((await ask(stage, 'b', chat('new'))).status, status);
      const refused = await ask(stage, 'b');
      assert.equal(refused.status, status);
      assert.equal(word(await ask(stage, 'a')), 'HIT');
    });
  }

  it('a 401 to what is passed through ends it, too', async () => {
    await using stage = await verified();
    await ask(stage, 'a');
    stage.upstream.answer((_request, response) => sendJson(response, 401, {}));
    await stage.ask('/v1/files', { headers: { authorization: 'Bearer a' } });
    assert.equal((await ask(stage, 'a')).status, 401);
  });

  it('gives nobody an old answer unverified, also when the upstream fails', async () => {
    const clock = new ManualClock();
    await using stage = await verified(clock);
    await ask(stage, 'a');
    clock.advance(31 * MINUTE);
    stage.upstream.answer((_request, response) => sendJson(response, 500, {}));
    assert.equal((await ask(stage, 'stranger')).status, 500);
  });

  it('lets a call with only-if-cached see nothing unverified', async () => {
    await using stage = await verified();
    await ask(stage, 'a');
    const only = { 'cache-control': 'only-if-cached' };
    assert.equal((await ask(stage, 'b', chat('hello'), only)).status, 504);
    assert.equal(word(await ask(stage, 'a', chat('hello'), only)), 'HIT');
  });

  it('lets only the verified join a call under way, and gives them no failure of another credential', async () => {
    await using stage = await verified();
    for (const who of ['a', 'b']) await ask(stage, who, chat('first'));
    const gate = stage.upstream.hold();
    stage.upstream.answer((request, response) =>
      request.headers.authorization === 'Bearer a'
        ? sendJson(response, 400, { error: { message: 'a is out of credit' } })
        : sendJson(response, 200, { choices: [{ message: { content: 'fine' }, finish_reason: 'stop' }] }),
    );
    const calls = [];
    for (const who of ['a', 'b', 'stranger']) {
      calls.push(ask(stage, who, chat('second')));
      await stage.running(calls.length);
    }
    await until(() => stage.upstream.calls.length === 4, 'the calls of two of them');
    assert.deepEqual(
      stage.upstream.calls.slice(2).map(({ headers }) => headers.authorization),
      ['Bearer a', 'Bearer stranger'],
    );
    gate.release();
    const [a, b, stranger] = await within(Promise.all(calls), 'all answers');
    assert.equal(a?.status, 400);
    assert.equal(b?.status, 200);
    assert.equal(stranger?.status, 200);
    assert.doesNotMatch(b?.body.toString() ?? '', /out of credit/);
  });

  it('lets the verified follow a running stream', async () => {
    await using stage = await verified();
    for (const who of ['a', 'b']) await ask(stage, who, chat('first'));
    const gate = stage.upstream.holdChunks(1);
    const body = chat('second', { stream: true });
    const first = await open(stage.reprise.url + CHAT, { body, headers: { authorization: 'Bearer a' } });
    const second = await open(stage.reprise.url + CHAT, { body, headers: { authorization: 'Bearer b' } });
    assert.equal(second.headers.get('x-cache'), 'COALESCED');
    gate.release();
    const [one, other] = await Promise.all([first, second].map(({ chunks }) => text(chunks)));
    assert.match(one ?? '', /\[DONE\]/);
    assert.equal(one, other);
    assert.equal(stage.upstream.calls.length, 3);
  });
});
