import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import * as z from 'zod';
import { knownKeys, profileJsonSchema } from '../../src/config/json-schema.ts';
import { settingsSchema } from '../../src/config/schema.ts';
import { SERVED_ENDPOINTS } from '../../src/config/upstream-settings.ts';
import { ENDPOINTS } from '../../src/endpoints/table.ts';
import { load, settingsOf } from './support.ts';

const PROFILES = new URL('../../profiles/', import.meta.url);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test('the profiles have the values that are promised', () => {
  const promised = [
    ['development', 500, 200_000_000, 'none'],
    ['production', 1000, 500_000_000, 'gzip'],
    ['testing', 100, 50_000_000, 'none'],
  ] as const;
  for (const [profile, entries, bytes, compression] of promised) {
    const { memory, disk } = settingsOf(load('/', { profile }));
    assert.deepEqual(
      [memory.max_entries, disk.max_bytes, disk.compression],
      [entries, bytes, compression],
      profile,
    );
  }
});

test('the five types have the lifetimes that are promised', () => {
  const { types } = settingsOf(load('/'));
  const lifetimes = [...types].map(([name, type]) => [
    name,
    type.ttl,
    type.stale_while_revalidate,
    type.stale_if_error,
  ]);
  assert.deepEqual(lifetimes, [
    ['embeddings', 24 * HOUR, 0, 7 * DAY],
    ['llm_responses', 30 * MINUTE, 0, HOUR],
    ['search_results', 10 * MINUTE, MINUTE, 10 * MINUTE],
    ['products', HOUR, MINUTE, HOUR],
    ['models', 10 * MINUTE, 0, HOUR],
  ]);
  for (const type of types.values()) {
    assert.deepEqual(
      [type.negative_ttl, type.on_abandon, type.linger, type.max_ttl],
      [0, 'cancel', 0, undefined],
    );
  }
});

test('everything else has the default that is promised', () => {
  const { server, memory, sweep_every, upstreams, routes, access, log } = settingsSchema.parse({});
  assert.deepEqual(server, {
    host: '127.0.0.1',
    port: 8787,
    cors: { origins: [] },
    max_body: 50_000_000,
    max_entry: 16_000_000,
    timeouts: { headers: MINUTE, body: MINUTE, write: 5 * MINUTE },
    workers: 1,
    drain: 10 * SECOND,
  });
  assert.equal(memory.max_bytes, 256_000_000);
  assert.equal(sweep_every, 5 * MINUTE);
  assert.deepEqual(
    [...upstreams],
    [
      [
        'default',
        {
          base_url: 'https://api.openai.com/v1',
          dialect: 'openai',
          timeouts: { connect: 10 * SECOND, headers: 15 * MINUTE, idle: 15 * MINUTE, total: 30 * MINUTE },
          breaker: { failures: 5, probe: 2 * SECOND },
          concurrency: { queue: 1000, wait: 30 * SECOND },
          retry_after_failure: 5 * SECOND,
          inject_usage: true,
        },
      ],
    ],
  );
  assert.deepEqual(routes, []);
  assert.deepEqual(access, { mode: 'passthrough', share: 'credential', verify_ttl: 300 * SECOND, keys: [] });
  assert.deepEqual(log, { level: 'info', format: 'auto', requests: true });
});

test('a dialect that is not said follows the host', () => {
  const { upstreams } = settingsSchema.parse({
    upstreams: {
      azure: { base_url: 'https://shop.openai.azure.com/openai/v1' },
      local: { base_url: 'http://localhost:11434/v1' },
      said: { base_url: 'http://localhost:11434/v1', dialect: 'ollama' },
    },
  });
  const dialects = [...upstreams].map(([name, { dialect }]) => `${name} ${dialect}`);
  assert.deepEqual(dialects, ['default openai', 'azure azure', 'local generic', 'said ollama']);
});

test('a base URL is kept without its last slash', () => {
  const { upstreams } = settingsSchema.parse({ upstreams: { a: { base_url: 'HTTP://Shop:80/v1//' } } });
  assert.equal(upstreams.get('a')?.base_url, 'http://shop/v1');
});

test('a route says what its key is made of, and by default every query parameter, the body and no header', () => {
  const route = {
    name: 'a',
    match: { method: 'GET', path: '/a/{id}' },
    type: 'products',
    upstream: 'default',
  };
  const key = { query: ['q'], headers: ['Accept-Language'], body: ['filter'] };
  const [plain, chosen] = settingsSchema.parse({ routes: [route, { ...route, name: 'b', key }] }).routes;
  assert.deepEqual(plain, {
    ...route,
    match: { method: ['GET'], path: '/a/{id}' },
    key: { query: '*', headers: [], body: true },
    tags: [],
    respect_upstream: false,
  });
  assert.deepEqual(chosen?.key, { query: ['q'], headers: ['accept-language'], body: ['filter'] });
});

test('settings can be written as a profile that gives the same settings', () => {
  const settings = settingsSchema.parse({
    disk: { max_bytes: '0' },
    types: { mine: { ttl: '90s', max_ttl: '1h', tags: ['shop', { json: '$.id', tag: 'a:{value}' }] } },
    upstreams: { shop: { base_url: 'http://shop/api', models: ['a*'], serves: ['chat'] } },
    routes: [{ name: 'a', match: { method: ['GET', 'POST'], path: '/a' }, type: 'mine', upstream: 'shop' }],
  });
  const written = z.encode(settingsSchema, settings);
  assert.deepEqual(settingsSchema.parse(JSON.parse(JSON.stringify(written))), settings);
});

test('the JSON Schema file is the one that the settings give', () => {
  const file: unknown = JSON.parse(readFileSync(new URL('schema.json', PROFILES), 'utf8'));
  const message =
    'run: node src/main.ts config --schema > profiles/schema.json && npx biome format --write profiles';
  assert.deepEqual(file, JSON.parse(JSON.stringify(profileJsonSchema())), message);
});

test('every setting has a description', () => {
  const undescribed: string[] = [];
  visit(profileJsonSchema(), '');
  assert.deepEqual(undescribed, []);

  function visit(schema: z.core.JSONSchema.JSONSchema, path: string): void {
    for (const [key, value] of Object.entries(schema.properties ?? {})) {
      if (typeof value === 'boolean') continue;
      const isTypeOrUpstream = /^\.(types|upstreams)$/.test(path);
      if (value.description === undefined && !isTypeOrUpstream) undescribed.push(`${path}.${key}`);
      visit(value, `${path}.${key}`);
    }
    for (const inner of [schema.items, schema.additionalProperties]) {
      if (typeof inner === 'object' && !Array.isArray(inner)) visit(inner, `${path}.*`);
    }
  }
});

test('an editor accepts the profiles of the package, and one with variables', () => {
  const editor = z.fromJSONSchema(profileJsonSchema());
  for (const name of ['development', 'production', 'testing']) {
    const text = readFileSync(new URL(`${name}.yaml`, PROFILES), 'utf8');
    assert.match(text, /^# yaml-language-server: \$schema=\.\/schema\.json\n/);
    assert.equal(editor.safeParse(parse(text)).error, undefined, name);
  }
  const own = {
    extends: 'production',
    server: { port: `\${PORT}` },
    types: { mine: { linger: `\${L:-1s}` } },
    routes: [],
  };
  assert.equal(editor.safeParse(own).error, undefined);
  assert.equal(editor.safeParse({ server: { port: 'many' } }).success, false);
  assert.equal(editor.safeParse({ sever: {} }).success, false);
});

test('the keys of a map are known at any depth', () => {
  assert.deepEqual(knownKeys(profileJsonSchema(), ['upstreams', 'mine', 'breaker']), ['failures', 'probe']);
  assert.deepEqual(knownKeys(profileJsonSchema(), ['routes', 3, 'match']), ['method', 'path']);
  assert.deepEqual(knownKeys(profileJsonSchema(), ['nowhere', 'x']), []);
});

test('upstreams can serve every endpoint that is cached, by its name, and no other', () => {
  assert.deepEqual([...SERVED_ENDPOINTS], [...new Set(ENDPOINTS.map(({ name }) => name))]);
});
