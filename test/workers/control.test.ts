import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until, within } from '../support/deadline.ts';
import { chat, open, send } from '../support/http.ts';
import { setStage } from '../support/stage.ts';

// Each request goes over a connection of its own, so that in a dozen both threads are met.
const MANY = 12;

describe('the control plane through any thread', () => {
  it('answers as if there were no threads: calls, errors, headers, heads, bodies', async () => {
    await using stage = await setStage({ workers: 2 });
    const path = '/cache/values/products/7';
    const value = Buffer.alloc(3_000_000, 'value');
    for (let at = 0; at < MANY; at += 1) {
      const put = await stage.ask(path, {
        method: 'PUT',
        body: value,
        headers: { 'content-type': 'text/x-own' },
      });
      assert.equal(put.json().stored, true);
      const got = await stage.ask(path);
      assert.deepEqual(
        [
          got.status,
          got.headers.get('content-type'),
          got.headers.get('x-cache'),
          got.headers.get('content-length'),
        ],
        [200, 'text/x-own', 'HIT', String(value.length)],
      );
      assert.ok(got.body.equals(value));
      const head = await stage.ask(path, { method: 'HEAD' });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      assert.equal((await stage.ask('/nowhere')).status, 404);
      assert.equal((await stage.ask('/cache/clear', { method: 'GET' })).headers.get('allow'), 'POST');
      assert.equal((await stage.ask('/cache/clear', { body: { nonsense: 1 } })).status, 400);
      assert.equal((await stage.ask('/dashboard')).status, 200);
      const { checks } = (await stage.ask('/health/ready')).json();
      assert.ok(typeof checks === 'object' && checks !== null && 'workers' in checks);
    }
  });

  it('refuses what it would refuse: a body too large, who comes through a proxy, another host, another site', async () => {
    await using stage = await setStage({ workers: 2, profile: { server: { max_entry: '1MB' } } });
    for (let at = 0; at < MANY; at += 1) {
      const large = {
        method: 'PUT',
        body: Buffer.alloc(2_000_000),
        headers: { 'content-type': 'text/plain' },
      };
      assert.equal((await stage.ask('/cache/values/products/7', large)).status, 413);
      for (const headers of [
        { 'x-forwarded-for': '127.0.0.1' },
        { host: 'evil.example' },
        { origin: 'https://evil.example' },
      ])
        assert.equal((await stage.ask('/monitoring/cache', { headers })).status, 401);
    }
  });

  it('takes heads that are odd', async () => {
    await using stage = await setStage({ workers: 2 });
    for (let at = 0; at < MANY; at += 1) {
      const odd = await stage.ask(`/nowhere/${'%20'.repeat(1_000)}?q=%00`, {
        method: 'PROPFIND',
        headers: { 'x-odd': 'caf\u00e9 \t tab', connection: 'close, x-odd', expect: '100-continue' },
      });
      assert.equal(odd.status, 404);
    }
  });

  it('knows the admin token, and CORS headers are on its answers', async () => {
    await using stage = await setStage({
      workers: 2,
      profile: { server: { cors: { origins: ['https://shop.example'] } } },
    });
    const answer = await stage.ask('/health/live', { headers: { origin: 'https://shop.example' } });
    assert.equal(answer.headers.get('access-control-allow-origin'), 'https://shop.example');
  });

  it('feeds live views with what happens in both threads, and lets them go', async () => {
    await using stage = await setStage({ workers: 2 });
    const feeds = await Promise.all(
      Array.from({ length: MANY }, () => open(`${stage.reprise.url}/monitoring/events`)),
    );
    const read = feeds.map(async ({ chunks }) => {
      let text = '';
      for await (const chunk of chunks) {
        text += chunk.toString();
        if (text.split('event: request').length > MANY) return;
      }
      throw new Error('the feed ended');
    });
    for (let at = 0; at < MANY; at += 1) await stage.ask('/v1/chat/completions', { body: chat(`${at}`) });
    await within(Promise.all(read), 'all requests in all feeds');
    for (const { leave } of feeds) leave();
    await within(stage.running(0), 'all gone');
  });

  it('has a port of its own where it is to', async () => {
    await using stage = await setStage({ workers: 2, profile: { admin: { port: 0 } } });
    const { url, controlUrl } = stage.reprise;
    assert.notEqual(url, controlUrl);
    for (let at = 0; at < MANY; at += 1) {
      assert.equal((await send(`${url}/monitoring/cache`)).status, 404);
      assert.equal((await send(`${url}/health/live`)).status, 200);
    }
    assert.equal((await send(`${controlUrl}/monitoring/cache`)).status, 200);
  });

  it('at a stop says so, and nothing of threads that have ended as they should', async () => {
    await using stage = await setStage({ workers: 2, profile: { admin: { port: 0 } } });
    const { controlUrl } = stage.reprise;
    const gate = stage.upstream.hold();
    const asked = stage.ask('/v1/chat/completions', { body: chat('x') });
    await gate.arrived(1);
    const stopped = stage.reprise.stop();
    // One thread has nothing left to do, and ends.
    await until(async () => {
      const { workers }: Cache = JSON.parse((await send(`${controlUrl}/monitoring/cache`)).body.toString());
      return workers.working === 1;
    }, 'one thread left');
    const { status, checks }: Ready = JSON.parse((await send(`${controlUrl}/health/ready`)).body.toString());
    gate.release();
    await asked;
    await stopped;
    assert.deepEqual([status, checks.workers], ['stopping', { state: 'ok' }]);
  });

  it('tells of events in the order in which each thread had them', async () => {
    await using stage = await setStage({ workers: 2 });
    for (let at = 0; at < MANY; at += 1) await stage.ask('/v1/chat/completions', { body: chat(`${at}`) });
    const { events } = stage.reprise;
    await until(() => events.filter(({ kind }) => kind === 'answered').length === MANY, 'all answers');
    const fetched = events.flatMap((event) => (event.kind === 'fetched' ? event.entries : []));
    assert.equal(fetched.length, MANY);
    assert.ok(fetched.every(({ payload }) => payload.body.length > 0));
  });
});

interface Cache {
  readonly workers: { readonly working: number };
}

interface Ready {
  readonly status: string;
  readonly checks: { readonly workers: object };
}
