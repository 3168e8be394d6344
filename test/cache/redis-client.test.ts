import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRedis } from '../../src/cache/redis-client.ts';
import { parseRedisUrl } from '../../src/shared/redis-address.ts';
import { freePort } from '../support/free-port.ts';

test('to try to reach a Redis that is away takes no time in which nobody is served', async () => {
  const address = parseRedisUrl(`redis://127.0.0.1:${await freePort()}`);
  assert.ok(address);
  const { signal } = new AbortController();
  const options = { address, connectMs: 1_000, name: 'test', onLost: () => undefined, signal };
  const took: number[] = [];
  for (let time = 0; time < 9; time += 1) {
    const before = process.cpuUsage();
    await assert.rejects(connectRedis(options));
    const { user, system } = process.cpuUsage(before);
    took.push((user + system) / 1_000);
  }
  took.sort((one, other) => one - other);
  assert.ok((took[4] ?? 0) < 20, `${took.map(Math.round)} ms of CPU`);
});
