import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '../support/deadline.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { tempFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { chat, send } from '../support/http.ts';
import { noRedis, startRedis, startRedisCluster, startSentinels } from '../support/redis.ts';
import { startServer } from '../support/server/process.ts';
import { LOCALHOST } from '../support/upstream/certificate.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';

describe('a Redis', { skip: noRedis }, () => {
  test('behind a Unix socket', async () => {
    const path = join(tempFolder(), 'redis.sock');
    await using redis = await startRedis('--unixsocket', path);
    await using fleet = await startFleet({ redis, url: `unix://${path}` });
    await assertShared(fleet);
  });

  test('with a user of its ACL, who may do what the README says and no more', async () => {
    const rules = '+@read +@write +@scripting +@pubsub +@connection +time ~reprise:* ~{reprise:* &reprise:*';
    const file = join(tempFolder(), 'users.acl');
    await writeFile(file, `user default on nopass ~* &* +@all\nuser app on >s3cret%/ ${rules}\n`);
    await using redis = await startRedis('--aclfile', file);
    await using fleet = await startFleet({
      redis,
      url: `redis://app:s3cret%25%2F@127.0.0.1:${redis.port}/0`,
    });
    await assertShared(fleet);
    assert.ok(!JSON.stringify(fleet.instances.map(({ events }) => events)).includes('s3cret'));
  });

  test('with TLS, whose certificate is checked, for processes that end as asked', async () => {
    const folder = tempFolder();
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    await writeFile(cert, LOCALHOST.cert);
    await writeFile(key, LOCALHOST.key);
    const port = await freePort();
    const tls = ['--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key];
    await using redis = await startRedis(...tls, '--tls-auth-clients', 'no');
    await using upstream = await startUpstream();
    const url = `rediss://localhost:${port}`;
    const start = (trusted: boolean) =>
      startServer({ upstreams: { default: { base_url: upstream.url } } }, tempFolder(), {
        ...process.env,
        REDIS_URL: url,
        ...(trusted && { NODE_EXTRA_CA_CERTS: cert }),
      });
    const [one, two, wary] = [await start(true), await start(true), await start(false)];
    const sent = { body: chat('over TLS') };
    await send(one.url + CHAT, sent);
    await redis.ask('PING');
    await until(
      async () => (await send(two.url + CHAT, sent)).headers.get('x-cache-level') !== undefined,
      'a hit',
    );
    assert.equal(upstream.calls.length, 1);
    assert.match(wary.log(), /self-signed certificate/);
    assert.equal((await send(wary.url + CHAT, sent)).headers.get('x-cache'), 'MISS');
    for (const server of [one, two, wary]) assert.equal(await server.stop(), 0);
  });

  test('that is a cluster', async () => {
    await using cluster = await startRedisCluster();
    const [redis] = cluster.nodes;
    assert.ok(redis);
    await using fleet = await startFleet({ redis, url: cluster.url });
    await assertShared(fleet);
    const sizes = await Promise.all(cluster.nodes.map((node) => node.ask('DBSIZE')));
    assert.ok(
      sizes.every((size) => Number(size) > 10),
      `${sizes}`,
    );
    const cleared = await fleet.control(fleet.instances[0], '/cache/clear', { level: 'l3' });
    assert.ok(Number(cleared.json().cleared) >= 128, `${cleared.body}`);
  });

  test('that sentinels know, also when another takes its place', async () => {
    await using sentinels = await startSentinels();
    const [redis, replica] = sentinels.nodes;
    assert.ok(redis && replica);
    await using fleet = await startFleet({ redis: replica, url: sentinels.url });
    await assertShared(fleet);
    await redis.kill();
    await until(
      async () => String(await replica.ask('INFO', 'replication')).includes('role:master'),
      'a new master',
      20_000,
    );
    await until(() => fleet.isComplete(), 'the instances at the new master', 20_000);
    await assertShared(fleet, 'after');
  });
});

/** Entries, batches of vectors and invalidations reach all. */
async function assertShared(fleet: Fleet, name = 'first'): Promise<void> {
  await until(() => fleet.isComplete(), 'three instances that know each other', 10_000);
  const [one, two, three] = fleet.instances;
  const ask = { body: chat(name), headers: { 'x-cache-tags': 'product:1' } };
  const batch = { body: { model: 'e', input: Array.from({ length: 128 }, (_, at) => `${name} ${at}`) } };
  await send(one.url + CHAT, ask);
  await send(`${one.url}/v1/embeddings`, batch);
  await fleet.settled();
  assert.equal((await send(two.url + CHAT, ask)).headers.get('x-cache-level'), 'l3');
  const vectors = await send(`${two.url}/v1/embeddings`, batch);
  assert.equal(vectors.headers.get('x-cache-parts'), '128/128');
  assert.equal(vectors.headers.get('x-cache-level'), 'l3');
  const { instances } = (await fleet.control(three, '/cache/invalidate', { tags: ['product:1'] })).json() as {
    instances: { shared: boolean; acknowledged: readonly string[] };
  };
  assert.deepEqual([instances.shared, instances.acknowledged.length], [true, 2]);
  assert.equal((await send(two.url + CHAT, ask)).headers.get('x-cache'), 'MISS');
}
