import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noBrowser, openPage, PATIENCE_MS } from '../support/browser.ts';
import { until } from '../support/deadline.ts';
import { CACHE, EFFICIENCY, startMonitoring } from '../support/monitoring.ts';
import { isQuiet, rows, says } from '../support/page.ts';

const BROWSER = { skip: noBrowser };

test('every panel shows the figures that the server tells', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  await using open = await openPage(`${monitoring.url}/dashboard`);
  await says(open, '#tile-hit-rate', 'Hit rate73.7%of 184,210 requests');
  await says(open, '#tile-saved-usd', 'Money saved$412.87131,802 calls not made');
  await says(open, '#tile-saved-tokens', 'Tokens saved54.3M48.2M in, 6.1M out');
  await says(open, '#tile-saved-time', 'Waiting saved22.6 hof upstream time');
  await says(open, '#tile-latency', 'A hit takes310 µsa miss 812 ms');
  await says(open, '#tile-score', 'Score78of 100; see the advice');
  await says(open, '#facts', 'Profile production · up for 1 d 2 h · 217 MB held');
  await says(open, '#upstreams', 'default: upshop: failing');
  await says(open, '#alerts', 'The upstream shop fails');
  await says(open, '#findings', 'Raise search_results.ttl to 30m');
  await says(open, '#findings', 'refetches1,200');
  assert.deepEqual(await rows(open, '#percentiles'), [
    ['Hit', '310 µs', '900 µs', '2.4 ms', '14.2 ms'],
    ['Miss', '812 ms', '2.41 s', '5.12 s', '31 s'],
    ['Upstream', '809 ms', '2.4 s', '5.11 s', '31 s'],
  ]);
  await says(open, '#tier-l1', 'Entries968 of 1,000');
  await says(open, '#tier-l1', 'Promotions25,176');
  await says(open, '#tier-l2', 'Size217 MB of 500 MB');
  await says(open, '#tier-l3', 'degraded: no answer within 50 ms');
  await says(open, '#tier-l3', 'Promotions7,002');
  await says(open, '#instances', 'Instances2');
  await says(open, '#instances', 'web-2-77aa011.1.9');
  await says(open, '#instances', 'Still to be announced3');
  const gauge = open.page.getByRole('meter', { name: 'L1 entries' });
  assert.equal(await gauge.getAttribute('aria-valuenow'), '97');
  const [embeddings, responses] = await rows(open, '#types-table');
  const counts = ['80,211', '6,204', '0', '3,100', '12,940', '12', '31,022', '191 MB'];
  assert.deepEqual(embeddings, ['embeddings', '1 d', '81.3%', ...counts]);
  assert.equal(responses?.[1], '30 min');
  assert.deepEqual(await rows(open, '#top-keys'), [
    ['llm_responses/default/gpt-5-mini/0123456789…', '9,120', '5%'],
    ['embeddings/default/text-embedding-3-small/fedcba9876…', '4,077', '2.2%'],
  ]);
  assert.equal(await open.page.title(), '73.7% · Reprise');
  isQuiet(open, monitoring.url);
});

test(
  'what happens appears as it happens: requests, deliveries, invalidations, and the lines over time',
  BROWSER,
  async () => {
    await using monitoring = await startMonitoring();
    monitoring.shelf.add('a', { tags: ['product:7'] });
    await using open = await openPage(`${monitoring.url}/dashboard`);
    await until(() => monitoring.feeds() === 1, 'the page reads the feed', PATIENCE_MS);
    await says(open, '#state-word', 'Live');
    const key = 'llm_responses/default/gpt-5-mini/0123456789abcdef';
    const answered = { endpoint: 'chat.completions', status: 200, key };
    monitoring.tell('request', { ...answered, outcome: 'MISS', reason: 'expired', ms: 812 });
    monitoring.tell('request', { ...answered, outcome: 'HIT', level: 'l1', ms: 0.31 });
    monitoring.tell('delivery', {
      webhook: 'shopify',
      event: 'products/update',
      outcome: 'refused',
      invalidated: 0,
      why: 'bad signature',
    });
    await until(async () => (await rows(open, '#recent')).length === 2, 'the requests', PATIENCE_MS);
    const recent = (await rows(open, '#recent')).map((cells) => cells.slice(1));
    const shown = 'llm_responses/default/gpt-5-mini/0123456789…';
    assert.deepEqual(recent, [
      ['hit', '–', 'l1', 'chat.completions', '200', '310 µs', shown],
      ['miss', 'expired', '–', 'chat.completions', '200', '812 ms', shown],
    ]);
    const [delivery] = await rows(open, '#deliveries');
    assert.deepEqual(delivery?.slice(1), ['shopify', 'products/update', 'refused', '0', 'bad signature']);

    await monitoring.ask('/cache/invalidate', { method: 'POST', body: { tags: ['product:7'] } });
    monitoring.tell('invalidation', { id: 'inv_1' });
    await until(
      async () => (await rows(open, '#invalidations'))[0]?.[2] === 'tags product:7',
      'the invalidation',
      PATIENCE_MS,
    );

    const { requests } = CACHE;
    monitoring.told.cache = { ...CACHE, hit_rate: 0.5, requests: { ...requests, hits: requests.hits + 9 } };
    await until(
      async () => {
        monitoring.tellFigures(230);
        return (await open.page.locator('#chart-hit-rate .legend').textContent()) === 'Hit rate75%';
      },
      'a point of the last minute',
      PATIENCE_MS,
    );
    await says(open, '#chart-latency .legend', 'Hit290 µsMiss799 ms');
    await says(open, '#tile-hit-rate', '50%');
    await says(open, '#recent-omitted', '230 in the last second');
    isQuiet(open, monitoring.url);
  },
);

test(
  'the lines over time begin with what the server remembers, of the time that is chosen',
  BROWSER,
  async () => {
    await using monitoring = await startMonitoring();
    const minute = (ago: number, hits: number, misses: number) => ({
      at: new Date(Date.now() - ago * 60_000).toISOString(),
      requests: { hits, misses },
      hit_rate: hits / (hits + misses),
      latency_ms: { hit: { p50: 0.2, p95: 1 }, miss: null },
    });
    monitoring.told.series = {
      step_s: 60,
      points: [minute(600, 6, 6), minute(40, 30, 90), minute(2, 90, 30)],
    };
    await using open = await openPage(`${monitoring.url}/dashboard`);
    await says(open, '#chart-hit-rate .legend', 'Hit rate75%');
    await says(open, '#chart-outcomes .legend', 'Hits1.5/s');
    await says(open, '#chart-latency .legend', 'Hit200 µsMiss–');
    const drawn = (range: string) => open.page.getByRole('radio', { name: range }).isChecked();
    assert.ok(await drawn('15 min'));
    // With the keyboard, as one goes through radio buttons.
    await open.page.getByRole('radio', { name: '15 min' }).focus();
    await open.page.keyboard.press('ArrowRight');
    await open.page.keyboard.press('ArrowRight');
    assert.ok(await drawn('24 hours'));
    const asked = () => open.requested.filter((address) => address.includes('/monitoring/cache/series'));
    await until(() => asked().length === 3, 'the series of each time', PATIENCE_MS);
    assert.deepEqual(
      asked().map((address) => new URL(address).search),
      ['?minutes=15', '?minutes=60', '?minutes=1440'],
    );
    isQuiet(open, monitoring.url);
  },
);

test('an alert appears and clears', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  monitoring.told.efficiency = { ...EFFICIENCY, alerts: [], findings: [] };
  await using open = await openPage(`${monitoring.url}/dashboard`);
  await says(open, '#alerts', 'No alerts');
  await says(open, '#findings', 'Nothing to change');
  await until(() => monitoring.feeds() === 1, 'the page reads the feed', PATIENCE_MS);
  monitoring.told.efficiency = EFFICIENCY;
  monitoring.tellFigures();
  await says(open, '#alerts', 'The upstream shop fails');
  monitoring.told.efficiency = { ...EFFICIENCY, alerts: [] };
  monitoring.tellFigures();
  await says(open, '#alerts', 'No alerts');
});

test('without a live feed the figures are asked for', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  await using open = await openPage(`${monitoring.url}/dashboard`);
  await until(() => monitoring.feeds() === 1, 'the page reads the feed', PATIENCE_MS);
  monitoring.endFeeds(true);
  await says(open, '#state-word', 'Every 2 s');
  monitoring.told.cache = { ...CACHE, hit_rate: 0.25 };
  await says(open, '#tile-hit-rate', '25%');
  await open.page.getByRole('button', { name: 'Pause' }).click();
  await says(open, '#state-word', 'Paused');
  monitoring.told.cache = { ...CACHE, hit_rate: 0.125 };
  await open.page.getByRole('button', { name: 'Resume' }).click();
  await says(open, '#tile-hit-rate', '12.5%');
});

test('figures that are missing, or of another kind, are shown as none', BROWSER, async () => {
  await using monitoring = await startMonitoring();
  monitoring.told.cache = { requests: { total: 'many' }, types: { odd: null }, latency_ms: [], upstreams: 7 };
  monitoring.told.levels = { levels: [{ level: 'l1' }, null] };
  monitoring.told.efficiency = { alerts: {}, findings: [{}] };
  await using open = await openPage(`${monitoring.url}/dashboard`);
  await says(open, '#tile-hit-rate', 'Hit rate–of – requests');
  await says(open, '#tier-l1', 'Entries–');
  assert.deepEqual((await rows(open, '#types-table'))[0]?.slice(0, 3), ['odd', '–', '–']);
  await until(() => monitoring.feeds() === 1, 'the page reads the feed', PATIENCE_MS);
  monitoring.tell('request', {});
  monitoring.tell('of a later version', {});
  await until(
    async () => (await rows(open, '#recent'))[0]?.[7] === '–',
    'a request of which nothing is known',
    PATIENCE_MS,
  );
  isQuiet(open, monitoring.url);
});
