import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Numbered } from '../../src/cache/announced.ts';
import { redisKeys } from '../../src/cache/redis-keys.ts';
import { SharedTable } from '../../src/cache/shared-table.ts';
import { noRedis, startRedis, type TestRedis } from '../support/redis.ts';

const HOUR = 3_600_000;
const self = { id: 'i', name: 'host-i', version: '1.0.0', wire: 1 };
const keys = redisKeys('test');
const purge = (tag: string) => `purge {"tags":["${tag}"]}`;

function tableOn(redis: TestRedis, keptMs = HOUR) {
  const table = new SharedTable(keys, self, keptMs);
  const send = (_key: string, command: readonly (string | Buffer)[]) => redis.ask(...command);
  const all = async (from = 0): Promise<readonly Numbered[]> => {
    const read: Numbered[] = [];
    for await (const page of table.after(send, from)) read.push(...page);
    return read;
  };
  return { table, send, all };
}

describe('the shared table', { skip: noRedis }, () => {
  test('gives each announcement a number that is greater than all before, also of one text again and again', async () => {
    await using redis = await startRedis();
    const { table, send, all } = tableOn(redis);
    const first = await table.announceNew(send, [purge('a'), purge('b')]);
    const second = await table.announceNew(send, [purge('a')]);
    const seqs = [...first, ...second].map(([, seq]) => seq);
    assert.deepEqual(
      seqs,
      [...seqs].sort((one, other) => one - other),
    );
    assert.equal(new Set(seqs).size, 3);
    assert.deepEqual(await all(), [first[1], second[0]]);
    assert.deepEqual(await all(first[1]?.[1]), second);
    // Numbers that an instance knows are never given again.
    const { place } = await table.beat(send, undefined);
    await table.beat(send, { epoch: place.epoch, seq: place.seq + HOUR * 1_000 });
    const [third] = await table.announceNew(send, [purge('c')]);
    assert.ok((third?.[1] ?? 0) > place.seq + HOUR * 1_000);
  });

  test('takes back what it has lost, and nothing that it has', async () => {
    await using redis = await startRedis();
    const { table, send, all } = tableOn(redis);
    const known = await table.announceNew(send, [purge('a'), purge('b'), purge('c')]);
    assert.deepEqual(await table.announce(send, known, { how: 'same' }), { changed: false });
    await redis.ask('ZREM', keys.marks, purge('b'));
    assert.deepEqual(await table.announce(send, known, { how: 'same' }), { changed: true });
    const texts = (await all()).map(([text]) => text);
    assert.deepEqual(texts, [purge('a'), purge('c'), purge('b')]);
    // Of an earlier life: whoever knew the latest number has the last word.
    const other = { how: 'other', epoch: 'old' } as const;
    assert.equal((await table.announce(send, [[purge('a'), 100]], other)).changed, true);
    assert.equal((await table.announce(send, [[purge('a'), 90]], other)).changed, false);
    assert.equal((await table.announce(send, [[purge('a'), 130]], other)).changed, true);
  });

  test('holds no more than it may: of too many, and of those that are too old, the last becomes everything before', async () => {
    await using redis = await startRedis();
    const { table, send, all } = tableOn(redis);
    const many = Array.from({ length: 100_400 }, (_, at) => purge(`t${at}`));
    const said = await table.announceNew(send, many);
    const kept = await all();
    assert.ok(kept.length > 50_000 && kept.length <= 100_000, `${kept.length}`);
    const [first, next] = kept;
    assert.equal(first?.[0], 'purge');
    const index = said.findIndex(([text]) => text === next?.[0]);
    assert.deepEqual(kept.slice(1), said.slice(index));
    assert.equal(first?.[1], said[index - 1]?.[1]);
    const brief = tableOn(redis, 20);
    await wait(40);
    await brief.table.announceNew(send, [purge('new')]);
    assert.deepEqual(
      (await all()).map(([text]) => text),
      ['purge', purge('new')],
    );
  });

  test('knows the instances that say that they are there, with what they say of themselves', async () => {
    await using redis = await startRedis();
    const { table, send } = tableOn(redis);
    const there = await table.beat(send, undefined);
    assert.deepEqual(there.peers, [self]);
    assert.ok(Math.abs(there.now - Date.now()) < 5_000);
    await redis.ask('HSET', keys.instances, 'gone', `${(Date.now() - 60_000) * 1_000} {}`);
    await redis.ask('HSET', keys.instances, 'odd', 'what');
    assert.deepEqual((await table.beat(send, there.place)).peers, [self]);
    await table.leave(send);
    assert.equal(await redis.ask('HLEN', keys.instances), 0);
  });
});
