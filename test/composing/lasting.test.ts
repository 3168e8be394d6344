import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longestCallMs, longestLifeMs } from '../../src/composing/lasting.ts';
import { settingsSchema } from '../../src/config/schema.ts';

const HOUR = 3_600_000;

test('a call may wait for another instance, and thrice for its turn and for the upstream', () => {
  const timeouts = { total: '1h' };
  const settings = settingsSchema.parse({
    redis: { lease_wait: '2h' },
    upstreams: {
      default: { timeouts: { total: '3h' }, concurrency: { wait: '1h' } },
      patient: { base_url: 'http://localhost/v1', timeouts, concurrency: { max: 1, wait: '10h' } },
    },
  });
  assert.equal(longestCallMs(settings), (2 + 3 * (10 + 1)) * HOUR);
});

test('what is stored lives for the longest lifetime that may be asked for, and then for as long as it may be stale', () => {
  const negative = settingsSchema.parse({ types: { slow: { ttl: '1h', negative_ttl: '5000h' } } });
  assert.equal(longestLifeMs(negative), 5_000 * HOUR);
  const settings = settingsSchema.parse({
    types: {
      slow: { ttl: '10h', max_ttl: '1000h', stale_while_revalidate: '1h', stale_if_error: '500h' },
    },
  });
  assert.equal(longestLifeMs(settings), 1_500 * HOUR);
});
