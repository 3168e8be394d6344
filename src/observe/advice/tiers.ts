import { type Adviser, percent, rounded } from './finding.ts';

const MEGABYTE = 1_000_000;

/** Compression that saves little. */
export const compression: Adviser = ({ sources }) =>
  sources.levels().flatMap(({ level, compression: packed }) => {
    if (packed === undefined || packed.rawBytes < 10 * MEGABYTE) return [];
    const ratio = packed.storedBytes / packed.rawBytes;
    if (ratio < 0.85) return [];
    return [
      {
        id: 'compression-does-not-pay',
        severity: 'info' as const,
        evidence: {
          level,
          codec: packed.codec,
          raw_bytes: packed.rawBytes,
          stored_bytes: packed.storedBytes,
          ratio: rounded(ratio),
        },
        recommendation: `Set disk.compression to none: ${packed.codec} leaves ${percent(ratio)} of the bytes, and costs time at every write and read.`,
      },
    ];
  });

/** A disk that is hardly faster than what it saves. */
export const slowDisk: Adviser = ({ figures }) => {
  const { hit_l2: disk, upstream } = figures.in('24h').durations;
  if (disk.count < 100 || upstream.count < 100) return [];
  const [hit, call] = [disk.percentile(0.5), upstream.percentile(0.5)];
  if (hit < call * 0.8) return [];
  return [
    {
      id: 'slow-disk',
      severity: 'warning',
      evidence: { l2_hit_p50_ms: hit / 1_000, upstream_p50_ms: call / 1_000, hits: disk.count },
      recommendation: `A hit from disk takes ${hit / 1_000} ms, an upstream call ${call / 1_000} ms: put disk.path on a faster disk, or do without it with disk.max_bytes: 0 and raise memory.max_entries.`,
    },
  ];
};
