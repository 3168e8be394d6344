import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { folderWith, linesOf, load, settingsOf } from './support.ts';

test('without flags and environment it is the profile development', () => {
  const loaded = load(folderWith({}));
  assert.equal(loaded.kind === 'loaded' && loaded.profile, 'development');
  assert.equal(settingsOf(loaded).memory.max_entries, 500);
});

test('a flag counts before the environment, and the environment before the profile', () => {
  const cwd = folderWith({ 'p.yaml': 'server: { host: 1.1.1.1, port: 1 }\ndisk: { path: one }\n' });
  const env = { REPRISE_PROFILE: 'p.yaml', REPRISE_PORT: '2', REPRISE_DATA: 'two' };
  const { server, disk } = settingsOf(load(cwd, { data: 'three' }, env));
  assert.deepEqual([server.host, server.port, disk.path], ['1.1.1.1', 2, join(cwd, 'three')]);
});

test('--profile counts before REPRISE_PROFILE', () => {
  const loaded = load(folderWith({}), { profile: 'testing' }, { REPRISE_PROFILE: 'production' });
  assert.equal(settingsOf(loaded).memory.max_entries, 100);
});

test('the upstream is --upstream, else REPRISE_UPSTREAM, else OPENAI_BASE_URL', () => {
  const env = { REPRISE_UPSTREAM: 'http://two/v1', OPENAI_BASE_URL: 'http://three/v1' };
  const urlOf = (...given: Parameters<typeof load>) =>
    settingsOf(load(...given)).upstreams.get('default')?.base_url;
  assert.equal(urlOf('/', { upstream: 'http://one/v1' }, env), 'http://one/v1');
  assert.equal(urlOf('/', {}, env), 'http://two/v1');
  assert.equal(urlOf('/', {}, { ...env, REPRISE_UPSTREAM: '' }), 'http://three/v1');
  assert.equal(urlOf('/'), 'https://api.openai.com/v1');
});

test('an upstream that is the server itself is refused, and another one of this machine is not', () => {
  const isRefused = (host: string, upstream: string) => linesOf(load('/', { host, upstream })).length > 0;
  assert.ok(isRefused('127.0.0.1', 'http://localhost:8787/v1'));
  assert.ok(isRefused('0.0.0.0', 'http://[::1]:8787/v1'));
  assert.ok(isRefused('10.0.0.5', 'http://10.0.0.5:8787/v1'));
  assert.ok(!isRefused('127.0.0.1', 'http://localhost:8788/v1'));
  assert.ok(!isRefused('10.0.0.5', 'http://localhost:8787/v1'));
});

test('every setting with a variable of its own takes it', () => {
  const { server, disk } = settingsOf(
    load('/', {}, { REPRISE_HOST: '::1', REPRISE_PORT: '0', REPRISE_DATA: '/d' }),
  );
  assert.deepEqual([server.host, server.port, disk.path], ['::1', 0, '/d']);
});

test('--set sets any setting, the last one counts, and it counts before the other flags', () => {
  const sets = [
    'types.llm_responses.ttl=5s',
    'types.llm_responses.ttl=2s',
    'upstreams.default.models=[gpt-*, o3]',
    'upstreams.default.inject_usage=false',
    'server.port=9',
    'types.mine={ ttl: 1m }',
  ];
  const settings = settingsOf(load('/', { port: '8', sets }));
  assert.equal(settings.types.get('llm_responses')?.ttl, 2000);
  assert.equal(settings.types.get('llm_responses')?.stale_if_error, 3_600_000);
  assert.deepEqual(settings.upstreams.get('default')?.models, ['gpt-*', 'o3']);
  assert.equal(settings.upstreams.get('default')?.inject_usage, false);
  assert.equal(settings.server.port, 9);
  assert.equal(settings.types.get('mine')?.ttl, 60_000);
});

test('a --set that cannot be read is told like any mistake', () => {
  const sets = ['a', 'a..b=1', '=1', 'extends=production', 'sever.port=1', 'log.level=[', '__proto__.x=1'];
  assert.deepEqual(linesOf(load('/', { sets })), [
    '--set a: got no value, expected PATH=VALUE, such as types.llm_responses.ttl=2s',
    '--set a..b: got an empty key, expected PATH=VALUE, such as types.llm_responses.ttl=2s',
    '--set : got an empty key, expected PATH=VALUE, such as types.llm_responses.ttl=2s',
    '--set extends: extends: got a profile to extend, expected --profile, which chooses one',
    '--set log.level: got no valid YAML (Flow sequence must end with a ]), expected one document of YAML 1.2',
    '--set sever.port: sever: got an unknown key, expected a known one; the nearest is "server"',
    '--set __proto__.x: __proto__: got an unknown key, expected a known one; the nearest is "routes"',
  ]);
});

test('a profile is laid over the one it extends: maps deep, lists as a whole', () => {
  const cwd = folderWith({
    'own/a.yaml': 'extends: ../b.yaml\nupstreams: { x: { models: [three] } }\nmemory: { max_bytes: 1MB }\n',
    'b.yaml': 'extends: production\nupstreams: { x: { base_url: "http://x", models: [one, two] } }\n',
  });
  const { memory, disk, upstreams } = settingsOf(load(cwd, { profile: 'own/a.yaml' }));
  assert.deepEqual(memory, { max_entries: 1000, max_bytes: 1_000_000, plans: 32_000_000 });
  assert.equal(disk.compression, 'gzip');
  assert.deepEqual(upstreams.get('x')?.models, ['three']);
  assert.equal(upstreams.get('x')?.base_url, 'http://x');
});

test('upstreams keep the order of the file', () => {
  const cwd = folderWith({
    'p.yaml':
      'upstreams:\n  z: { base_url: "http://z" }\n  b: { base_url: "http://b" }\n  a: { base_url: "http://a" }\n',
  });
  const { upstreams } = settingsOf(load(cwd, { profile: './p.yaml' }));
  assert.deepEqual([...upstreams.keys()], ['default', 'z', 'b', 'a']);
});

test('profiles that extend each other are told as a circle', () => {
  const cwd = folderWith({
    'a.yaml': 'extends: b.yaml',
    'b.yaml': 'extends: ./c.yaml',
    'c.yaml': 'extends: b.yaml',
  });
  assert.deepEqual(linesOf(load(cwd, { profile: 'a.yaml' })), [
    'c.yaml:1: extends: got a circle: b.yaml > c.yaml > b.yaml, expected a profile that does not extend itself',
  ]);
});

test('a profile that is not there is told with where it was named', () => {
  const cwd = folderWith({
    'a.yaml': '\nextends: b.yaml',
    'b.yaml': 'extends: prodution',
    'c.yaml': 'extends: [a]',
  });
  const unknown = (name: string) => linesOf(load(cwd, { profile: name })).join();
  const names = /, expected .*production, testing or the path of a \.yaml file; the nearest is "(\w+)"$/;
  assert.match(unknown('tests'), /^--profile: got "tests", /);
  assert.equal(names.exec(unknown('tests'))?.[1], 'testing');
  assert.equal(names.exec(unknown('prod'))?.[1], 'production');
  assert.equal(names.exec(unknown('dev'))?.[1], 'development');
  assert.match(unknown('a.yaml'), /^b\.yaml:1: extends: got "prodution", /);
  assert.equal(names.exec(unknown('a.yaml'))?.[1], 'production');
  assert.equal(
    unknown('c.yaml'),
    'c.yaml:1: extends: got no text, expected the name of one profile or the path of a file',
  );
  const file = 'a file that can be read, of at most 1MB';
  assert.equal(unknown('./'), `--profile: got ".", expected ${file}`);
  assert.deepEqual(linesOf(load(cwd, {}, { REPRISE_PROFILE: './x.yaml' })), [
    `REPRISE_PROFILE: got "x.yaml", expected ${file}`,
  ]);
});

test('what a broken file may have said is not told as missing', () => {
  const cwd = folderWith({
    'a.yaml': 'extends: b.yaml\ntypes: { mine: { linger: 1s } }\nlog: { level: x }',
    'b.yaml': '{',
  });
  const lines = linesOf(load(cwd, { profile: 'a.yaml' }));
  assert.deepEqual(
    lines.map((line) => line.slice(0, line.indexOf(': got'))),
    ['b.yaml:1', 'a.yaml:3: log.level'],
  );
});

test('variables of the environment are put into any text of a profile', () => {
  const cwd = folderWith({
    'p.yaml': [
      `server: { host: "\${HOST}", port: "\${PORT:-1234}" }`,
      'memory:',
      `  max_entries: \${COUNT}`,
      `disk: { path: "\${BASE}/\${NAME:-cache}/$\${HOST}" }`,
      `upstreams: { default: { inject_usage: "\${USAGE:-false}", models: ["\${EMPTY:-gpt-*}"] } }`,
    ].join('\n'),
  });
  const env = { HOST: '::1', COUNT: '77', BASE: '/b', EMPTY: '', NAME: `\${HOST}` };
  const { server, memory, disk, upstreams } = settingsOf(load(cwd, { profile: 'p.yaml' }, env));
  assert.deepEqual([server.host, server.port, memory.max_entries], ['::1', 1234, 77]);
  assert.equal(disk.path, `/b/\${HOST}/\${HOST}`);
  assert.equal(upstreams.get('default')?.inject_usage, false);
  assert.deepEqual(upstreams.get('default')?.models, ['gpt-*']);
});

test('a variable that is missing or cannot be read is a mistake, told once', () => {
  const cwd = folderWith({
    'p.yaml': `server:\n  port: "\${PORT}"\n  host: "\${toString}"\ndisk: { path: "\${a b}" }\nlog: { level: "\${X" }\n`,
  });
  const form = `\${NAME} or \${NAME:-default}; $\${ for a plain \${`;
  assert.deepEqual(linesOf(load(cwd, { profile: 'p.yaml' })), [
    `p.yaml:2: server.port: got \${PORT}, which is not set, expected the environment variable PORT, or a default: \${PORT:-default}`,
    `p.yaml:3: server.host: got \${toString}, which is not set, expected the environment variable toString, or a default: \${toString:-default}`,
    `p.yaml:4: disk.path: got "\${a b}", expected ${form}`,
    `p.yaml:5: log.level: got "\${", expected ${form}`,
  ]);
});

test('a variable that is missing in a list is told once, too, and hides no other mistake', () => {
  const rules = 'rules: [{ event: "*", type: products }]';
  const cwd = folderWith({
    'p.yaml': `webhooks:
  w: { scheme: stripe, secret: ["\${NEW}", "\${OLD:-}"], ${rules} }
  v: { scheme: strip, secret: [7, {}], ${rules} }
`,
  });
  assert.deepEqual(
    linesOf(load(cwd, { profile: 'p.yaml' })).map((line) => line.split(', expected')[0]),
    [
      `p.yaml:2: webhooks.w.secret[0]: got \${NEW}, which is not set`,
      'p.yaml:3: webhooks.v.scheme: got "strip"',
      'p.yaml:3: webhooks.v.secret: got ["***", a map]',
    ],
  );
});

test('no secret is shown in a message', () => {
  const cwd = folderWith({
    'p.yaml': [
      'log: { level: "sk-proj-0123456789abcdef" }',
      `sweep_every: "\${SHOP_TOKEN}"`,
      'disk: { path: [hidden-value], compression: "Bearer abc.def" }',
      'upstreams: { a: { base_url: "https://me:pass@x/v1?api-key=abc&sig=def" } }',
    ].join('\n'),
  });
  const shown = linesOf(
    load(cwd, { profile: 'p.yaml' }, { SHOP_TOKEN: 'very-private', MY_SECRET: 'hidden-value' }),
  ).join('\n');
  assert.doesNotMatch(shown, /0123456789|very-private|hidden-value|abc|def|pass/);
  assert.match(shown, /got "sk-\*\*\*", /);
  assert.match(shown, /got "https:\/\/\*\*\*@x\/v1\?api-key=\*\*\*&sig=\*\*\*", /);
});
