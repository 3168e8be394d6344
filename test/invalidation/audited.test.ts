import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRecord } from '../../src/invalidation/audit-log.ts';
import { audited } from '../../src/invalidation/audited.ts';
import type { Invalidator } from '../../src/invalidation/invalidator.ts';
import { ManualClock } from '../support/clock.ts';
import { ShelfOfEntries } from '../support/shelf-of-entries.ts';

/** A log that is a list. */
function listed(): {
  readonly records: AuditRecord[];
  readonly audit: { latest(): []; record(record: AuditRecord): void };
} {
  const records: AuditRecord[] = [];
  return { records, audit: { latest: () => [], record: (record) => void records.push(record) } };
}

const order = { condition: { tags: ['a'] }, effect: 'purge', by: 'webhook:shop', dryRun: false } as const;

test('every order of a call is told with who, what, how many and how long', async () => {
  const clock = new ManualClock();
  const shelf = new ShelfOfEntries();
  shelf.add('one', { tags: ['a'] });
  const slow: Invalidator = {
    async invalidate(orders) {
      clock.advance(12.34);
      return await shelf.invalidate(orders);
    },
  };
  const { records, audit } = listed();
  const outcomes = await audited(slow, audit, clock).invalidate([order, { ...order, effect: 'expire' }]);
  assert.equal(outcomes.length, 2);
  assert.deepEqual(
    records.map(({ at, by, mode, condition, matched, invalidated, ms }) => ({
      at,
      by,
      mode,
      condition,
      matched,
      invalidated,
      ms,
    })),
    [
      {
        at: '2026-01-01T00:00:00.000Z',
        by: 'webhook:shop',
        mode: 'purge',
        condition: { tags: ['a'] },
        matched: 1,
        invalidated: 1,
        ms: 12.3,
      },
      {
        at: '2026-01-01T00:00:00.000Z',
        by: 'webhook:shop',
        mode: 'expire',
        condition: { tags: ['a'] },
        matched: 0,
        invalidated: 0,
        ms: 12.3,
      },
    ],
  );
});

test('of a long condition the beginning is told, and how much is not', async () => {
  const { records, audit } = listed();
  const tags = Array.from({ length: 10_000 }, (_, at) => `${at}`.padEnd(1_000, 'x'));
  await audited(new ShelfOfEntries(), audit, new ManualClock()).invalidate([
    { ...order, condition: { tags, types: ['products'] } },
  ]);
  const [told] = records;
  assert.equal(told?.condition.tags?.length, 20);
  assert.equal(told?.condition.tags?.[0]?.length, 200);
  assert.deepEqual(told?.condition.types, ['products']);
  assert.equal(told?.omitted, 9_980);
});

test('what could not be carried out is not told as if it had been', async () => {
  const { records, audit } = listed();
  const shelf = new ShelfOfEntries();
  shelf.broken = true;
  await assert.rejects(audited(shelf, audit, new ManualClock()).invalidate([order]), /no space left/);
  assert.deepEqual(records, []);
});
