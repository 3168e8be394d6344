import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { tempFolder } from '../support/folder.ts';
import { send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';
import { startServer } from '../support/server/process.ts';

const NOWHERE = 'http://127.0.0.1:9/v1';

/** What the application does with the value of this name. */
const path = (name: string) => `/cache/values/products/${name}`;
const put = async (url: string, name: string, price: number) => {
  const headers = { 'content-type': 'application/json', 'x-cache-ttl': '10m' };
  const answer = await send(url + path(name), { method: 'PUT', body: JSON.stringify({ price }), headers });
  assert.equal(answer.status, 200);
  return answer.json().stored;
};
const remove = async (url: string, name: string) =>
  (await send(url + path(name), { method: 'DELETE' })).status;
/** Its price; undefined where there is none. */
const priceOf = async (url: string, name: string): Promise<unknown> => {
  const answer = await send(url + path(name));
  return answer.status === 404 ? undefined : answer.json().price;
};

describe('what the application was told to be replaced or deleted does not come back', () => {
  it('after kill -9 at that moment', async () => {
    const folder = tempFolder();
    const profile = { upstreams: { default: { base_url: NOWHERE } } };
    let server = await startServer(profile, folder);
    for (const name of ['replaced', 'deleted']) await put(server.url, name, 1);
    assert.equal(await put(server.url, 'replaced', 2), true);
    assert.equal(await remove(server.url, 'deleted'), 200);
    await server.kill();
    server = await startServer(profile, folder);
    assert.deepEqual(
      [await priceOf(server.url, 'replaced'), await priceOf(server.url, 'deleted')],
      [2, undefined],
    );
    assert.equal(await server.stop(), 0);
  });

  it('with a disk that was away at that moment, and is back after a restart', async () => {
    const folder = tempFolder();
    const clock = new ManualClock();
    const options = { upstream: NOWHERE, folder, clock };
    const l2 = join(folder, 'l2');
    const first = await startReprise(options);
    const names = ['replaced when it went', 'replaced', 'deleted'];
    for (const name of names) await put(first.url, name, 1);
    renameSync(l2, `${l2}.away`);
    writeFileSync(l2, 'in the way');
    // That it is away is noticed as something is to be written: of this one nobody knows what the disk has.
    clock.advance(5_000);
    assert.equal(await put(first.url, 'replaced when it went', 2), false);
    assert.equal(await put(first.url, 'replaced', 2), true);
    assert.equal(await priceOf(first.url, 'replaced'), 2);
    assert.equal(await remove(first.url, 'deleted'), 200);
    await first.stop();
    rmSync(l2);
    renameSync(`${l2}.away`, l2);
    await using second = await startReprise(options);
    for (const name of names) assert.notEqual(await priceOf(second.url, name), 1, name);
  });
});
