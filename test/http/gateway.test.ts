import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hashOf } from '../../src/policy/client-key.ts';
import { ManualClock } from '../support/clock.ts';
import { chat } from '../support/http.ts';
import { sendJson } from '../support/openai-server.ts';
import { connectRaw } from '../support/raw.ts';
import { startReprise } from '../support/reprise.ts';
import { type Stage, setStage } from '../support/stage.ts';
import { startWebSocketUpstream } from '../support/upstream/websocket.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';
const OPERATOR = 'sk-operator';

const KEYS = [
  { name: 'web', hash: hashOf('rp-web'), tenant: 'shop-a' },
  { name: 'app', hash: hashOf('rp-app'), tenant: 'shop-a' },
  { name: 'other', hash: hashOf('rp-other'), tenant: 'shop-b' },
  { name: 'loner', hash: hashOf('rp-loner') },
  { name: 'limited', hash: hashOf('rp-limited'), tenant: 'shop-a', rate: '2/m' },
  {
    name: 'back',
    hash: hashOf('rp-back'),
    tenant: 'shop-a',
    allow: ['GET /v1/files/*', '* /v1/images/**'],
    objects: true,
  },
];

interface Options {
  readonly share?: string;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly clock?: ManualClock;
  readonly upstreamSettings?: Readonly<Record<string, unknown>>;
}

function gateway({ share, more, clock, upstreamSettings }: Options = {}): Promise<Stage> {
  return setStage({
    profile: { access: { mode: 'gateway', keys: KEYS, ...(share && { share }) }, ...more },
    upstreamSettings: { api_key: OPERATOR, ...upstreamSettings },
    ...(clock && { clock }),
  });
}

function ask(stage: Stage, key: string | undefined, path = CHAT, said?: object) {
  const body = path.endsWith(CHAT) ? chat('hello') : said;
  const authorization = key === undefined ? undefined : `Bearer ${key}`;
  return stage.ask(path, { headers: { authorization }, ...(body && { body }) });
}

const errorOf = (answer: { json(): Record<string, unknown> }): Record<string, unknown> => {
  const { error } = answer.json();
  assert.ok(typeof error === 'object' && error !== null);
  return { ...error };
};

describe('the gateway', () => {
  it('answers 401 to no key and to one that was not issued, and sends nothing upstream', async () => {
    await using stage = await gateway();
    for (const key of [undefined, 'rp-nobody', OPERATOR, 'sha256:x', KEYS[0]?.hash ?? '']) {
      for (const path of [CHAT, '/v1/models', '/v1/files', '/v1/realtime']) {
        const answer = await ask(stage, key, path);
        assert.equal(answer.status, 401, `${key} ${path}`);
        const { code, type, message } = errorOf(answer);
        assert.deepEqual([code, type], ['unauthorized', 'reprise_error']);
        assert.match(String(message), key === undefined ? /^There is no API key/ : /not one that was issued/);
        assert.equal(answer.headers.get('x-should-retry'), 'false');
      }
    }
    assert.equal(stage.upstream.calls.length, 0);
  });

  for (const [how, headers] of [
    ['as a bearer token', { authorization: 'Bearer rp-web' }],
    ['as Azure’s header', { authorization: undefined, 'api-key': 'rp-web' }],
    ['as others’ header', { authorization: undefined, 'x-api-key': 'rp-web' }],
    [
      'beside headers of the upstream’s own',
      {
        authorization: 'bearer rp-web',
        'openai-organization': 'org-evil',
        'openai-project': 'p',
        'x-goog-api-key': 'g',
      },
    ],
  ] as const) {
    it(`takes the key ${how}, and the upstream gets the operator's and nothing else of it`, async () => {
      await using stage = await gateway();
      for (const path of [CHAT, '/v1/models'] as const) {
        const sent = path === CHAT ? { body: chat('x') } : {};
        assert.equal((await stage.ask(path, { headers, ...sent })).status, 200);
      }
      assert.equal(stage.upstream.calls.length, 2);
      for (const call of stage.upstream.calls) {
        assert.equal(call.headers.authorization, `Bearer ${OPERATOR}`);
        assert.doesNotMatch(call.rawHeaders.join('\n'), /rp-web|org-evil|x-goog|api-key|openai-project/i);
      }
    });
  }

  it('sends each upstream its own key only, as its dialect says, and none to one that has none', async () => {
    await using other = await startUpstream();
    await using third = await startUpstream();
    await using stage = await gateway({
      more: {
        upstreams: {
          azure: { base_url: other.url, dialect: 'azure', api_key: 'azure-key' },
          local: { base_url: third.url, dialect: 'vllm' },
        },
      },
    });
    await ask(stage, 'rp-web');
    await ask(stage, 'rp-web', '/azure/v1/chat/completions');
    await ask(stage, 'rp-web', '/local/v1/chat/completions');
    const credentials = [stage.upstream, other, third].map(({ calls }) => [
      calls[0]?.headers.authorization,
      calls[0]?.headers['api-key'],
    ]);
    assert.deepEqual(credentials, [
      [`Bearer ${OPERATOR}`, undefined],
      [undefined, 'azure-key'],
      [undefined, undefined],
    ]);
  });

  it('shares entries within a tenant, and a key without one shares with none', async () => {
    await using stage = await gateway();
    const words = [];
    for (const key of ['rp-web', 'rp-app', 'rp-web', 'rp-other', 'rp-loner', 'rp-loner', 'rp-app']) {
      words.push((await ask(stage, key)).headers.get('x-cache'));
    }
    assert.deepEqual(words, ['MISS', 'HIT', 'HIT', 'MISS', 'MISS', 'HIT', 'HIT']);
  });

  it('shares entries among all with share: all', async () => {
    await using stage = await gateway({ share: 'all' });
    const words = [];
    for (const key of ['rp-web', 'rp-other', 'rp-loner'])
      words.push((await ask(stage, key)).headers.get('x-cache'));
    assert.deepEqual(words, ['MISS', 'HIT', 'HIT']);
  });

  it('forbids what is no cached endpoint unless the key allows it', async () => {
    await using stage = await gateway();
    for (const [key, path, status] of [
      ['rp-web', '/v1/files/f1', 403],
      ['rp-back', '/v1/files/f1', 200],
      ['rp-back', '/v1/files', 403],
      ['rp-back', '/v1/files/f1/content', 403],
      ['rp-back', '/v1/files/f1%2fcontent', 403],
      ['rp-back', '/default/v1/files/f1', 403],
      ['rp-back', '/v1/fine_tuning/jobs', 403],
    ] as const) {
      stage.upstream.answer((_request, response) => sendJson(response, 200, {}));
      const answer = await stage.ask(path, { headers: { authorization: `Bearer ${key}` } });
      assert.equal(answer.status, status, `${key} ${path}`);
      if (status === 403) assert.equal(errorOf(answer).code, 'forbidden');
    }
    assert.equal(stage.upstream.calls.length, 1);
    const generated = await ask(stage, 'rp-back', '/v1/images/generations', { prompt: 'x' });
    assert.equal(generated.status, 200);
    assert.equal(stage.upstream.calls[1]?.headers.authorization, `Bearer ${OPERATOR}`);
  });

  it('forbids requests that name objects of the account, or cannot be read so far, unless the key may', async () => {
    await using stage = await gateway();
    const named: readonly (readonly [
      path: string,
      body: object | string,
      headers?: Record<string, string>,
    ])[] = [
      ['/v1/responses', { model: 'm', input: 'x', previous_response_id: 'resp_1' }],
      ['/v1/responses', { model: 'm', input: 'x', conversation: 'conv_1' }],
      ['/v1/responses', { model: 'm', input: [{ content: [{ type: 'input_file', file_id: 'f' }] }] }],
      [CHAT, { model: 'm', messages: [{ content: [{ type: 'file', file: { file_id: 'f' } }] }] }],
      ['/v1/vector_stores/vs_1/search', { query: 'x' }],
      [CHAT, '{"model":"m","model":"n","messages":[]}'],
      [CHAT, 'not json'],
      [CHAT, chat('x'), { 'content-type': 'text/plain' }],
    ];
    for (const [path, body, more] of named) {
      const sent = (key: string) =>
        stage.ask(path, { body, headers: { authorization: `Bearer ${key}`, ...more } });
      const refused = await sent('rp-web');
      assert.equal(refused.status, 403, JSON.stringify(body));
      assert.equal(errorOf(refused).code, 'forbidden');
      const before = stage.upstream.calls.length;
      await sent('rp-back');
      assert.equal(stage.upstream.calls.length, before + 1, JSON.stringify(body));
    }
    assert.equal(stage.upstream.calls.length, named.length);
  });

  it('keeps what touches the account within one key', async () => {
    await using stage = await gateway({ share: 'all' });
    const words: (string | undefined)[] = [];
    for (const [path, body] of [
      ['/v1/models', undefined],
      ['/v1/responses', { model: 'm', input: 'x' }],
      ['/v1/responses', { model: 'm', input: 'x', store: false }],
      ['/v1/responses', { model: 'm', input: 'x', store: false, access_programs: { cyber: 'standard' } }],
    ] as const) {
      for (const key of ['rp-web', 'rp-app', 'rp-web'])
        words.push((await ask(stage, key, path, body)).headers.get('x-cache'));
    }
    const own = ['MISS', 'MISS', 'HIT'];
    assert.deepEqual(words, [...own, ...own, 'MISS', 'HIT', 'HIT', ...own]);
  });

  it("limits a key's rate, hits included, and says when there is room again", async () => {
    const clock = new ManualClock();
    await using stage = await gateway({ clock });
    await ask(stage, 'rp-web');
    const words = [];
    for (let call = 0; call < 2; call += 1)
      words.push((await ask(stage, 'rp-limited')).headers.get('x-cache'));
    assert.deepEqual(words, ['HIT', 'HIT']);
    const limited = await ask(stage, 'rp-limited');
    assert.equal(limited.status, 429);
    assert.equal(errorOf(limited).code, 'rate_limited');
    assert.equal(limited.headers.get('retry-after'), '30');
    assert.equal((await ask(stage, 'rp-web')).status, 200);
    clock.advance(30_000);
    assert.equal((await ask(stage, 'rp-limited')).headers.get('x-cache'), 'HIT');
  });

  it("serves the user's own routes, whose upstream gets no client's key", async () => {
    await using shop = await startUpstream();
    shop.answer((_request, response) => void response.end('{"id":7}'));
    await using stage = await gateway({
      more: {
        upstreams: { shop: { base_url: shop.origin } },
        routes: [
          {
            name: 'product',
            match: { method: 'GET', path: '/catalog/{id}' },
            type: 'products',
            upstream: 'shop',
          },
        ],
      },
    });
    const get = (key: string) => stage.ask('/catalog/7', { headers: { authorization: `Bearer ${key}` } });
    assert.equal((await get('rp-web')).headers.get('x-cache'), 'MISS');
    assert.equal((await get('rp-app')).headers.get('x-cache'), 'HIT');
    assert.equal((await get('rp-other')).headers.get('x-cache'), 'MISS');
    assert.equal((await get('rp-nobody')).status, 401);
    assert.doesNotMatch(shop.calls.map(({ rawHeaders }) => rawHeaders.join()).join(), /rp-|authorization/i);
  });

  it('shares the operator’s own failures among those who wait for them', async () => {
    await using stage = await gateway();
    const gate = stage.upstream.hold();
    stage.upstream.answer((_request, response) => sendJson(response, 400, { error: { message: 'no' } }));
    const calls = ['rp-web', 'rp-app'].map((key) => ask(stage, key));
    await stage.running(2);
    gate.release();
    const answers = await Promise.all(calls);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [400, 400],
    );
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('tunnels WebSockets for keys that may, with the operator’s key in the place of theirs', async () => {
    using upstream = await startWebSocketUpstream();
    await using reprise = await startReprise({
      upstream: upstream.url,
      profile: {
        access: {
          mode: 'gateway',
          keys: [
            { name: 'live', hash: hashOf('rp-live'), allow: ['GET /v1/realtime'] },
            { name: 'web', hash: hashOf('rp-web') },
          ],
        },
      },
      upstreamSettings: { api_key: OPERATOR },
    });
    const shake = async (...more: string[]) => {
      const lines = ['GET /v1/realtime HTTP/1.1', 'Host: h', 'Connection: Upgrade', 'Upgrade: websocket'];
      const bytes = [...lines, ...KEY_LINES, ...more, '', ''].join('\r\n');
      using client = connectRaw(reprise.url, bytes);
      await client.got(/\r\n\r\n[^{]*(\{.*\})?$/);
      const text = client.text();
      return text;
    };
    assert.match(await shake('Authorization: Bearer rp-live'), /^HTTP\/1.1 101 /);
    const browsers =
      'Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.rp-live, openai-organization.org';
    assert.match(await shake(browsers), /^HTTP\/1.1 101 [\s\S]*sec-websocket-protocol: realtime/i);
    assert.match(await shake('Authorization: Bearer rp-web'), /^HTTP\/1.1 403 [\s\S]*"forbidden"/);
    assert.match(await shake('Authorization: Bearer rp-nobody'), /^HTTP\/1.1 401 [\s\S]*"unauthorized"/);
    assert.match(await shake(), /^HTTP\/1.1 401 /);
    assert.equal(upstream.handshakes.length, 2);
    for (const { headers, rawHeaders } of upstream.handshakes) {
      assert.equal(headers.authorization, `Bearer ${OPERATOR}`);
      assert.doesNotMatch(rawHeaders.join(' '), /rp-live|organization/);
    }
  });
});

const KEY_LINES = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
