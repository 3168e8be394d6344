import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '../support/deadline.ts';
import { assertShared, startFleet, threads } from '../support/fleet.ts';
import { tempFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { chat, send } from '../support/http.ts';
import { noRedis, startRedis, startRedisCluster } from '../support/redis.ts';
import { startServer } from '../support/server/process.ts';
import { LOCALHOST } from '../support/upstream/certificate.ts';
import { startUpstream } from '../support/upstream.ts';

const CHAT = '/v1/chat/completions';

for (const workers of [1, 2])
  describe(`a Redis of instances of ${threads(workers)}`, { skip: noRedis }, () => {
    test('behind a Unix socket', async () => {
      const path = join(tempFolder(), 'redis.sock');
      await using redis = await startRedis('--unixsocket', path);
      await using fleet = await startFleet({ workers, redis, url: `unix://${path}` });
      await assertShared(fleet);
    });

    test('with a user of its ACL, who may do what the README says and no more', async () => {
      const rules =
        '+@read +@write +@scripting +@pubsub +@connection +time ~reprise:* ~{reprise:* &reprise:*';
      const file = join(tempFolder(), 'users.acl');
      await writeFile(file, `user default on nopass ~* &* +@all\nuser app on >s3cret%/ ${rules}\n`);
      await using redis = await startRedis('--aclfile', file);
      await using fleet = await startFleet({
        workers,
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
        startServer(
          { server: { workers }, upstreams: { default: { base_url: upstream.url } } },
          tempFolder(),
          {
            ...process.env,
            REDIS_URL: url,
            ...(trusted && { NODE_EXTRA_CA_CERTS: cert }),
          },
        );
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
      await using fleet = await startFleet({ workers, redis, url: cluster.url });
      await assertShared(fleet);
      const cleared = await fleet.control(fleet.instances[0], '/cache/clear', { level: 'l3' });
      assert.ok(Number(cleared.json().cleared) >= 128, `${cleared.body}`);
    });
  });
