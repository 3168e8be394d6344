import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTracingVariables } from '../../src/composing/otel-variables.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/' };

describe("OpenTelemetry's variables", () => {
  it('are as the specification says where they are not said, but for a shorter timeout', () => {
    assert.deepEqual(readTracingVariables(ENDPOINT), {
      url: 'http://127.0.0.1:4318/v1/traces',
      timeoutMs: 5_000,
      batches: { delayMs: undefined, maxQueue: undefined, maxBatch: undefined },
      sampling: { share: 1, follows: true },
      mistakes: [],
    });
    assert.equal(readTracingVariables({}).url, undefined);
    assert.equal(readTracingVariables({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }).url, undefined);
  });

  it('of traces alone count before those of everything', () => {
    const read = readTracingVariables({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/whole?',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2',
    });
    assert.equal(read.url, undefined, 'and a mistake in them does not lead elsewhere');
    const path = { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/whole' };
    assert.equal(readTracingVariables(path).url, 'https://collector/whole');
    assert.equal(
      readTracingVariables({
        ...ENDPOINT,
        OTEL_EXPORTER_OTLP_TIMEOUT: '1',
        OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2',
      }).timeoutMs,
      2,
    );
  });

  it('say which traces are recorded', () => {
    const sampling = (OTEL_TRACES_SAMPLER: string, OTEL_TRACES_SAMPLER_ARG = '') =>
      readTracingVariables({ ...ENDPOINT, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG }).sampling;
    assert.deepEqual(sampling('always_on'), { share: 1, follows: false });
    assert.deepEqual(sampling('parentbased_always_off'), { share: 0, follows: true });
    assert.deepEqual(sampling('traceidratio', '0.25'), { share: 0.25, follows: false });
    assert.deepEqual(sampling('parentbased_traceidratio'), { share: 1, follows: true });
  });

  it('that cannot be read are told, and are as good as none', () => {
    const said = {
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: 'half',
      OTEL_BSP_SCHEDULE_DELAY: '-1',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_TRACES_EXPORTER: 'zipkin',
    };
    const { mistakes, sampling, batches } = readTracingVariables({ ...ENDPOINT, ...said });
    assert.deepEqual(
      mistakes.map((mistake) => mistake.replace(/:.*/, '')).sort(),
      Object.entries(said)
        .filter(([name]) => name !== 'OTEL_TRACES_SAMPLER')
        .map(([name, value]) => `${name} is "${value}"`)
        .sort(),
    );
    assert.deepEqual([sampling.share, batches.delayMs], [1, undefined]);
    assert.match(
      readTracingVariables({ ...ENDPOINT, OTEL_TRACES_SAMPLER: 'some' }).mistakes.join(),
      /always_on/,
    );
  });

  it('with credentials in a URL are not told with them', () => {
    const { url, mistakes } = readTracingVariables({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:password@collector',
    });
    assert.equal(url, undefined);
    assert.equal(mistakes.length, 1);
    assert.doesNotMatch(mistakes.join(), /password/);
  });
});
