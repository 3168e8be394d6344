import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import { ROOT } from '../architecture/source.ts';

const FOLDER = `${ROOT}/docker`;

test('the compose file is one instance, and with its profile two that share a Valkey behind a balancer', () => {
  const text = readFileSync(`${FOLDER}/compose.yaml`, 'utf8');
  // `!reset` is compose's own way to leave out what is merged in.
  const document = parseDocument(text, { merge: true, logLevel: 'error' });
  assert.deepEqual(document.errors, []);
  const { services, configs } = document.toJS() as Compose;
  const always = Object.entries(services).filter(([, { profiles }]) => profiles === undefined);
  assert.deepEqual(
    always.map(([name]) => name),
    ['reprise'],
  );
  const sharing = Object.entries(services).filter(
    ([, { environment }]) => environment?.REDIS_URL !== undefined,
  );
  assert.deepEqual(
    sharing.map(([name]) => name),
    ['reprise-1', 'reprise-2'],
  );
  for (const [name, { ports, volumes }] of sharing) {
    assert.deepEqual(ports, [], name);
    assert.equal(volumes?.length, 1, name);
  }
  assert.match(services.valkey?.command ?? '', /--maxmemory-policy volatile-/);
  const balancing = configs.balancer?.content ?? '';
  for (const [name] of sharing) assert.match(balancing, new RegExp(` ${name}:8787 `));
  assert.match(balancing, /health_uri \/health\/ready\n/);
  for (const { file } of Object.values(configs))
    if (file !== undefined) assert.ok(existsSync(`${FOLDER}/${file}`));
});

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly profiles?: readonly string[];
        readonly environment?: Readonly<Record<string, string>>;
        readonly ports?: readonly string[];
        readonly volumes?: readonly string[];
        readonly command?: string;
      }
    >
  >;
  readonly configs: Readonly<Record<string, { readonly file?: string; readonly content?: string }>>;
}
