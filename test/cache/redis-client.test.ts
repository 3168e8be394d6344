import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { connectRedis } from '../../src/cache/redis-client.ts';
import { parseRedisUrl } from '../../src/shared/redis-address.ts';
import { until, within } from '../support/deadline.ts';
import { freePort } from '../support/free-port.ts';
import { noRedis, startRedis } from '../support/redis.ts';

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

test('what is given up while it connects does not stay open', { skip: noRedis }, async () => {
  await using redis = await startRedis();
  const open = new Set<Socket>();
  let came = 0;
  const between = createServer((socket) => {
    came += 1;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    const onward = connect(redis.port, '127.0.0.1');
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  const { port } = between.address() as AddressInfo;
  const address = parseRedisUrl(`redis://127.0.0.1:${port}`);
  assert.ok(address);
  const stop = new AbortController();
  const options = { address, connectMs: 1_000, name: 'test', onLost: () => undefined, signal: stop.signal };
  const connecting = connectRedis(options);
  stop.abort();
  await assert.rejects(connecting);
  await until(() => came === 2 && open.size === 0, 'both connections closed', 2_000);
  between.close();
});

for (const url of ['redis://127.0.0.1:PORT', 'redis+sentinel://127.0.0.1:PORT/mymaster'])
  test(`what answers at ${url} as no Redis does is told at once, and not waited for`, async () => {
    const open = new Set<Socket>();
    const web = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const address = parseRedisUrl(url.replace('PORT', String((web.address() as AddressInfo).port)));
    assert.ok(address);
    const { signal } = new AbortController();
    const options = { address, connectMs: 60_000, name: 'test', onLost: () => undefined, signal };
    const told = within(connectRedis(options), 'an answer', 5_000);
    await assert.rejects(told, /no Redis.*Unknown RESP type/).finally(() => {
      for (const socket of open) socket.destroy();
      web.close();
    });
  });
