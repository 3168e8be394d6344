import assert from 'node:assert/strict';
import { test } from 'node:test';
import manifest from '../../package.json' with { type: 'json' };
import { filesBelow, importsOf } from './source.ts';

/**
 * The arrows: which folders each folder may import from, and single files of folders that it may not import from
 * otherwise. `main`, and `compose` which alone wires the object graph, stand for files; `shared` is everybody's.
 *
 *     main → cli → compose → {http, control, config, demo} → {endpoints, policy, cache, upstream, invalidation, observe} → {openai, codec, shared}
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['cli', 'config'],
  cli: ['compose.ts', 'config', 'demo', 'cache', 'observe', 'invalidation', 'policy/client-key.ts'],
  'compose.ts': [
    'composing',
    'workers',
    'http',
    'control',
    'config',
    'policy',
    'invalidation',
    'observe/events.ts',
  ],
  // The parts that it is put together of, each of several.
  composing: [
    'http',
    'control',
    'config',
    'endpoints',
    'policy',
    'cache',
    'upstream',
    'invalidation',
    'openai/credential-headers.ts',
    'observe',
  ],
  // Each thread is put together like the whole; what they share goes between them.
  workers: ['composing', 'http', 'config', 'policy', 'cache', 'upstream', 'observe/events.ts'],
  // Of the figures, the log and what else watches, the engine knows no more than the events.
  http: [
    'endpoints',
    'policy',
    'cache',
    'upstream',
    'openai',
    'codec/content-coding.ts',
    'observe/events.ts',
  ],
  // An error of ours looks the same, and a body is read the same, from wherever it comes.
  control: [
    'cache',
    'policy',
    'upstream',
    'invalidation',
    'observe',
    'config/nearest.ts',
    'http/errors.ts',
    'http/request.ts',
    'openai/json.ts',
  ],
  // What a client key, a token and a webhook look like is for who makes and takes them to say; what a rule can hold for who reads it.
  config: [
    'openai/credential-headers.ts',
    'openai/dialect.ts',
    'openai/json-path.ts',
    'openai/surface.ts',
    'policy/admin-token.ts',
    'policy/client-key.ts',
    'policy/tag-rules.ts',
    'invalidation/schemes',
  ],
  // Stand-ins and a load, outside of what they try: they talk to it over HTTP.
  demo: [],
  // The page: a program of its own, which runs in a browser.
  dashboard: [],
  // An endpoint is put together of pure functions, and of what an entry is: neither tiers nor connections.
  endpoints: ['policy', 'openai', 'cache/entry.ts', 'upstream/headers.ts'],
  policy: ['openai'],
  cache: ['codec'],
  upstream: ['codec/content-coding.ts', 'openai/dialect.ts', 'openai/credential-headers.ts'],
  invalidation: ['cache', 'openai', 'observe/events.ts'],
  observe: ['cache/tier.ts', 'cache/entry.ts', 'cache/bus.ts'],
  openai: [],
  codec: [],
  shared: [],
};

/** For each package the files that import it: one where that can be, so that it can be replaced there. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@hono/node-server': ['control/app.ts'],
  // All of it in one file, which is loaded only where spans are exported.
  '@opentelemetry/api': ['observe/otel.ts'],
  '@opentelemetry/exporter-trace-otlp-proto': ['observe/otel.ts'],
  '@opentelemetry/resources': ['observe/otel.ts'],
  '@opentelemetry/sdk-trace': ['observe/otel.ts'],
  '@redis/client': ['cache/redis-client.ts'],
  fflate: ['codec/compress.ts'],
  hono: ['control/app.ts'],
  jose: ['invalidation/schemes/issuer-keys.ts'],
  'json-p3': ['openai/json-path.ts'],
  level: ['cache/leveldb.ts'],
  'lru-cache': ['cache/memory.ts', 'http/asked.ts', 'http/heads.ts', 'http/prepared.ts'],
  openai: ['demo/assistant.ts', 'demo/run.ts'],
  'prom-client': ['observe/metrics.ts'],
  re2js: ['shared/text-pattern.ts'],
  undici: ['upstream/client.ts'],
  uplot: ['dashboard/uplot.d.ts'],
  yaml: ['cli/config.ts', 'config/profile-text.ts'],
  // The language that the schema of settings is written in; the demo's stand-ins read their requests with it.
  zod: [
    'cli/config.ts',
    'config/access-settings.ts',
    'config/alert-settings.ts',
    'config/fields.ts',
    'config/json-schema.ts',
    'config/problems.ts',
    'config/route-settings.ts',
    'config/schema.ts',
    'config/server-settings.ts',
    'config/tag-settings.ts',
    'config/type-settings.ts',
    'config/upstream-settings.ts',
    'config/webhook-settings.ts',
    'demo/assistant.ts',
    'demo/model.ts',
    'demo/reprise.ts',
    'demo/shop.ts',
  ],
};

const inSource = (path: string) => path.replace(/^src\//, '');
const folderOf = (path: string) => path.split('/', 1)[0] ?? path;

const IMPORTS = new Map(
  filesBelow('src')
    .filter(({ path }) => path.endsWith('.ts'))
    .map((file) => [inSource(file.path), importsOf(file)]),
);

const EDGES = [...IMPORTS].flatMap(([from, { files }]) =>
  files.map((file) => ({ from, to: inSource(file) })),
);

test('imports are read from source text in all their forms', () => {
  const text = `import a from 'one';\nimport {\n  b,\n} from '@two/b/c';\nimport type { D } from '../d.ts';
import './e.ts';\nexport { f } from './f/f.ts';\nconst g = await import('./g.ts');\nimport { h } from 'node:fs';\n`;
  assert.deepEqual(importsOf({ path: 'src/x/y.ts', text }), {
    files: ['src/d.ts', 'src/x/e.ts', 'src/x/f/f.ts', 'src/x/g.ts'],
    packages: ['one', '@two/b'],
  });
  assert.ok(EDGES.length > 300, `only ${EDGES.length} imports were found`);
});

test('every import inside src points to a file of src, along an arrow of the design', () => {
  const wrong = EDGES.filter(({ from, to }) => !IMPORTS.has(to) || !isAllowed(from, to));
  assert.deepEqual(wrong.map(shown), []);
});

test('every folder of src has its arrows, and every arrow is in use', () => {
  assert.deepEqual([...new Set([...IMPORTS.keys()].map(folderOf))].sort(), Object.keys(ARROWS).sort());
  const unused = Object.entries(ARROWS).flatMap(([from, targets]) =>
    targets
      .filter((to) => !EDGES.some((edge) => folderOf(edge.from) === from && reaches(to, edge.to)))
      .map((to) => shown({ from, to })),
  );
  assert.deepEqual(unused, []);
});

test('no folders import each other in a circle', () => {
  const between = EDGES.map(({ from, to }) => ({ from: folderOf(from), to: folderOf(to) }));
  assert.deepEqual(circle(between.filter(({ from, to }) => from !== to)), []);
});

test('no files import each other in a circle, not even for types', () => {
  assert.deepEqual(circle(EDGES), []);
});

test('policy, cache and upstream know nothing of each other', () => {
  const apart = ['policy', 'cache', 'upstream'];
  const wrong = EDGES.filter(({ from, to }) => {
    const [one, other] = [folderOf(from), folderOf(to)];
    return one !== other && apart.includes(one) && apart.includes(other);
  });
  assert.deepEqual(wrong.map(shown), []);
});

test('every package is imported by the files that are said to, and is a dependency', () => {
  const importers = new Map<string, string[]>();
  for (const [from, { packages }] of IMPORTS) {
    for (const name of new Set(packages)) importers.set(name, [...(importers.get(name) ?? []), from]);
  }
  assert.deepEqual(Object.fromEntries(importers), PACKAGES);
  assert.deepEqual([...importers.keys()].sort(), Object.keys(manifest.dependencies).sort());
});

function isAllowed(from: string, to: string): boolean {
  const [one, other] = [folderOf(from), folderOf(to)];
  if (one === other || other === 'shared') return true;
  return (ARROWS[one] ?? []).some((target) => reaches(target, to));
}

/** Whether an arrow to `target`, a folder or a file, is one to the file `to`. */
function reaches(target: string, to: string): boolean {
  return to === target || to.startsWith(`${target}/`);
}

function shown({ from, to }: { readonly from: string; readonly to: string }): string {
  return `${from} → ${to}`;
}

/** The first circle found, as the names on it; empty if there is none. */
function circle(edges: readonly { readonly from: string; readonly to: string }[]): readonly string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (name: string, above: readonly string[]): readonly string[] => {
    if (above.includes(name)) return [...above.slice(above.indexOf(name)), name];
    if (done.has(name)) return [];
    for (const to of next.get(name) ?? []) {
      const found = visit(to, [...above, name]);
      if (found.length > 0) return found;
    }
    done.add(name);
    return [];
  };
  for (const name of next.keys()) {
    const found = visit(name, []);
    if (found.length > 0) return found;
  }
  return [];
}
