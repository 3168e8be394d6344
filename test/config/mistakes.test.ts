import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderWith, linesOf, load } from './support.ts';

const DURATION = 'a duration: a whole number and its unit (ms, s, m, h or d), such as 30s';
const SIZE = 'a size: a whole number and its unit (B, KB, MB, GB or TB), such as 200MB';
const BASE_URL =
  'an http or https URL without query, fragment and credentials, such as https://api.openai.com/v1';
const ORIGINS = '"*" or a list of origins, such as [https://shop.example]';
const NAME = 'a name of at most 64 letters, digits, _ and -, a letter first';
const PATTERN =
  'a path from / without query, whose segments are literal or one {name} each, such as /products/{id}';

const KEY = `{ name: web, hash: "sha256:${'A'.repeat(43)}" }`;

/** A profile of few lines, and the one line that a user sees after `profile.yaml:`. */
const MISTAKES: readonly (readonly [title: string, profile: string, line: string])[] = [
  [
    'an unknown section',
    'sever: {}',
    '1: sever: got an unknown key, expected a known one; the nearest is "server"',
  ],
  [
    'an unknown key',
    'memory:\n  max_entires: 5',
    '2: memory.max_entires: got an unknown key, expected a known one; the nearest is "max_entries"',
  ],
  [
    'an unknown key of a type',
    'types:\n  models:\n    ttl: 1s\n    stale: 1s',
    '4: types.models.stale: got an unknown key, expected a known one; the nearest is "stale_if_error"',
  ],
  [
    'a port out of range',
    'server: { port: 65536 }',
    '1: server.port: got 65536, expected a whole number from 0 to 65535',
  ],
  [
    'a port in words',
    'server: { port: many }',
    '1: server.port: got "many", expected a whole number from 0 to 65535',
  ],
  [
    'a host with a scheme',
    'server: { host: "http://x" }',
    '1: server.host: got "http://x", expected a host name or an IP address',
  ],
  [
    'a count that is none',
    'memory: { max_entries: 0 }',
    '1: memory.max_entries: got 0, expected a whole number of at least 1',
  ],
  [
    'half an entry',
    'memory: { max_entries: 1.5 }',
    '1: memory.max_entries: got 1.5, expected a whole number of at least 1',
  ],
  ['a size without unit', 'disk: { max_bytes: 500 }', `1: disk.max_bytes: got 500, expected ${SIZE}`],
  ['a size of zero', 'memory: { max_bytes: 0 }', `1: memory.max_bytes: got 0, expected ${SIZE}, above zero`],
  [
    'a duration in words',
    'sweep_every: often',
    `1: sweep_every: got "often", expected ${DURATION}, above zero`,
  ],
  [
    'a duration too long',
    'server: { drain: 999999999999999d }',
    `1: server.drain: got "999999999999999d", expected ${DURATION}`,
  ],
  ['nothing', 'sweep_every:', `1: sweep_every: got nothing, expected ${DURATION}, above zero`],
  [
    'a choice that is none',
    'disk: { compression: lzma }',
    '1: disk.compression: got "lzma", expected none, gzip or zstd',
  ],
  [
    'a sharing of the other mode',
    'access: { share: all }',
    '1: access.share: got "all", expected credential or verified, which go with access.mode passthrough',
  ],
  [
    'a sharing of the other mode, in the gateway',
    `access: { mode: gateway, share: verified, keys: [${KEY}] }`,
    '1: access.share: got "verified", expected tenant or all, which go with access.mode gateway',
  ],
  [
    'a gateway without keys',
    'access: { mode: gateway }',
    '1: access.keys: got nothing, expected at least one key, of those that reprise key new makes',
  ],
  [
    'keys without a gateway',
    `access: { keys: [${KEY}] }`,
    '1: access.keys: got [a map], expected none, unless access.mode is gateway',
  ],
  [
    'two keys of one name',
    `access:\n  mode: gateway\n  keys:\n    - ${KEY}\n    - ${KEY.replace(/AAAA"/, 'AAAB"')}`,
    '5: access.keys[1].name: got "web", expected a name that no other key has, as access.keys[0] does',
  ],
  [
    'one key twice',
    `access:\n  mode: gateway\n  keys:\n    - ${KEY}\n    - ${KEY.replace('web', 'app')}`,
    `5: access.keys[1].hash: got "sha256:${'A'.repeat(43)}", expected a hash that no other key has, as access.keys[0] does`,
  ],
  [
    'a key where its hash belongs',
    'access: { mode: gateway, keys: [{ name: web, hash: rp-x }] }',
    '1: access.keys[0].hash: got "rp-x", expected the hash that reprise key new prints: sha256: and 43 characters',
  ],
  [
    'a rate in words',
    `access: { mode: gateway, keys: [${KEY.replace('}', ', rate: often }')}] }`,
    '1: access.keys[0].rate: got "often", expected a number of calls and a unit of time (s, m, h or d), such as 600/m',
  ],
  [
    'a right without its method',
    `access: { mode: gateway, keys: [${KEY.replace('}', ', allow: [/v1/files] }')}] }`,
    '1: access.keys[0].allow[0]: got "/v1/files", expected a method, or *, and a path pattern, such as "GET /v1/files/*"',
  ],
  [
    'a key of the upstream that nobody uses',
    'upstreams: { default: { api_key: sk-operator-secret } }',
    '1: upstreams.default.api_key: got "***", expected none, unless access.mode is gateway: clients bring their own keys',
  ],
  [
    'what is printed in the place of a secret',
    'webhooks: { w: { scheme: shopify, secret: ["***"], rules: [{ event: "**", type: products }] } }',
    '1: webhooks.w.secret[0]: got the "***" that reprise config prints in the place of a secret, expected the secret itself, or the variable of the environment that holds it',
  ],
  [
    'an address with what is printed in the place of a secret',
    'redis: { url: "redis://***@cache.example:6379" }',
    '1: redis.url: got the "***" that reprise config prints in the place of a secret, expected the secret itself, or the variable of the environment that holds it',
  ],
  [
    'an origin with a path',
    'server: { cors: { origins: [https://shop.example/] } }',
    `1: server.cors.origins[0]: got "https://shop.example/", expected ${ORIGINS}`,
  ],
  [
    'an origin that browsers write otherwise',
    'server: { cors: { origins: ["https://shop.example:443"] } }',
    `1: server.cors.origins[0]: got "https://shop.example:443", expected ${ORIGINS}`,
  ],
  [
    'an origin outside of a list',
    'server: { cors: { origins: https://shop.example } }',
    `1: server.cors.origins: got "https://shop.example", expected ${ORIGINS}`,
  ],
  [
    'a client that is waited for no time',
    'server: { timeouts: { write: 0 } }',
    `1: server.timeouts.write: got 0, expected ${DURATION}, above zero`,
  ],
  ['a value for a map', 'log: loud', '1: log: got "loud", expected a map'],
  ['a list for a map', 'log: [a, 1]', '1: log: got ["a", 1], expected a map'],
  [
    'a map for a value',
    'log: { level: { a: b } }',
    '1: log.level: got a map, expected debug, info, warn, error or silent',
  ],
  ['a map for a list', 'routes: {}', '1: routes: got a map, expected a list of routes'],
  [
    'a type without ttl',
    'types:\n  mine: { linger: 1s }',
    `2: types.mine.ttl: got nothing, expected ${DURATION}`,
  ],
  [
    'a type without a proper name',
    'types: { "a b": { ttl: 1s } }',
    `1: types["a b"]: got this name, expected ${NAME}`,
  ],
  [
    'a name of the language',
    'types: { __proto__: { ttl: 1s } }',
    `1: types.__proto__: got this name, expected ${NAME}`,
  ],
  [
    'an upstream without URL',
    'upstreams: { a: {} }',
    `1: upstreams.a.base_url: got nothing, expected ${BASE_URL}`,
  ],
  [
    'another scheme',
    upstream('ftp://x/v1'),
    `1: upstreams.a.base_url: got "ftp://x/v1", expected ${BASE_URL}`,
  ],
  [
    'a query',
    upstream('http://x/v1?key=abc'),
    `1: upstreams.a.base_url: got "http://x/v1?key=***", expected ${BASE_URL}`,
  ],
  [
    'an empty query',
    upstream('http://x/v1?'),
    `1: upstreams.a.base_url: got "http://x/v1?", expected ${BASE_URL}`,
  ],
  [
    'a fragment',
    upstream('http://x/v1#a'),
    `1: upstreams.a.base_url: got "http://x/v1#a", expected ${BASE_URL}`,
  ],
  [
    'credentials',
    upstream('http://me:pw@x/v1'),
    `1: upstreams.a.base_url: got "http://***@x/v1", expected ${BASE_URL}`,
  ],
  [
    'a backslash',
    upstream('http://x\\\\y'),
    `1: upstreams.a.base_url: got "http://x\\\\y", expected ${BASE_URL}`,
  ],
  [
    'a line end',
    upstream('http://x/v1\\n'),
    `1: upstreams.a.base_url: got "http://x/v1\\n", expected ${BASE_URL}`,
  ],
  ['no host', upstream('http://'), `1: upstreams.a.base_url: got "http://", expected ${BASE_URL}`],
  [
    'itself as its upstream',
    upstream('http://localhost:8787/v1'),
    `1: upstreams.a.base_url: got "http://localhost:8787/v1", expected an upstream other than the server's own address`,
  ],
  [
    'an upstream in the place of a path',
    'upstreams: { openai: { base_url: "http://x" } }',
    '1: upstreams.openai: got a name that would take the path /openai, expected a name other than v1, openai, monitoring, cache, webhooks, health, metrics, dashboard, v2',
  ],
  [
    'an upstream that would stand before a path of the API',
    'upstreams: { v2: { base_url: "http://127.0.0.1:1/v1" } }',
    '1: upstreams.v2: got a name that would take the path /v2, expected a name other than v1, openai, monitoring, cache, webhooks, health, metrics, dashboard, v2',
  ],
  [
    'an unknown dialect',
    'upstreams: { default: { dialect: OpenAI } }',
    '1: upstreams.default.dialect: got "OpenAI", expected openai, azure, vllm, ollama, llamacpp or generic',
  ],
  [
    'an unknown endpoint',
    'upstreams: { default: { serves: [chat, embedding] } }',
    '1: upstreams.default.serves[1]: got "embedding", expected embeddings, chat, completions, responses, moderations, rerank, vector_store_search or models',
  ],
  [
    'a timeout of zero',
    'upstreams: { default: { timeouts: { total: 0s } } }',
    `1: upstreams.default.timeouts.total: got "0s", expected ${DURATION}, above zero`,
  ],
  [
    'yes',
    'upstreams: { default: { inject_usage: yes } }',
    '1: upstreams.default.inject_usage: got "yes", expected true or false',
  ],
  [
    'no name',
    'routes:\n  - { match: { method: GET, path: /a }, type: models, upstream: default }',
    `2: routes[0].name: got nothing, expected ${NAME}`,
  ],
  [
    'another method',
    route('match: { method: PATCH, path: /a }'),
    '1: routes[0].match.method: got "PATCH", expected GET, POST or a list of them',
  ],
  [
    'no method',
    route('match: { method: [], path: /a }'),
    '1: routes[0].match.method: got [], expected GET, POST or a list of them',
  ],
  [
    'a path that is none',
    route('match: { method: GET, path: a }'),
    `1: routes[0].match.path: got "a", expected ${PATTERN}`,
  ],
  [
    'a path with a query',
    route('match: { method: GET, path: "/a?b" }'),
    `1: routes[0].match.path: got "/a?b", expected ${PATTERN}`,
  ],
  [
    'a path with dots',
    route('match: { method: GET, path: /a/../b }'),
    `1: routes[0].match.path: got "/a/../b", expected ${PATTERN}`,
  ],
  [
    'a path with a gap',
    route('match: { method: GET, path: /a//b }'),
    `1: routes[0].match.path: got "/a//b", expected ${PATTERN}`,
  ],
  [
    'half a variable',
    route('match: { method: GET, path: "/a-{b}" }'),
    `1: routes[0].match.path: got "/a-{b}", expected ${PATTERN}`,
  ],
  [
    'a variable twice',
    route('match: { method: GET, path: "/a/{a}/{a}" }'),
    `1: routes[0].match.path: got "/a/{a}/{a}", expected ${PATTERN}`,
  ],
  [
    'a route that takes any first segment, reserved ones too',
    route('match: { method: GET, path: "/{shop}/products" }'),
    '1: routes[0].match.path: got "/{shop}/products", expected a path whose first segment is literal',
  ],
  [
    'a reserved path',
    route('match: { method: GET, path: /cache/x }'),
    '1: routes[0].match.path: got "/cache/x", expected a path outside /v1, /openai, /monitoring, /cache, /webhooks, /health, /metrics, /dashboard, which are reserved',
  ],
  [
    "an upstream's path",
    route('match: { method: GET, path: /default/v1/x }'),
    '1: routes[0].match.path: got "/default/v1/x", expected a path outside /default/v1, where the upstream of that name is reached',
  ],
  [
    'a path where rerankers are asked',
    route('match: { method: POST, path: "/v2/{what}" }'),
    '1: routes[0].match.path: got "/v2/{what}", expected a path other than /v2/rerank, which is reserved',
  ],
  [
    'such a path below an upstream',
    route('match: { method: POST, path: /default/rerank }'),
    '1: routes[0].match.path: got "/default/rerank", expected a path outside /default/rerank, where the upstream of that name is reached',
  ],
  [
    'an unknown type',
    route('type: model'),
    '1: routes[0].type: got "model", expected a name under types; the nearest is "models"',
  ],
  [
    'a type of the language',
    route('type: toString'),
    '1: routes[0].type: got "toString", expected a name under types; the nearest is "embeddings"',
  ],
  [
    'an unknown upstream',
    route('upstream: defualt'),
    '1: routes[0].upstream: got "defualt", expected a name under upstreams; the nearest is "default"',
  ],
  [
    'a variable from nowhere',
    route('rewrite: "/b/{c}"'),
    '1: routes[0].rewrite: got "/b/{c}", expected only variables of match.path: {id}',
  ],
  [
    'a key of numbers',
    route('key: { query: 1 }'),
    '1: routes[0].key.query: got 1, expected "*" or a list of query parameters',
  ],
  [
    'a header that is none',
    route('key: { headers: ["a b"] }'),
    '1: routes[0].key.headers[0]: got "a b", expected a header name',
  ],
  [
    'half a body',
    route('key: { body: some }'),
    '1: routes[0].key.body: got "some", expected true, false or a list of fields of a JSON body',
  ],
  [
    'a key twice',
    'server:\n  port: 1\n  port: 2',
    '3: server.port: got the key again, after profile.yaml:2, expected each key once',
  ],
];

function upstream(url: string): string {
  return `upstreams: { a: { base_url: "${url}" } }`;
}

/** A route on the profile's first line, with one field replaced. */
function route(field: string): string {
  const fields = new Map([
    ['name', 'name: a'],
    ['match', 'match: { method: GET, path: "/a/{id}" }'],
    ['type', 'type: models'],
    ['upstream', 'upstream: default'],
  ]);
  fields.set(field.slice(0, field.indexOf(':')), field);
  return `routes: [{ ${[...fields.values()].join(', ')} }]`;
}

for (const [title, profile, line] of MISTAKES) {
  test(`a mistake is told with its place, what was got and what is expected: ${title}`, () => {
    const cwd = folderWith({ 'profile.yaml': `${profile}\n` });
    assert.deepEqual(linesOf(load(cwd, { profile: 'profile.yaml' })), [`profile.yaml:${line}`]);
  });
}

const PAIRS: readonly (readonly [one: string, other: string, overlap: boolean])[] = [
  ['GET /a/{x}', 'GET /a/{y}', true],
  ['GET /a', 'GET /a', true],
  ['GET /a/{x}/c', 'GET /a/b/{y}', true],
  ['[GET, POST] /a', 'POST /a', true],
  ['GET /a/{x}', 'GET /a/b', false],
  ['GET /a/{x}/{y}', 'GET /a/b/{y}', false],
  ['GET /a/{x}', 'POST /a/{x}', false],
  ['GET /a/{x}', 'GET /b/{x}', false],
  ['GET /a', 'GET /a/', false],
  ['GET /s/{x}/b/c', 'GET /s/a/b/{z}', true],
  ['GET /s/{x}/b', 'GET /s/a/c', false],
];

for (const [one, other, overlap] of PAIRS) {
  test(`two routes, ${one} and ${other}, ${overlap ? 'are in each other’s way' : 'go together'}`, () => {
    const [first, second] = [one, other].map((text, index) => {
      const at = text.indexOf(' /');
      const match = `{ method: ${text.slice(0, at)}, path: "${text.slice(at + 1)}" }`;
      return `  - { name: r${index}, match: ${match}, type: models, upstream: default }\n`;
    });
    const cwd = folderWith({ 'profile.yaml': `routes:\n${first}${second}` });
    const got = JSON.stringify(other.slice(other.indexOf(' /') + 1));
    const expected =
      'a path that routes[0] ("r0") does not match too, or one of the two more specific throughout';
    const line = `profile.yaml:3: routes[1].match.path: got ${got}, expected ${expected}`;
    assert.deepEqual(linesOf(load(cwd, { profile: 'profile.yaml' })), overlap ? [line] : []);
  });
}

test('paths beside those of the API, and names that only look like them, are free', () => {
  const cwd = folderWith({
    'profile.yaml': [
      'upstreams: { rerank: { base_url: "http://127.0.0.1:1/v1" } }',
      'routes:',
      ...['/v2/products/{id}', '/rerank/items/{id}', '/default/v2/items'].map(
        (path, index) =>
          `  - { name: r${index}, match: { method: GET, path: "${path}" }, type: models, upstream: default }`,
      ),
    ].join('\n'),
  });
  assert.deepEqual(linesOf(load(cwd, { profile: 'profile.yaml' })), []);
});

test('two routes cannot have one name', () => {
  const routes = ['a', 'b'].map(
    (path) => `  - { name: same, match: { method: GET, path: /${path} }, type: models, upstream: default }\n`,
  );
  const cwd = folderWith({ 'profile.yaml': `routes:\n${routes.join('')}` });
  assert.deepEqual(linesOf(load(cwd, { profile: 'profile.yaml' })), [
    'profile.yaml:3: routes[1].name: got "same", expected a name that no other route has, as routes[0] ("same") does',
  ]);
});

test('all mistakes are told at once, wherever they stand', () => {
  const cwd = folderWith({
    'base.yaml': 'log: { level: loud }\nmemory: { max_entries: -1 }\n',
    'profile.yaml': [
      'extends: base.yaml',
      `server: { port: 1, port: 2, max_body: "\${NO_SUCH}" }`,
      'routes:',
      '  - { type: nothing }',
      'sweep_evry: 1s',
    ].join('\n'),
  });
  const env = { REPRISE_PORT: 'x' };
  const lines = linesOf(
    load(cwd, { profile: 'profile.yaml', upstream: 'x', sets: ['a', 'disk.path.x=1'] }, env),
  );
  const places = lines.map((line) => line.slice(0, line.indexOf(': got')));
  assert.deepEqual(places.toSorted(), [
    '--set a',
    '--set disk.path.x: disk.path',
    '--upstream: upstreams.default.base_url',
    'REPRISE_PORT: server.port',
    'base.yaml:1: log.level',
    'base.yaml:2: memory.max_entries',
    'profile.yaml:2: server.max_body',
    'profile.yaml:2: server.port',
    'profile.yaml:4: routes[0].match',
    'profile.yaml:4: routes[0].name',
    'profile.yaml:4: routes[0].type',
    'profile.yaml:4: routes[0].upstream',
    'profile.yaml:5: sweep_evry',
  ]);
});
