import assert from 'node:assert/strict';
import { test } from 'node:test';
import { config } from '../../src/cli/config.ts';
import { flagsHelp, parseFlags } from '../../src/cli/flags.ts';
import { loadSettings } from '../../src/config/load.ts';
import { explainProblems } from '../../src/config/problems.ts';
import { flagsOf, folderWith } from '../config/support.ts';
import { recordedIo } from '../support/command-io.ts';
import { LOCALHOST } from '../support/upstream/certificate.ts';

const NO_FILES = folderWith({});

test('the effective settings are printed as a profile that gives the same settings', () => {
  const given = [
    '--profile',
    'production',
    '--port=1',
    '--set',
    `disk.path=$$\{X}`,
    '--set',
    'types.mine.ttl=90s',
  ];
  const printed = run(given, { OPENAI_BASE_URL: 'http://llm/v1' });
  assert.equal(printed.status, 0);
  assert.match(
    printed.out,
    /max_entries: 1000\n[\s\S]*mine:\n {4}ttl: 90s\n[\s\S]*base_url: http:\/\/llm\/v1\n {4}dialect: generic\n/,
  );
  const cwd = folderWith({ 'again.yaml': printed.out });
  const again = run(['--profile', 'again.yaml'], {}, cwd);
  assert.equal(again.out, printed.out);
});

test('no secret is printed', () => {
  const { out } = run(['--set', 'disk.path=/x/very-private', '--set', 'log.level=warn'], {
    DISK_TOKEN: 'very-private',
  });
  assert.match(out, /path: \/x\/\*\*\*\n/);
});

test('of a locked key it is printed where it is, and not what opens it', () => {
  const { key, cert } = LOCALHOST;
  const cwd = folderWith({ 'cert.pem': cert, 'key.pem': key });
  const tls = ['cert=cert.pem', 'key=key.pem', 'passphrase=sesame'].flatMap((said) => [
    '--set',
    `server.tls.${said}`,
  ]);
  const { out } = run(tls, {}, cwd);
  assert.match(out, /key: \/\S+\/key\.pem\n {4}passphrase: "\*\*\*"\n/);
});

test('mistakes in settings are printed to standard error, with status 2', () => {
  const { status, out, err } = run(['--port', 'x', '--profile', 'testing'], { REPRISE_HOST: 'a b' });
  assert.equal(status, 2);
  assert.equal(out, '');
  assert.equal(
    err,
    'REPRISE_HOST: server.host: got "a b", expected a host name or an IP address\n' +
      '--port: server.port: got "x", expected a whole number from 0 to 65535\n',
  );
});

test('all mistakes in flags are told at once, with status 2', () => {
  const { status, err } = run([
    '--prot',
    '1',
    'extra',
    '--port',
    '--schema=1',
    '--host',
    '--data',
    'x',
    'sk-0123456789',
    '--set',
  ]);
  assert.equal(status, 2);
  assert.deepEqual(err.split('\n'), [
    '--prot: got an unknown flag, expected a known one; the nearest is --port',
    'the command line: got "extra", expected flags only',
    '--port: got no value, expected PORT',
    '--host: got no value, expected ADDRESS',
    'the command line: got "sk-***", expected flags only',
    '--set: got no value, expected PATH=VALUE',
    '',
  ]);
});

test('mistakes in flags are told together with those in what the other flags say', () => {
  const { status, err } = run(['--wat', '--port', 'abc', '--upstream', 'foo']);
  assert.equal(status, 2);
  assert.deepEqual(
    err
      .trim()
      .split('\n')
      .map((line) => line.split(':', 1)[0]),
    ['--wat', '--port', '--upstream'],
  );
});

test('a base that is not there hides no mistake in what its profile says', () => {
  const cwd = folderWith({
    'shop.yaml': [
      'extends: nowhere',
      'upstreams: { v1: { base_url: http://x/v1 } }',
      'types: { mine: {} }',
      'routes:',
      '  - { name: a, match: { method: GET, path: /health/x }, type: elsewhere, upstream: elsewhere }',
      '  - { name: a, match: { method: GET, path: /b }, type: mine, upstream: v1 }',
    ].join('\n'),
  });
  const { status, err } = run(['--profile', 'shop.yaml'], {}, cwd);
  assert.equal(status, 2);
  // What may be said in the base, such as the type `elsewhere` and the ttl of `mine`, is not told.
  assert.deepEqual(
    err
      .trim()
      .split('\n')
      .map((line) => line.split(': ')[1]),
    ['extends', 'upstreams.v1', 'routes[0].match.path', 'routes[1].name'],
  );
});

test('a switch takes no value', () => {
  const parsed = parseFlags(['--help=no', '--version=1']);
  assert.deepEqual(parsed.kind === 'refused' && explainProblems(parsed.problems), [
    '--help: got a value, expected none',
    '--version: got a value, expected none',
  ]);
});

test('--schema prints the JSON Schema', () => {
  const { status, out } = run(['--schema']);
  assert.equal(status, 0);
  assert.match(out, /^\{\n {2}"\$schema": "https:\/\/json-schema\.org\/draft\/2020-12\/schema",\n/);
});

test('--help names every flag, and --version the version', () => {
  for (const flag of ['--help', '-h']) {
    const { status, out } = run([flag, '--nonsense']);
    assert.equal(status, 0);
    for (const name of ['profile', 'upstream', 'host', 'port', 'data', 'set', 'schema', 'help', 'version']) {
      assert.match(out, new RegExp(`^ {2}--${name}\\b`, 'm'));
    }
  }
  assert.equal(run(['--version']).out, '9.9.9\n');
  assert.ok(!flagsHelp().join().includes('--schema'));
});

test('flags are read in both forms, the last one counts, and --set adds up', () => {
  const argv = [
    '--port',
    '1',
    '--port=2',
    '--set',
    'a=1',
    '--set=b=2=3',
    '--profile',
    'testing',
    '--host=',
    '--data',
    '-d',
  ];
  const parsed = parseFlags(argv);
  assert.deepEqual(parsed, {
    kind: 'run',
    flags: {
      profile: 'testing',
      values: new Map([
        ['port', '2'],
        ['profile', 'testing'],
        ['host', ''],
        ['data', '-d'],
      ]),
      sets: ['a=1', 'b=2=3'],
    },
    switches: new Set(),
  });
});

test('settings are loaded without any flag', () => {
  assert.equal(loadSettings({ flags: flagsOf({}), env: {}, cwd: NO_FILES }).kind, 'loaded');
});

function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = NO_FILES) {
  const { io, written } = recordedIo();
  const status = config(argv, env, { ...io, cwd, version: '9.9.9' });
  return { status, ...written };
}
