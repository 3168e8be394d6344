import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCollector } from '../support/collector.ts';
import { tempFolder } from '../support/folder.ts';
import { chat, send } from '../support/http.ts';
import { startServer } from '../support/server/process.ts';
import { startUpstream } from '../support/upstream.ts';

const HOOK = new URL('../support/server/loaded-packages.ts', import.meta.url).pathname;

/** The packages that a proxy with this environment has loaded after it has answered. */
async function loadedBy(env: Readonly<Record<string, string>>): Promise<ReadonlySet<string>> {
  await using upstream = await startUpstream();
  const server = await startServer({ upstreams: { default: { base_url: upstream.url } } }, tempFolder(), {
    PATH: process.env.PATH,
    NODE_OPTIONS: `--import=${HOOK}`,
    ...env,
  });
  assert.equal((await send(`${server.url}/v1/chat/completions`, { body: chat('hello') })).status, 200);
  assert.equal(await server.stop(), 0);
  return new Set([...server.log().matchAll(/^loaded (\S+)$/gm)].map(([, name = '']) => name));
}

// prom-client itself loads the interfaces, for its exemplars; everything that does something is beside them.
const isOpenTelemetry = (name: string) => name.startsWith('@opentelemetry/') && name !== '@opentelemetry/api';

test('nothing of OpenTelemetry is loaded unless spans go somewhere', async () => {
  const loaded = await loadedBy({ OTEL_SERVICE_NAME: 'shop', OTEL_TRACES_SAMPLER: 'always_on' });
  assert.ok(loaded.has('undici') && loaded.has('zod'), [...loaded].join());
  assert.deepEqual([...loaded].filter(isOpenTelemetry), []);
});

test('a process whose collector is gone ends in time, and with status 0', async () => {
  const began = performance.now();
  await loadedBy({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_TIMEOUT: '1000' });
  assert.ok(performance.now() - began < 10_000);
});

test('where they do, the process says in them what the environment calls it', async () => {
  using collector = await startCollector();
  const loaded = await loadedBy({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-team=shop',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=not-this,deployment.environment.name=staging',
    OTEL_SERVICE_NAME: 'shop-cache',
  });
  assert.ok([...loaded].filter(isOpenTelemetry).length > 3);
  assert.equal(collector.spans.length, 2);
  const {
    'service.name': name,
    'deployment.environment.name': stage,
    'service.version': version,
  } = collector.spans[0]?.resource ?? {};
  assert.deepEqual([name, stage], ['shop-cache', 'staging']);
  assert.match(String(version), /^\d+\.\d+\.\d+/);
  assert.equal(collector.requests[0]?.headers['x-team'], 'shop');
});
