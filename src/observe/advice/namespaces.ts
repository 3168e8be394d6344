import { utilizationOf } from '../alert-rules.ts';
import { type Adviser, percent, rounded } from './finding.ts';

/** A namespace that takes most of a full cache and gives back less than the others. */
export const starvingNamespace: Adviser = ({ figures, sources }) => {
  if (!sources.levels().some((level) => utilizationOf(level) >= 0.9)) return [];
  const bytes = new Map<string, number>();
  for (const place of sources.places())
    bytes.set(place.namespace, (bytes.get(place.namespace) ?? 0) + place.bytes);
  const all = [...bytes.values()].reduce((sum, one) => sum + one, 0);
  const [largest] = [...bytes].sort(([, one], [, other]) => other - one);
  if (largest === undefined || bytes.size < 2) return [];
  const [namespace, taken] = largest;
  const rate = figures.namespaces.get(decodeURIComponent(namespace))?.counts.hitRate ?? 0;
  const { hitRate = 0 } = figures.counts;
  if (taken / all < 0.7 || rate >= hitRate) return [];
  return [
    {
      id: 'namespace-starves-others',
      severity: 'warning',
      evidence: {
        namespace,
        bytes: taken,
        share: rounded(taken / all),
        hit_rate: rounded(rate),
        hit_rate_of_all: rounded(hitRate),
      },
      recommendation: `The namespace ${namespace} takes ${percent(taken / all)} of a full cache, with a hit rate of ${percent(rate)} where all have ${percent(hitRate)}: give its requests a shorter x-cache-ttl, or raise disk.max_bytes.`,
    },
  ];
};
