import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, chat, type Sent } from '../support/http.ts';
import { oneRoute, type Stage, setStage } from '../support/stage.ts';
import { answering } from '../support/upstream/faults.ts';

const SHOP = 'https://shop.example';
const CHAT = '/v1/chat/completions';

const fromShop = (sent: Sent = {}): Sent => ({ ...sent, headers: { origin: SHOP, ...sent.headers } });

const preflight = (origin = SHOP): Sent => ({
  method: 'OPTIONS',
  headers: {
    origin,
    authorization: undefined,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-stainless-os',
  },
});

const open = (origins: string | readonly string[]) =>
  setStage({ profile: { server: { cors: { origins } } } });

/** The names of the CORS headers of an answer. */
const corsOf = ({ headers }: Answer) =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'));

function assertReadable(answer: Answer, what: string, allowed = SHOP): void {
  assert.equal(answer.headers.get('access-control-allow-origin'), allowed, what);
  assert.match(
    answer.headers.get('access-control-expose-headers') ?? '',
    /x-cache.*age.*x-request-id.*retry-after/,
  );
  const vary = (answer.headers.get('vary') ?? '').split(', ');
  assert.equal(vary.filter((name) => name === 'origin').length, allowed === '*' ? 0 : 1, what);
}

describe('with server.cors.origins', () => {
  it('every answer can be read by a page of such an origin: misses, hits, streams, relays, errors of ours and the upstream', async () => {
    await using stage = await open([SHOP, 'http://localhost:3000']);
    const { upstream } = stage;
    upstream.answer(answering(200, 'f', { vary: 'accept', 'access-control-allow-origin': '*' }), '/files');
    upstream.answer(answering(429, '{}', { 'retry-after': '1' }), '/moderations');
    const body = chat('x');
    for (const [what, path, sent, status] of [
      ['a miss', CHAT, { body }, 200],
      ['a hit', CHAT, { body }, 200],
      ['a stream', CHAT, { body: chat('y', { stream: true }) }, 200],
      ['a bypass', CHAT, { body: chat('x', { store: true }) }, 200],
      ['a relay', '/v1/files', {}, 200],
      ["an error of the upstream's", '/v1/moderations', { body: {} }, 429],
      ['an error of ours', CHAT, { body, headers: { 'x-cache-ttl': 'soon' } }, 400],
      ['another one', CHAT, { body: chat('z'), headers: { 'cache-control': 'only-if-cached' } }, 504],
      ['a target that is none', '/v1//files', {}, 400],
      ['a path that is none', '/nowhere', {}, 404],
      ['health', '/health/live', {}, 200],
    ] satisfies [string, string, Sent, number][]) {
      const answer = await stage.ask(path, fromShop(sent));
      assert.equal(answer.status, status, what);
      assertReadable(answer, what);
    }
    const relayed = await stage.ask('/v1/files', fromShop());
    assert.equal(relayed.headers.get('vary'), 'accept, origin');
    const local = await stage.ask('/v1/files', { headers: { origin: 'http://localhost:3000' } });
    assertReadable(local, 'another origin', 'http://localhost:3000');
  });

  it('an answer to anybody else is the same without them, and says that it depends on who asks', async () => {
    await using stage = await open([SHOP]);
    stage.upstream.answer(answering(200, 'f', { 'access-control-allow-origin': '*' }), '/files');
    for (const origin of ['https://evil.example', 'https://shop.example.evil.example', 'null', undefined]) {
      for (const path of ['/v1/files', '/v1/models']) {
        const answer = await stage.ask(path, { headers: { origin } });
        assert.equal(answer.status, 200);
        assert.deepEqual(corsOf(answer), []);
        assert.equal(answer.headers.get('vary'), 'origin');
      }
    }
  });

  it('a preflight is answered here, and lets the page send what it asked for', async () => {
    await using stage = await open([SHOP]);
    for (const path of [CHAT, '/v1/files', '/openai/deployments/d/chat/completions', '/default/v1/models']) {
      const answer = await stage.ask(path, preflight());
      assert.equal(answer.status, 204, path);
      assert.equal(answer.body.length, 0);
      assert.equal(answer.headers.get('access-control-allow-origin'), SHOP);
      assert.equal(
        answer.headers.get('access-control-allow-headers'),
        'authorization,content-type,x-stainless-os',
      );
      assert.match(answer.headers.get('access-control-allow-methods') ?? '', /GET.*POST.*DELETE/);
      assert.equal(answer.headers.get('access-control-max-age'), '7200');
      assert.equal(answer.headers.get('vary'), 'origin');
    }
    const refused = await stage.ask(CHAT, preflight('https://evil.example'));
    assert.equal(refused.status, 204);
    assert.deepEqual(corsOf(refused), []);
    assert.equal(stage.upstream.calls.length, 0);
  });

  it('a preflight of the control plane is not answered: its calls are not for pages of others', async () => {
    await using stage = await open('*');
    const answer = await stage.ask('/health/ready', preflight());
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get('access-control-allow-methods'), undefined);
  });

  it('an OPTIONS that is no preflight goes on', async () => {
    await using stage = await open([SHOP]);
    stage.upstream.answer(answering(200, 'o', { allow: 'GET' }));
    const answer = await stage.ask('/v1/files', fromShop({ method: 'OPTIONS' }));
    assert.equal(answer.headers.get('allow'), 'GET');
    assertReadable(answer, 'OPTIONS');
  });

  it('"*" is every origin, alone or in a list', async () => {
    for (const origins of ['*', ['*']]) {
      await using stage = await open(origins);
      const answer = await stage.ask('/v1/files', { headers: { origin: 'null' } });
      assertReadable(answer, 'relay', '*');
      assert.equal((await stage.ask(CHAT, preflight())).headers.get('access-control-allow-origin'), '*');
    }
  });

  it('the preflight of a route is answered like any other', async () => {
    const { profileFor } = oneRoute({}, { server: { cors: { origins: [SHOP] } } });
    await using stage = await setStage({ profileFor });
    assert.equal((await stage.ask('/catalog/7', preflight())).status, 204);
    assertReadable(await stage.ask('/catalog/7', fromShop()), 'a route');
  });
});

describe('without server.cors.origins', () => {
  it('no answer has a CORS header, and OPTIONS is a method like any other', async () => {
    await using stage: Stage = await setStage();
    stage.upstream.answer(answering(200, 'o', { 'access-control-allow-origin': '*', 'x-mine': '1' }));
    for (const sent of [preflight(), fromShop()]) {
      const answer = await stage.ask('/v1/files', sent);
      assert.equal(answer.headers.get('x-mine'), '1');
      assert.deepEqual(corsOf(answer), []);
      assert.equal(answer.headers.get('vary'), undefined);
    }
    assert.deepEqual(
      stage.upstream.calls.map(({ method }) => method),
      ['OPTIONS', 'GET'],
    );
  });
});
