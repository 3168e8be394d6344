import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { COUNTERS, DURATION_FAMILIES, GAUGES } from '../../src/observe/metric-families.ts';
import { ROOT } from '../architecture/source.ts';

/** The series that a scrape has, by the names in which queries speak of them. */
const SERIES = new Set([
  ...[...COUNTERS, ...GAUGES].map(({ name }) => name),
  ...DURATION_FAMILIES.flatMap(({ name }) => [`${name}_bucket`, `${name}_sum`, `${name}_count`]),
]);
const LABELS = new Map(
  [...COUNTERS, ...GAUGES, ...DURATION_FAMILIES].map(({ name, labels }) => [name, labels]),
);

const read = (path: string) => readFileSync(`${ROOT}/docker/${path}`, 'utf8');

/** All texts under `key`, anywhere in a value. */
function textsUnder(key: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === key && typeof inner === 'string' ? [inner] : textsUnder(key, inner),
  );
}

for (const [what, queries] of [
  ['the Grafana dashboard', textsUnder('expr', JSON.parse(read('grafana/reprise.json')))],
  ['the alert rules', textsUnder('expr', parse(read('prometheus/alerts.yaml')))],
] as const) {
  test(`${what} asks for metrics that there are, by labels that they have`, () => {
    assert.ok(queries.length >= 8);
    for (const query of queries) {
      const series = [...query.matchAll(/\breprise_\w+/g)].map(([name]) => name);
      assert.ok(series.length > 0, query);
      for (const name of series) assert.ok(SERIES.has(name), `${name} in ${query}`);
      for (const [, name = '', label = ''] of query.matchAll(/\b(reprise_\w+)\{(\w+)/g)) {
        assert.ok(LABELS.get(name)?.includes(label), `${label} of ${name} in ${query}`);
      }
    }
  });
}

test('the configuration of Prometheus loads these rules, and asks where the metrics are', () => {
  const text = read('prometheus/prometheus.yaml');
  assert.deepEqual(parse(text).rule_files, ['alerts.yaml']);
  assert.deepEqual(textsUnder('metrics_path', parse(text)), ['/metrics']);
});
