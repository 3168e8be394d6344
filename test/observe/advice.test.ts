import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { knownKeys, profileJsonSchema } from '../../src/config/json-schema.ts';
import type { Finding } from '../../src/observe/advice/finding.ts';
import type { Event } from '../../src/observe/events.ts';
import type { Sources } from '../../src/observe/sources.ts';
import { answered, keyNamed } from '../support/answered.ts';
import { sampleEntry } from '../support/entries.ts';
import { levelState, testMonitor } from '../support/monitor.ts';

/** The findings after these events. */
function found(sources: Partial<Sources>, events: Iterable<Event>): ReadonlyMap<string, Finding> {
  const { events: bus, monitor } = testMonitor(sources);
  for (const event of events) bus.emit(event);
  return new Map(monitor.findings.map((finding) => [finding.id, finding]));
}

function stored(name: string, body: string, born: number): Extract<Event, { kind: 'fetched' }> {
  const entry = sampleEntry(name, { body: Buffer.from(body), born });
  return {
    kind: 'fetched',
    type: 'products',
    upstream: 'default',
    status: 200,
    outcome: 'stored',
    reason: undefined,
    ms: 1,
    headMs: 1,
    entries: [{ ...entry, key: keyNamed(name), freshUntil: born + 600_000 }],
  };
}

/** A setting as advice names it: `types.NAME.ttl`, `types.${type}.ttl`, `routes[].key.headers`. */
const SETTING =
  /(?<![.\w])(?:types|routes|disk|memory|server|upstreams|webhooks)(?:\[\])?(?:\.(?:[a-z_]+|[A-Z]+|\$\{\w+\}))+/g;

const many = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

it('nothing is said where nothing happened', () => assert.equal(found({}, []).size, 0));

describe('lifetime', () => {
  const refetched = (body: (round: number) => string) =>
    many(60, (at) => [
      stored(`${at}`, body(0), 0),
      // A quarter of an hour later, when ten minutes were over.
      stored(`${at}`, body(at % 20 === 0 ? 1 : 0), 900_000),
    ]).flat();

  it('a ttl whose end mostly brings the same bytes is to be raised, to how long entries would have lasted', () => {
    const finding = found(
      {},
      refetched((round) => `body ${round}`),
    ).get('ttl-too-short');
    assert.equal(finding?.type, 'products');
    assert.deepEqual(finding?.evidence, {
      refetches: 60,
      identical: 57,
      identical_share: 0.95,
      ttl_s: 600,
      suggested_ttl_s: 1_800,
      age_at_refetch_s: { p50: 900, p95: 900 },
    });
    assert.match(finding?.recommendation ?? '', /^Raise types\.products\.ttl to 30m: 95 % of 60 refetches/);
  });

  it('one whose end brings other bytes is not, nor are entries that were dropped before it', () => {
    let round = 0;
    const events = refetched(() => `body ${round++}`);
    assert.equal(found({}, events).has('ttl-too-short'), false);
    const early = many(60, (at) => [stored(`${at}`, 'same', 0), stored(`${at}`, 'same', 300_000)]).flat();
    assert.equal(found({}, early).has('ttl-too-short'), false);
  });
});

describe('capacity', () => {
  it('a cache that is too small for what comes again is to be raised, and the curve says by how much', () => {
    const small = { levels: () => [levelState({ entries: 100, maxEntries: 100 })] };
    // Three hundred keys in turn: a cache of a hundred never has the next one.
    const finding = found(
      small,
      many(3_000, (at) => answered(`${at % 300}`)),
    ).get('capacity');
    assert.deepEqual(finding?.evidence.hit_rate_at, { '0.5x': 0, '1x': 0, '2x': 0, '4x': 0.9, '8x': 0.9 });
    assert.match(
      finding?.recommendation ?? '',
      /^Raise memory\.max_entries to 400: l1 would then answer 90 %/,
    );
  });

  it('of threads that have a cache each, what is said is of one of them, as the setting is', () => {
    const small = { levels: () => [levelState({ entries: 200, maxEntries: 200, caches: 2 })] };
    const finding = found(
      small,
      many(3_000, (at) => answered(`${at % 300}`)),
    ).get('capacity');
    assert.match(finding?.recommendation ?? '', /^Raise memory\.max_entries to 400: l1 would then/);
  });

  it('of a cache that is large enough that is said', () => {
    const finding = found(
      {},
      many(3_000, (at) => answered(`${at % 300}`)),
    ).get('capacity');
    assert.equal(finding?.severity, 'info');
    assert.match(finding?.recommendation ?? '', /is large enough/);
  });
});

it('entries that are asked for once and fill a tier are named with their type', () => {
  const full = {
    levels: () => [levelState({ entries: 1_000 })],
    places: () => [{ type: 'products', namespace: 'default', label: 'm', entries: 950, bytes: 9_500 }],
  };
  const events = many(2_000, (at) => answered(`${at}`, { outcome: 'MISS', reason: 'absent' }));
  const finding = found(full, events).get('one-hit-entries');
  assert.deepEqual(
    [finding?.type, finding?.evidence.asked_once_share, finding?.evidence.entries],
    ['products', 1, 950],
  );
  assert.equal(found({}, events).has('one-hit-entries'), false);
});

it('a reason for which much is not cached is told with what to do about it', () => {
  const bypass = many(100, () => answered('a', { outcome: 'BYPASS', reason: 'header:cookie', keys: [] }));
  const finding = found({}, bypass).get('bypassed');
  assert.deepEqual(finding?.evidence, { reason: 'header:cookie', requests: 100, share: 1 });
  assert.match(finding?.recommendation ?? '', /routes\[\]\.key\.headers/);
});

it('answers that cannot be stored are told with what to do about it', () => {
  const event: Event = {
    kind: 'fetched',
    type: 'products',
    upstream: 'default',
    status: 200,
    outcome: 'unstored',
    reason: 'set-cookie',
    ms: 1,
    headMs: 1,
    entries: [],
  };
  const finding = found(
    {},
    many(60, () => event),
  ).get('not-stored');
  assert.deepEqual(finding?.evidence, { reason: 'set-cookie', answers: 60, share: 1 });
});

it('invalidations that mean nothing are told, and dry runs are none', () => {
  const event = (matched: number, dryRun = false): Event => {
    return { kind: 'invalidated', id: 'inv', by: 'api', mode: 'purge', dryRun, matched, tags: ['product:7'] };
  };
  const finding = found({}, [...many(9, () => event(0)), event(3), ...many(50, () => event(0, true))]);
  assert.deepEqual(finding.get('empty-invalidations')?.evidence, { invalidations: 10, empty: 9, share: 0.9 });
});

it('tags of a kind that nobody invalidates are told after a day, but not those that every entry has', () => {
  const { clock, events, monitor } = testMonitor();
  const tagged = (at: number): Event => {
    const event = stored(`${at}`, 'x', 0);
    const tags = ['product:7', 'shop:1', 'model:m'].map((tag) => [tag, 1] as const);
    return { ...event, entries: event.entries.map((entry) => ({ ...entry, tags })) };
  };
  for (let at = 0; at < 300; at += 1) events.emit(tagged(at));
  events.emit({
    kind: 'invalidated',
    id: 'i',
    by: 'api',
    mode: 'purge',
    dryRun: false,
    matched: 1,
    tags: ['shop:1'],
  });
  const kinds = () =>
    monitor.findings.filter(({ id }) => id === 'tags-never-invalidated').map(({ evidence }) => evidence.kind);
  assert.deepEqual(kinds(), []);
  clock.advance(86_400_000);
  assert.deepEqual(kinds(), ['product']);
});

it('compression that leaves most of the bytes is told', () => {
  const packed = (storedBytes: number) => ({
    levels: () => [levelState({ compression: { codec: 'gzip', rawBytes: 20_000_000, storedBytes } })],
  });
  assert.equal(found(packed(19_000_000), []).get('compression-does-not-pay')?.evidence.ratio, 0.95);
  assert.equal(found(packed(6_000_000), []).has('compression-does-not-pay'), false);
});

it('a disk that is hardly faster than the upstream is told', () => {
  const events = (ms: number) =>
    many(100, (at) => [
      answered(`${at}`, { level: 'l2', ms }),
      { ...stored(`${at}`, 'x', 0), ms: 20 },
    ]).flat();
  const { evidence, recommendation } = found({}, events(19)).get('slow-disk') ?? {};
  assert.equal(evidence?.hits, 100);
  assert.ok(Math.abs(Number(evidence?.l2_hit_p50_ms) - 19) < 0.2);
  assert.match(recommendation ?? '', /disk\.path .* disk\.max_bytes: 0/);
  assert.equal(found({}, events(2)).has('slow-disk'), false);
});

it('answers that an upstream sends with a header that forbids to store them are told with that header', () => {
  for (const [reason, remedy] of [
    ['upstream-private', /cache-control, or set routes\[\]\.respect_upstream/],
    ['vary', /routes\[\]\.key\.headers/],
  ] as const) {
    const event = { ...stored('a', '', 0), outcome: 'unstored', reason, entries: [] } as const;
    const finding = found(
      {},
      many(60, () => event),
    ).get('not-stored');
    assert.match(finding?.recommendation ?? '', remedy);
  }
});

it('every setting that advice names is one', () => {
  const schema = profileJsonSchema();
  const folder = new URL('../../src/observe/advice/', import.meta.url);
  const texts = readdirSync(folder).flatMap(
    (file) => readFileSync(new URL(file, folder), 'utf8').match(/`[^`]*`|'[^'\n]*'/g) ?? [],
  );
  const named = texts.flatMap((text) => text.match(SETTING) ?? []);
  assert.ok(named.length > 20, String(named.length));
  for (const setting of named) {
    const path = setting
      .replaceAll('[]', '.0')
      .split('.')
      .map((step) => (step === '0' ? 0 : /^[A-Z$]/.test(step) ? 'a-name' : step));
    const last = path.at(-1);
    if (last !== 'a-name') assert.ok(knownKeys(schema, path.slice(0, -1)).includes(String(last)), setting);
  }
});

it('a key that gets a fifth of all requests is told', () => {
  const events = many(1_000, (at) => answered(at % 4 === 0 ? 'hot' : `${at}`));
  const finding = found({}, events).get('hot-key');
  assert.equal(finding?.evidence.key, keyNamed('hot').shown);
  assert.ok(Math.abs(Number(finding?.evidence.share) - 0.25) < 0.01);
});

it('a namespace that takes most of a full cache and gives back less than the others is told', () => {
  const sources = {
    levels: () => [levelState({ entries: 1_000 })],
    places: () => [
      { type: 'products', namespace: 'bulk', label: 'm', entries: 900, bytes: 90_000 },
      { type: 'products', namespace: 'default', label: 'm', entries: 100, bytes: 10_000 },
    ],
  };
  const events = many(100, (at) => [
    answered(`${at}`),
    answered(`bulk ${at}`, { namespace: 'bulk', outcome: 'MISS', reason: 'absent' }),
  ]).flat();
  assert.equal(found(sources, events).get('namespace-starves-others')?.evidence.namespace, 'bulk');
});

describe('the score', () => {
  it('is how much of what was asked for again came from the cache', () => {
    const { events, monitor } = testMonitor();
    assert.equal(monitor.score, null);
    // Each of a hundred keys twice: half of all requests could be hits, and half of those are.
    for (let at = 0; at < 100; at += 1) {
      events.emit(answered(`${at}`, { outcome: 'MISS', reason: 'absent' }));
      events.emit(answered(`${at}`, at % 2 === 0 ? {} : { outcome: 'MISS', reason: 'expired' }));
    }
    assert.equal(monitor.score, 50);
  });
});
