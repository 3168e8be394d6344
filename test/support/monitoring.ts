import { type ControlCall, controlCall } from '../../src/control/call.ts';
import { dashboardCall } from '../../src/control/dashboard-call.ts';
import { readPageFiles } from '../../src/control/page-files.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';

/** The dashboard before figures that the test says; entries and invalidations are those of a control plane. */
export interface Monitoring extends ControlPlane {
  /** What the calls answer: to be changed at will. */
  readonly told: Told;
  /** How many live feeds are being read. */
  readonly feeds: () => number;
  /** Sends an event to them. */
  tell(kind: string, data: object): void;
  /** Sends them the figures, and how many requests were not told. */
  tellFigures(omitted?: number): void;
  /** Ends them; with `refuse` new ones are answered 404. */
  endFeeds(refuse: boolean): void;
}

/** What `GET /monitoring/cache`, `/series`, `/levels` and `/efficiency` answer. */
export interface Told {
  cache: object;
  series: object;
  levels: object;
  efficiency: object;
}

/** Starts one on a free port. Dispose of it at the end. */
export async function startMonitoring(options: { readonly token?: string } = {}): Promise<Monitoring> {
  const told: Told = { cache: CACHE, series: SERIES, levels: LEVELS, efficiency: EFFICIENCY };
  const feeds = new Set<ReadableStreamDefaultController<Uint8Array>>();
  let refusing = false;
  const calls: readonly ControlCall[] = [
    dashboardCall(readPageFiles(), options.token !== undefined),
    controlCall('admin', '/monitoring/cache', { GET: () => Response.json(told.cache) }),
    controlCall('admin', '/monitoring/cache/series', { GET: () => Response.json(told.series) }),
    controlCall('admin', '/monitoring/cache/levels', { GET: () => Response.json(told.levels) }),
    controlCall('admin', '/monitoring/cache/efficiency', { GET: () => Response.json(told.efficiency) }),
    controlCall('admin', '/monitoring/events', {
      GET: () => (refusing ? new Response(null, { status: 404 }) : new Response(feed(feeds), SSE)),
    }),
  ];
  const plane = await startControlPlane({ ...options, calls });
  const tell = (kind: string, data: object) => {
    const bytes = new TextEncoder().encode(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`);
    // In two pieces, as a network may bring it.
    for (const each of feeds) {
      each.enqueue(bytes.subarray(0, 9));
      each.enqueue(bytes.subarray(9));
    }
  };
  return {
    ...plane,
    told,
    feeds: () => feeds.size,
    tell,
    tellFigures(omitted = 0) {
      const { cache, levels, efficiency } = told;
      tell('figures', { cache, ...levels, efficiency, requests_omitted: omitted });
    },
    endFeeds(refuse) {
      refusing = refuse;
      for (const each of feeds) each.close();
      feeds.clear();
    },
    async [Symbol.asyncDispose]() {
      await plane[Symbol.asyncDispose]();
    },
  };
}

const SSE = { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } };

function feed(feeds: Set<ReadableStreamDefaultController<Uint8Array>>): ReadableStream<Uint8Array> {
  let own: ReadableStreamDefaultController<Uint8Array> | undefined;
  return new ReadableStream({
    start(controller) {
      own = controller;
      feeds.add(controller);
      controller.enqueue(new TextEncoder().encode(': open\n\n'));
    },
    cancel() {
      if (own !== undefined) feeds.delete(own);
    },
  });
}

/** Figures as a shop of some size would have them after a day. */
export const CACHE = {
  status: 'ok',
  profile: 'production',
  uptime_s: 93_780,
  requests: {
    total: 184_210,
    hits: 121_377,
    misses: 41_002,
    partial: 6_204,
    stale: 2_310,
    coalesced: 8_115,
    bypassed: 4_988,
    errors: 214,
  },
  hit_rate: 0.7365,
  types: {
    embeddings: {
      hit_rate: 0.8126,
      ttl_s: 86_400,
      hits: 80_211,
      misses: 12_940,
      partial: 6_204,
      stale: 0,
      coalesced: 3_100,
      bypassed: 12,
      entries: 31_022,
      bytes: 190_617_600,
    },
    llm_responses: {
      hit_rate: 0.5563,
      ttl_s: 1_800,
      hits: 22_190,
      misses: 21_312,
      partial: 0,
      stale: 310,
      coalesced: 4_215,
      bypassed: 4_901,
      entries: 4_127,
      bytes: 18_402_113,
    },
    search_results: {
      hit_rate: 0.7294,
      ttl_s: 600,
      hits: 12_004,
      misses: 5_210,
      partial: 0,
      stale: 1_400,
      coalesced: 640,
      bypassed: 40,
      entries: 812,
      bytes: 4_402_091,
    },
    products: {
      hit_rate: 0.8339,
      ttl_s: 3_600,
      hits: 6_972,
      misses: 1_540,
      partial: 0,
      stale: 600,
      coalesced: 160,
      bypassed: 35,
      entries: 1_540,
      bytes: 3_118_220,
    },
    models: {
      hit_rate: 0,
      ttl_s: 600,
      hits: 0,
      misses: 0,
      partial: 0,
      stale: 0,
      coalesced: 0,
      bypassed: 0,
      entries: 0,
      bytes: 0,
    },
  },
  latency_ms: {
    hit: { p50: 0.31, p95: 0.9, p99: 2.4, max: 14.2 },
    miss: { p50: 812, p95: 2_410, p99: 5_120, max: 31_002 },
    upstream: { p50: 809, p95: 2_400, p99: 5_110, max: 30_990 },
  },
  saved: {
    requests: 131_802,
    prompt_tokens: 48_210_331,
    completion_tokens: 6_120_441,
    usd: 412.87,
    upstream_ms: 81_204_000,
  },
  windows: {
    '1m': {
      requests: {
        total: 80,
        hits: 60,
        misses: 20,
        partial: 0,
        stale: 0,
        coalesced: 0,
        bypassed: 0,
        errors: 0,
      },
      hit_rate: 0.75,
      latency_ms: {
        hit: { p50: 0.29, p95: 0.8, p99: 2.1, max: 3, count: 60 },
        miss: { p50: 799, p95: 2_300, p99: 5_010, max: 6_200, count: 20 },
      },
    },
  },
  top_keys: [
    { key: 'llm_responses/default/gpt-5-mini/0123456789abcdef', requests: 9_120 },
    { key: 'embeddings/default/text-embedding-3-small/fedcba9876543210', requests: 4_077 },
  ],
  upstreams: { default: { state: 'up' }, shop: { state: 'failing' } },
};

/** Minutes of which nothing has ended yet. */
export const SERIES = { step_s: 60, points: [] };

/** Three tiers, of which one is nearly full and one degraded, and what joins two instances. */
export const LEVELS = {
  levels: [
    {
      level: 'l1',
      kind: 'memory',
      entries: 968,
      max_entries: 1_000,
      bytes: 21_330_112,
      max_bytes: 256_000_000,
      utilization: 0.968,
      hits: 96_201,
      misses: 66_178,
      hit_rate: 0.592,
      evictions: 30_112,
      expirations: 2_204,
      promotions: 25_176,
      latency_us: { p50: 2.1, p95: 6, p99: 11, max: 210 },
    },
    {
      level: 'l2',
      kind: 'disk',
      entries: 37_501,
      max_entries: null,
      bytes: 216_540_024,
      max_bytes: 500_000_000,
      utilization: 0.433,
      hits: 25_176,
      misses: 41_002,
      hit_rate: 0.38,
      evictions: 0,
      expirations: 8_120,
      promotions: 0,
      latency_us: { p50: 118, p95: 402, p99: 1_210, max: 14_002 },
      compression: { kind: 'gzip', ratio: 0.41 },
    },
    {
      level: 'l3',
      kind: 'redis',
      state: 'degraded',
      reason: 'no answer within 50 ms',
      entries: null,
      max_entries: null,
      bytes: null,
      max_bytes: null,
      utilization: 0,
      hits: 7_002,
      misses: 34_000,
      hit_rate: 0.171,
      evictions: 0,
      expirations: 0,
      promotions: 7_002,
      latency_us: { p50: 310, p95: 640, p99: 1_800, max: 48_000 },
    },
  ],
  bus: {
    instances: [
      { name: 'web-1-3fa9c2', version: '1.2.0', wire: 1 },
      { name: 'web-2-77aa01', version: '1.1.9', wire: 1 },
    ],
    lag_ms: { p50: 1.4, p95: 3, p99: 12, max: 40, count: 812 },
    published: 812,
    applied: 640,
    waiting: 3,
    gaps: 0,
    outages: 1,
    leases: { held: 9_000, waited: 120, waited_ms: 31_000 },
  },
};

/** One alert, and two things to change. */
export const EFFICIENCY = {
  score: 78,
  hit_rate: 0.7365,
  findings: [
    {
      id: 'lifetime',
      severity: 'warning',
      type: 'search_results',
      evidence: { refetches: 1_200, identical_share: 0.94, ttl_s: 600 },
      recommendation: 'Raise search_results.ttl to 30m: 94 % of 1,200 refetches brought the same bytes.',
    },
    {
      id: 'capacity',
      severity: 'info',
      evidence: { hit_rate_now: 0.592, hit_rate_at_2x: 0.71 },
      recommendation: 'Raise memory.max_entries to 2000: L1 would answer 71 % instead of 59 %.',
    },
  ],
  alerts: [
    {
      id: 'upstream-slow:shop',
      severity: 'warning',
      since: new Date(Date.now() - 240_000).toISOString(),
      message: 'The upstream shop fails: entries that may be served stale are. Look at its own log.',
    },
  ],
};
