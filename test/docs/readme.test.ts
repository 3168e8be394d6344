import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import * as z from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { flagsHelp } from '../../src/cli/flags.ts';
import { invalidateFlags } from '../../src/cli/invalidate.ts';
import { statsFlags } from '../../src/cli/stats.ts';
import { loadSettings } from '../../src/config/load.ts';
import { type Settings, settingsSchema } from '../../src/config/schema.ts';
import { CONDITION_FIELDS } from '../../src/control/condition.ts';
import { ENDPOINTS } from '../../src/endpoints/table.ts';
import { alertRules } from '../../src/observe/alert-rules.ts';
import { COUNTERS, DURATION_FAMILIES, GAUGES } from '../../src/observe/metric-families.ts';
import { ERROR_STATUS } from '../../src/shared/errors.ts';
import { formatDuration, formatSize, parseDuration } from '../../src/shared/units.ts';
import { filesBelow, ROOT } from '../architecture/source.ts';
import { folderWith } from '../config/support.ts';
import { codeIn, markdown, README, type Row, tablesWith } from './tables.ts';

type Schema = z.core.JSONSchema.JSONSchema;

// A key of every kind that a profile can ask the environment for.
const MADE_UP = `whsec_${Buffer.from('made up, but of the length of one').toString('base64')}`;

const CODE = filesBelow('src').filter(({ path }) => path.endsWith('.ts'));

test('the tables of settings say what the schema says: every path, its default and its meaning', () => {
  const schema = z.toJSONSchema(settingsSchema, { io: 'input' });
  same(tablesWith('setting', 'default', 'meaning'), rowsOf(schema, '', undefined));
});

test('the table of types says the lifetimes that are built in', () => {
  const { types } = settingsSchema.parse({});
  const rows = [...types].map(([name, { ttl, stale_while_revalidate, stale_if_error }]) => [
    `\`${name}\``,
    ...[ttl, stale_while_revalidate, stale_if_error].map(formatDuration),
  ]);
  const told = tablesWith('type', 'ttl', 'stale_while_revalidate', 'stale_if_error').map(
    ([name = '', ...times]) => [
      name,
      ...times.map((time) => formatDuration(parseDuration(time) ?? Number.NaN)),
    ],
  );
  same(told, rows);
});

test('the table of profiles says what the profiles say', () => {
  const profiles = ['development', 'production', 'testing'].map((profile) => settingsOf(profile));
  const row = (name: string, read: (settings: Settings) => string | number) => [
    `\`${name}\``,
    ...profiles.map((settings) => String(read(settings))),
  ];
  same(tablesWith('', '`development`', '`production`', '`testing`'), [
    row('memory.max_entries', ({ memory }) => memory.max_entries),
    row('disk.max_bytes', ({ disk }) => formatSize(disk.max_bytes)),
    row('disk.compression', ({ disk }) => disk.compression),
    row('admin.token_required', ({ admin }) => String(admin.token_required)),
  ]);
});

test('the table of flags says what --help says', () => {
  const rows = flagsHelp().map((line) => {
    const [, flag = '', meaning = '', variables = ''] =
      /^ {2}(\S.*?) {2,}(.*?)(?: \(([A-Z_]+(?:, else [A-Z_]+)*)\))?$/.exec(line) ?? [];
    return [`\`${flag}\``, variables.replaceAll(/[A-Z_]{2,}/g, '`$&`'), meaning];
  });
  same(tablesWith('flag', 'environment', 'meaning'), rows);
});

for (const [command, flags] of [
  ['invalidate', invalidateFlags()],
  ['stats', statsFlags()],
] as const) {
  test(`the table of the flags of reprise ${command} says what its --help says`, () => {
    const rows = flags.map((line) => {
      const [, flag = '', meaning = ''] = /^ {2}(\S.*?) {2,}(.*)$/.exec(line) ?? [];
      return [`\`${flag}\``, meaning];
    });
    same(tablesWith(`flag of \`reprise ${command}\``, 'meaning'), rows);
  });
}

test('the table of metrics says what a scrape does', () => {
  const rows = [...COUNTERS, ...GAUGES, ...DURATION_FAMILIES].map(({ name, labels, help }) => [
    `\`${name}\``,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ]);
  same(tablesWith('metric', 'labels', 'meaning'), rows);
});

test('the table of alerts names every rule and its severity, that of findings every finding', () => {
  const alerts = tablesWith('alert', 'severity', 'when').map(([id = '', severity = '']) => [id, severity]);
  const ruled = alertRules().map(({ id, severity }) => [`\`${id}\``, severity]);
  same([...alerts].sort(), [...ruled].sort());
  const given = CODE.filter(({ path }) => path.startsWith('src/observe/advice/')).flatMap(({ text }) =>
    [...text.matchAll(/\bid: '([a-z-]+)'/g)].map(([, id]) => id),
  );
  const told = tablesWith('finding', 'says').flatMap(([ids = '']) => codeIn(ids));
  assert.deepEqual([...told].sort(), [...new Set(given)].sort());
});

test('the table of the fields of an invalidation names those that are taken', () => {
  const told = tablesWith('field of `POST /cache/invalidate`', 'meaning').flatMap(([names = '']) =>
    codeIn(names),
  );
  assert.deepEqual([...told].sort(), [...CONDITION_FIELDS, 'mode', 'dry_run'].sort());
});

test('the table of cached requests names every endpoint and its type', () => {
  // Azure's paths, which many of them have too, are told in one row.
  const rows = ENDPOINTS.map(({ methods, paths, type }) => [
    `\`${methods.join(', ')} ${paths.filter((path) => !path.startsWith('/openai/')).join(', ')}\``,
    `\`${type}\``,
  ]);
  const azure = ENDPOINTS.flatMap(({ paths }) => paths).filter((path) => path.startsWith('/openai/'));
  const roots = new Set(
    azure.map((path) => path.replace(/^(\/openai\/(?:v1|deployments\/\{model\})\/).*/, '`$1…`')),
  );
  const told = tablesWith('request', 'type', 'how it is cached').map(([request = '', type = '']) => [
    request,
    type,
  ]);
  same(told, [...rows, [[...roots].join(', '), 'as above'], ["your profile's `routes`", 'as said there']]);
});

test('the table of errors names every code that can occur, and its status', () => {
  const thrown = new Set(
    CODE.flatMap(({ text }) =>
      [...text.matchAll(/\b(?:RepriseError|failedWith)\(\s*'(\w+)'/g)].map(([, code]) => code),
    ),
  );
  const rows = Object.entries(ERROR_STATUS).filter(([code]) => thrown.has(code));
  assert.equal(rows.length, thrown.size);
  const told = tablesWith('code', 'status', 'when').map(([code = '', status = '']) => [code, status]);
  same(
    told,
    rows.map(([code, status]) => [`\`${code}\``, String(status)]),
  );
});

test('the table of reasons names every one that a request can be given', () => {
  const patterns = [
    // A bypass, wherever it is decided.
    /\bkind: 'bypass', reason: ['`]([^'`]+)['`]/g,
    /\bproblem: '([^']+)'/g,
    /\bfail\('([^']+)'\)/g,
    /return ['`]((?:absent|expired|invalidated|client-|usage-|other-|mode-)[^'`]*)['`]/g,
    /[?:] '(expired|usage-unknown|sampling|shadow-(?:hit|miss))'/g,
    /bare\(call, '(credential-[^']+)'/g,
  ];
  const given = CODE.flatMap(({ path, text }) => {
    const rules = path === 'src/policy/bypass.ts' ? [/\['([a-z-]+)', \(root\)/g, /return `(tool:)/g] : [];
    return [...patterns, ...rules].flatMap((pattern) =>
      [...text.matchAll(pattern)].map(([, reason = '']) => reason.replace(/:.*$/, ':NAME')),
    );
  });
  const told = tablesWith('x-cache-reason', 'meaning').flatMap(([reasons = '']) => codeIn(reasons));
  assert.deepEqual([...told].sort(), [...new Set(given)].sort());
});

test('every request header of ours that has an effect is explained, and no other', () => {
  const read = CODE.flatMap(({ text }) =>
    [...text.matchAll(/\bheader\('(x-cache-[a-z-]+)'\)/g)].map(([, name]) => name),
  );
  const told = tablesWith('request header', 'meaning')
    .flatMap(([names = '']) => codeIn(names))
    .filter((name) => name.startsWith('x-cache'))
    .map((name) => name.replace(/:.*$/, ''));
  assert.deepEqual([...told].sort(), [...new Set(read)].sort());
});

test('the commands that the README tells to type exist', () => {
  const scripts = [...README.matchAll(/\bnpm (?:run )?(start|test|demo|check|format|build)\b/g)].flatMap(
    ([, name]) => name ?? [],
  );
  assert.ok(scripts.length > 3);
  assert.deepEqual(
    scripts.filter((name) => !(name in manifest.scripts)),
    [],
  );
  const links = [...README.matchAll(/\]\(([^)#:]+)\)/g)].flatMap(([, path]) => path ?? []);
  assert.deepEqual(
    links.filter((path) => !existsSync(`${ROOT}/${path}`)),
    [],
  );
});

test('every chapter that the README refers to is there, and found from its beginning', () => {
  const anchorOf = (title: string) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-');
  const chapters = [...README.matchAll(/^##+ (.+)$/gm)].map(([, title = '']) => anchorOf(title));
  const anchors = (text: string) => [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor ?? '');
  assert.deepEqual(
    anchors(README).filter((anchor) => !chapters.includes(anchor)),
    [],
  );
  const [beginning = ''] = README.split('\n## ');
  const main = [...README.matchAll(/^## (.+)$/gm)].map(([, title = '']) => anchorOf(title));
  assert.deepEqual(anchors(beginning).sort(), main.sort());
});

test('every profile that the README shows is one that Reprise takes', () => {
  const profiles = [...README.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].flatMap(([, yaml]) => yaml ?? []);
  assert.ok(profiles.length > 0);
  for (const yaml of profiles) {
    const cwd = folderWith({ 'mine.yaml': yaml });
    const loaded = loadSettings({
      flags: { profile: 'mine.yaml', values: new Map(), sets: [] },
      env: Object.fromEntries([...yaml.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => [name, MADE_UP])),
      cwd,
    });
    assert.equal(loaded.kind, 'loaded', JSON.stringify(loaded));
  }
});

/** Compares the README's rows with those of the code; what should stand there is printed, to be put in. */
function same(told: readonly Row[], expected: readonly Row[]): void {
  assert.equal(markdown(told), markdown(expected), `the README should say:\n\n${markdown(expected)}\n`);
}

/** A row for each setting below `schema`; the user's own names are shown as NAME. */
function rowsOf(schema: Schema, path: string, required: boolean | undefined): Row[] {
  const own = schemaOf(schema.additionalProperties);
  if (own !== undefined) return rowsOf(own, `${path}.NAME`, undefined);
  if (schema.properties !== undefined) {
    const needed = new Set(schema.required);
    return Object.entries(schema.properties).flatMap(([key, value]) =>
      rowsOf(schemaOf(value) ?? {}, path === '' ? key : `${path}.${key}`, needed.has(key)),
    );
  }
  const item = schemaOf(schema.items);
  if (item?.properties !== undefined) return rowsOf(item, `${path}[]`, undefined);
  const standard =
    schema.default === undefined ? (required ? 'required' : '') : `\`${plain(schema.default)}\``;
  const words = [...(schema.enum ?? item?.enum ?? [])].map((word) => `\`${word}\``).join(', ');
  const meaning = `${schema.description ?? ''}${words === '' ? '' : ` One of ${words}.`}`;
  return [
    [`\`${path}\``, standard, meaning.replace('. One of', item === undefined ? '. One of' : '. Some of')],
  ];
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function schemaOf(schema: Schema['items']): Schema | undefined {
  return typeof schema === 'object' && !Array.isArray(schema) ? schema : undefined;
}

function settingsOf(profile: string): Settings {
  const loaded = loadSettings({ flags: { profile, values: new Map(), sets: [] }, env: {}, cwd: tmpdir() });
  assert.ok(loaded.kind === 'loaded');
  return loaded.settings;
}
