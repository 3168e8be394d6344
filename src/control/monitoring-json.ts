import type { BusFigures } from '../cache/bus.ts';
import { utilizationOf } from '../observe/alert-rules.ts';
import { COUNTED, type Counts } from '../observe/counts.ts';
import type { Line } from '../observe/figures.ts';
import type { Monitor } from '../observe/monitor.ts';
import type { Savings } from '../observe/savings.ts';
import type { Middle, Minute } from '../observe/series.ts';
import type { LevelState } from '../observe/sources.ts';
import type { Tally } from '../observe/tally.ts';
import { WINDOWS } from '../observe/windows.ts';
import type { Histogram } from '../shared/histogram.ts';

type Json = Readonly<Record<string, unknown>>;

/** What `GET /monitoring/cache` answers: how the cache does as a whole. */
export function cacheJson(monitor: Monitor, status: string): Json {
  const { figures, sources } = monitor;
  const { total } = figures;
  const held = new Map<string, { entries: number; bytes: number }>();
  for (const { type, entries, bytes } of sources.places()) {
    const sum = held.get(type) ?? { entries: 0, bytes: 0 };
    held.set(type, { entries: sum.entries + entries, bytes: sum.bytes + bytes });
  }
  const types = [...sources.types].map(([name, { ttl, mode }]) => {
    const line = figures.types.of(name);
    const { entries = 0, bytes = 0 } = held.get(encodeURIComponent(name)) ?? {};
    return [name, { ttl_s: ttl / 1_000, mode, ...lineJson(line), entries, bytes }] as const;
  });
  const threads = sources.threads();
  return {
    status,
    profile: sources.profile,
    uptime_s: Math.floor(monitor.uptimeMs / 1_000),
    since: new Date(monitor.since).toISOString(),
    requests: countsJson(total.counts),
    hit_rate: rate(total.counts),
    types: Object.fromEntries(types),
    namespaces: linesJson(figures.namespaces.entries()),
    models: linesJson(figures.models.entries()),
    endpoints: linesJson(figures.endpoints.entries()),
    reasons: {
      missed: reasonsJson(figures.missed.entries()),
      bypassed: reasonsJson(figures.bypasses.entries()),
      not_stored: reasonsJson(figures.unstored.entries()),
    },
    latency_ms: latencyJson(total),
    saved: { ...savedJson(total.saved), shadow: savedJson(total.shadow) },
    windows: Object.fromEntries(WINDOWS.map((window) => [window, windowJson(figures.in(window))])),
    upstreams: Object.fromEntries(
      [...sources.upstreams()].map(([name, { state, running, waiting }]) => {
        const { calls, failures, limited } = figures.upstreams.of(name);
        return [name, { state, running, waiting, calls, failures, rate_limited: limited }];
      }),
    ),
    top_keys: monitor.hotKeys.top(20),
    ...(threads && { workers: threads }),
  };
}

/** What `GET /monitoring/cache/levels` answers: each tier, the fastest first, and what joins this instance with others. */
export function levelsJson({ sources }: Monitor): Json {
  const bus = sources.bus();
  return { levels: sources.levels().map(levelJson), ...(bus && { bus: busJson(bus) }) };
}

/** What `GET /monitoring/cache/series` answers: the last minutes that have ended, one by one, the oldest first. */
export function seriesJson({ series }: Monitor, minutes: number): Json {
  return { step_s: 60, points: series.latest(minutes).map(minuteJson) };
}

/** What `GET /monitoring/cache/efficiency` answers: what to change, and what to look at. */
export function efficiencyJson(monitor: Monitor): Json {
  return {
    score: monitor.score,
    hit_rate: rate(monitor.figures.counts),
    findings: monitor.findings,
    alerts: monitor.alerts.map(({ since, ...alert }) => ({ ...alert, since: new Date(since).toISOString() })),
  };
}

function levelJson(state: LevelState): Json {
  const { hits, misses, compression, health } = state;
  return {
    level: state.level,
    kind: state.kind,
    state: health.state,
    ...(health.state === 'degraded' && { reason: health.reason }),
    entries: state.entries ?? null,
    max_entries: state.maxEntries ?? null,
    bytes: state.bytes ?? null,
    max_bytes: state.maxBytes ?? null,
    utilization: rounded(utilizationOf(state)),
    hits,
    misses,
    hit_rate: hits + misses === 0 ? 0 : rounded(hits / (hits + misses)),
    evictions: state.evictions,
    evictions_unexpired: state.unexpired,
    expirations: state.expirations,
    promotions: state.promotions,
    faults: state.faults,
    latency_us: percentilesJson(state.lookups, 100),
    ...(compression && {
      compression: {
        codec: compression.codec,
        raw_bytes: compression.rawBytes,
        stored_bytes: compression.storedBytes,
        ratio: compression.rawBytes === 0 ? 1 : rounded(compression.storedBytes / compression.rawBytes),
      },
    }),
  };
}

function busJson({ peers, lag, leases, ...counts }: BusFigures): Json {
  return {
    instances: peers.map(({ name, version, wire }) => ({ name, version, wire })),
    lag_ms: percentilesJson(lag, 1_000),
    published: counts.published,
    applied: counts.applied,
    waiting: counts.unsent,
    gaps: counts.gaps,
    outages: counts.outages,
    leases: { held: leases.held, waited: leases.waited, waited_ms: Math.round(leases.waitedMs) },
  };
}

function windowJson(tally: Tally): Json {
  return {
    requests: countsJson(tally.counts),
    hit_rate: rate(tally.counts),
    latency_ms: latencyJson(tally),
    saved: savedJson(tally.saved),
  };
}

function minuteJson({ at, counts, saved, hit, miss }: Minute): Json {
  const ms = (micros: number) => inUnits(micros, 1_000);
  const told = (middle: Middle | undefined) => middle && { p50: ms(middle.p50), p95: ms(middle.p95) };
  return {
    at: new Date(at).toISOString(),
    requests: countsJson(counts),
    hit_rate: counts.lookedUp === 0 ? null : rate(counts),
    latency_ms: { hit: told(hit) ?? null, miss: told(miss) ?? null },
    saved: savedJson(saved),
  };
}

function countsJson(counts: Counts): Json {
  return { total: counts.total, ...counts.of };
}

function lineJson({ counts, saved }: Line): Json {
  const told = COUNTED.filter((name) => name !== 'relayed').map((name) => [name, counts.of[name]]);
  return { ...Object.fromEntries(told), hit_rate: rate(counts), saved: savedJson(saved) };
}

function linesJson(lines: Iterable<readonly [string, Line]>): Json {
  return Object.fromEntries([...lines].map(([name, line]) => [name, lineJson(line)]));
}

function reasonsJson(reasons: Iterable<readonly [string, { readonly count: number }]>): Json {
  return Object.fromEntries([...reasons].map(([reason, { count }]) => [reason, count]));
}

function savedJson(saved: Savings): Json {
  return {
    requests: saved.requests,
    prompt_tokens: saved.promptTokens,
    completion_tokens: saved.completionTokens,
    usd: Math.round(saved.usd * 1e6) / 1e6,
    upstream_ms: Math.round(saved.upstreamMs),
  };
}

function latencyJson({ durations }: Tally): Json {
  return Object.fromEntries(
    Object.entries(durations).map(([name, histogram]) => [name, percentilesJson(histogram, 1_000)]),
  );
}

/** Percentiles of durations that were counted in `unit`ths of what they are told in. */
function percentilesJson(histogram: Histogram, unit: number): Json {
  const told = (value: number) => inUnits(value, unit);
  return {
    p50: told(histogram.percentile(0.5)),
    p95: told(histogram.percentile(0.95)),
    p99: told(histogram.percentile(0.99)),
    max: told(histogram.max),
    count: histogram.count,
  };
}

/** A duration that was counted in `unit`ths of what it is told in, with three digits. */
function inUnits(value: number, unit: number): number {
  return Math.round((value / unit) * 1_000) / 1_000;
}

function rate(counts: Counts): number {
  return rounded(counts.hitRate ?? 0);
}

function rounded(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
