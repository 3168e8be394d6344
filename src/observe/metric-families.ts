import type { BusFigures } from '../cache/bus.ts';
import type { Histogram } from '../shared/histogram.ts';
import { COUNTED } from './counts.ts';
import type { Line, UpstreamLine } from './figures.ts';
import type { Monitor } from './monitor.ts';
import type { LevelState, UpstreamState } from './sources.ts';

/** A value, and what its labels say, in the order of the family's. */
export type Sample<Value> = readonly [value: Value, ...labels: readonly string[]];

/** A metric by Prometheus' conventions, and where its values come from. */
export interface Family<Value> {
  /** With its prefix, and with the unit and `_total` where there are such. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (monitor: Monitor) => Iterable<Sample<Value>>;
}

type Reading = Family<number>['read'];

/** What only rises. */
export const COUNTERS: readonly Family<number>[] = [
  family(
    'requests_total',
    'Requests by type (none: passed through, or refused) and outcome.',
    ['type', 'outcome'],
    requests,
  ),
  ...(['model', 'namespace', 'endpoint'] as const).map((label) =>
    family(
      `${label}_requests_total`,
      `Requests by ${label} and outcome; above 200 names the rest is other.`,
      [label, 'outcome'],
      ({ figures }) => byOutcome(figures[`${label}s`].entries()),
    ),
  ),
  family('misses_total', 'Requests that found nothing, by reason.', ['reason'], ({ figures }) =>
    byReason(figures.missed.entries()),
  ),
  family(
    'bypasses_total',
    'Requests for which the cache was not asked, by reason.',
    ['reason'],
    ({ figures }) => byReason(figures.bypasses.entries()),
  ),
  family('not_stored_total', 'Fetched answers that were not stored, by reason.', ['reason'], ({ figures }) =>
    byReason(figures.unstored.entries()),
  ),
  family('saved_requests_total', 'Upstream calls that were not made.', ['model'], ({ figures }) =>
    [...figures.models.entries()].map(([model, { saved }]) => [saved.requests, model]),
  ),
  family('saved_tokens_total', 'Tokens that were not paid for.', ['model', 'kind'], ({ figures }) =>
    [...figures.models.entries()].flatMap(([model, { saved }]): Sample<number>[] => [
      [saved.promptTokens, model, 'prompt'],
      [saved.completionTokens, model, 'completion'],
    ]),
  ),
  family(
    'saved_usd_total',
    'US dollars that were not paid, for models whose price is known.',
    ['model'],
    ({ figures }) => [...figures.models.entries()].map(([model, { saved }]) => [saved.usd, model]),
  ),
  family(
    'saved_upstream_seconds_total',
    'Time that the calls not made would have taken.',
    [],
    ({ figures }) => [[figures.total.saved.upstreamMs / 1_000]],
  ),
  level('level_hits_total', 'Look-ups that a tier answered.', ({ hits }) => hits),
  level('level_misses_total', 'Look-ups that a tier did not answer.', ({ misses }) => misses),
  level('level_evictions_total', 'Entries dropped for their space.', ({ evictions }) => evictions),
  level(
    'level_evictions_unexpired_total',
    'Entries dropped for their space before their ttl was over.',
    ({ unexpired }) => unexpired,
  ),
  level('level_expirations_total', 'Entries dropped for their age.', ({ expirations }) => expirations),
  level(
    'level_promotions_total',
    'Entries copied from a tier into the one above.',
    ({ promotions }) => promotions,
  ),
  level('level_faults_total', 'Reads and writes of a tier that failed.', ({ faults }) => faults),
  upstream('upstream_calls_total', 'Calls of the cache to an upstream.', ({ calls }) => calls),
  upstream('upstream_failures_total', 'Those without an answer, or with a 5xx.', ({ failures }) => failures),
  upstream('upstream_rate_limited_total', 'Those answered with 429.', ({ limited }) => limited),
  family('invalidations_total', 'Invalidations, without dry runs.', [], ({ figures }) => [
    [figures.invalidated.invalidations],
  ]),
  family('invalidated_entries_total', 'Entries that invalidations meant.', [], ({ figures }) => [
    [figures.invalidated.entries],
  ]),
  family(
    'webhook_deliveries_total',
    'Webhook deliveries by webhook and outcome.',
    ['webhook', 'outcome'],
    ({ figures }) =>
      [...figures.deliveries.entries()].map(([name, { count }]) => [count, ...name.split(' ')]),
  ),
  family(
    'alert_posts_total',
    'Alerts that were POSTed (delivered) or given up (dropped), and attempts that failed.',
    ['outcome'],
    ({ sources }) => Object.entries(sources.alertPosts() ?? {}).map(([outcome, count]) => [count, outcome]),
  ),
  family(
    'spans_total',
    'Spans that were exported, that the collector did not take (failed), and that found the queue full (dropped).',
    ['outcome'],
    ({ sources }) => Object.entries(sources.spans() ?? {}).map(([outcome, count]) => [count, outcome]),
  ),
  bus(
    'bus_published_total',
    'Invalidations that were announced to other instances.',
    ({ published }) => published,
  ),
  bus('bus_applied_total', 'Invalidations of other instances that were applied.', ({ applied }) => applied),
  bus(
    'bus_gaps_total',
    'Times that announcements were found missing, and were read again.',
    ({ gaps }) => gaps,
  ),
  bus(
    'bus_outages_total',
    'Times that the other instances could not be reached any more.',
    ({ outages }) => outages,
  ),
  bus('leases_held_total', 'Fetches that were made for all instances.', ({ leases }) => leases.held),
  bus('lease_waits_total', 'Waits for what another instance was fetching.', ({ leases }) => leases.waited),
  bus('lease_wait_seconds_total', 'Time of these waits.', ({ leases }) => leases.waitedMs / 1_000),
  family('worker_restarts_total', 'Threads that took the place of one that had ended.', [], ({ sources }) => {
    const threads = sources.threads();
    return threads === undefined ? [] : [[threads.restarts]];
  }),
  family('auth_failures_total', 'Calls with a wrong key, token or signature, or none.', [], ({ figures }) => [
    [figures.refused],
  ]),
];

/** What rises and falls. */
export const GAUGES: readonly Family<number>[] = [
  level('level_entries', 'Entries in a tier.', ({ entries }) => entries),
  level('level_bytes', 'Bytes in a tier.', ({ bytes }) => bytes),
  level('level_max_bytes', 'Bytes that a tier may hold.', ({ maxBytes }) => maxBytes),
  level(
    'level_max_entries',
    'Entries that a tier may hold, where they are bounded.',
    ({ maxEntries }) => maxEntries,
  ),
  level('level_write_queue_bytes', 'Bytes that wait to be written to a tier.', ({ queue }) => queue?.bytes),
  family('data_free_bytes', 'Bytes free on the disk of the data folder.', [], ({ sources }) => {
    const disk = sources.disk();
    return disk === undefined ? [] : [[disk.free]];
  }),
  level('level_up', 'Whether a tier works.', ({ health }) => (health.state === 'ok' ? 1 : 0)),
  state('upstream_up', 'Whether an upstream is asked: 0 while its breaker is open.', ({ state: now }) =>
    now === 'down' ? 0 : 1,
  ),
  state('upstream_calls_running', 'Upstream calls under way.', ({ running }) => running),
  state('upstream_calls_waiting', 'Upstream calls that wait for their turn.', ({ waiting }) => waiting),
  bus('bus_waiting', 'Invalidations that are still to be announced.', ({ unsent }) => unsent),
  family('instances', 'Instances that share entries, by their version.', ['version'], ({ sources }) => {
    const versions = Map.groupBy(sources.bus()?.peers ?? [], ({ version }) => version);
    return [...versions].map(([version, peers]) => [peers.length, version]);
  }),
  family('workers', 'Threads that answer requests.', [], ({ sources }) => [
    [sources.threads()?.working ?? 1],
  ]),
  family('alert', 'Alerts that stand: 1 for each.', ['id', 'severity'], ({ alerts }) =>
    alerts.map(({ id, severity }) => [1, id, severity]),
  ),
  family(
    'score',
    'How much of what could come from the cache does, from 0 to 100; absent while too little was asked.',
    [],
    ({ score }) => (score === null ? [] : [[score]]),
  ),
];

/** Durations, counted in microseconds and told in seconds. */
export const DURATION_FAMILIES: readonly Family<Histogram>[] = [
  durations(
    'request_duration_seconds',
    'Time to the last byte of an answer, by where it came from.',
    ['source'],
    ({ hit_l1, hit_l2, hit_l3, miss }) => [
      [hit_l1, 'l1'],
      [hit_l2, 'l2'],
      [hit_l3, 'l3'],
      [miss, 'upstream'],
    ],
  ),
  durations('time_to_first_byte_seconds', 'Time to the head of an answer.', [], ({ ttfb }) => [[ttfb]]),
  durations('upstream_duration_seconds', 'Time that upstream calls took.', [], ({ upstream: took }) => [
    [took],
  ]),
  family(
    'bus_lag_seconds',
    'Time until all other instances had applied an invalidation.',
    [],
    ({ sources }) => {
      const lag = sources.bus()?.lag;
      return lag === undefined ? [] : [[lag]];
    },
  ),
  durations(
    'added_duration_seconds',
    'Time that answers took beyond their upstream call.',
    [],
    ({ added }) => [[added]],
  ),
];

function family<Value>(
  name: string,
  help: string,
  labels: readonly string[],
  read: Family<Value>['read'],
): Family<Value> {
  return { name: `reprise_${name}`, help, labels, read };
}

function level(
  name: string,
  help: string,
  figureOf: (state: LevelState) => number | undefined,
): Family<number> {
  return family(name, help, ['level'], ({ sources }) =>
    sources.levels().flatMap((one): Sample<number>[] => {
      const value = figureOf(one);
      return value === undefined ? [] : [[value, one.level]];
    }),
  );
}

function bus(name: string, help: string, figureOf: (figures: BusFigures) => number): Family<number> {
  return family(name, help, [], ({ sources }) => {
    const figures = sources.bus();
    return figures === undefined ? [] : [[figureOf(figures)]];
  });
}

function upstream(name: string, help: string, figureOf: (line: UpstreamLine) => number): Family<number> {
  return family(name, help, ['upstream'], ({ figures }) =>
    [...figures.upstreams.entries()].map(([one, line]) => [figureOf(line), one]),
  );
}

function state(name: string, help: string, figureOf: (now: UpstreamState) => number): Family<number> {
  return family(name, help, ['upstream'], ({ sources }) =>
    [...sources.upstreams()].map(([one, now]) => [figureOf(now), one]),
  );
}

function durations(
  name: string,
  help: string,
  labels: readonly string[],
  read: (all: Monitor['figures']['total']['durations']) => readonly Sample<Histogram>[],
): Family<Histogram> {
  return family(name, help, labels, ({ figures }) => read(figures.total.durations));
}

/** All requests: those of each type, and those of none. */
function requests({ figures }: Monitor): ReturnType<Reading> {
  const rest = { ...figures.counts.of };
  const typed = [...figures.types.entries()];
  for (const [, { counts }] of typed) for (const outcome of COUNTED) rest[outcome] -= counts.of[outcome];
  return [...byOutcome(typed), ...COUNTED.map((outcome): Sample<number> => [rest[outcome], 'none', outcome])];
}

/** Outcomes that there were: of hundreds of names most have few. */
function byOutcome(lines: Iterable<readonly [string, Line]>): readonly Sample<number>[] {
  return [...lines].flatMap(([name, { counts }]) =>
    COUNTED.filter((outcome) => counts.of[outcome] > 0).map(
      (outcome): Sample<number> => [counts.of[outcome], name, outcome],
    ),
  );
}

function byReason(
  reasons: Iterable<readonly [string, { readonly count: number }]>,
): readonly Sample<number>[] {
  return [...reasons].map(([reason, { count }]) => [count, reason]);
}
