import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, send } from '../support/http.ts';
import { connectRaw } from '../support/raw.ts';
import { startReprise, type TestReprise } from '../support/reprise.ts';

const PATH = '/cache/values/products/7';

/** A value whose head has come, and whose body comes when it is told to. */
async function beginPut(reprise: TestReprise, body: string, tags = 'product:7') {
  const { host } = new URL(reprise.url);
  const head = [
    `PUT ${PATH} HTTP/1.1`,
    `host: ${host}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    `x-cache-tags: ${tags}`,
    // Which is answered when the head is there.
    'expect: 100-continue',
  ];
  const client = connectRaw(reprise.url, `${head.join('\r\n')}\r\n\r\n`);
  await client.got(/^HTTP\/1\.1 100 /);
  return {
    async end(): Promise<Record<string, unknown>> {
      client.socket.write(body);
      await client.got(/\}$/);
      client.socket.destroy();
      return JSON.parse(client.text().slice(client.text().lastIndexOf('\r\n\r\n')));
    },
  };
}

const start = () => startReprise({ upstream: 'http://127.0.0.1:9/v1' });
const get = (reprise: TestReprise): Promise<Answer> => send(reprise.url + PATH);
const put = (reprise: TestReprise, body: string, tags = 'product:7') =>
  send(reprise.url + PATH, {
    method: 'PUT',
    body,
    headers: { 'content-type': 'application/json', 'x-cache-tags': tags },
  });
const invalidate = (reprise: TestReprise, condition: object) =>
  send(`${reprise.url}/cache/invalidate`, { body: condition });

describe('values that are under way', () => {
  for (const [what, drop] of [
    ['a purge', (reprise: TestReprise) => invalidate(reprise, { tags: 'product:7' })],
    ['an expire', (reprise: TestReprise) => invalidate(reprise, { type: 'products', mode: 'expire' })],
    ['a clear', (reprise: TestReprise) => send(`${reprise.url}/cache/clear`, { body: {} })],
  ] as const) {
    it(`that began before ${what} and end after it are not given to anybody`, async () => {
      await using reprise = await start();
      const late = await beginPut(reprise, '{"price":12}');
      assert.equal((await drop(reprise)).status, 200);
      assert.deepEqual(await late.end(), { stored: false });
      assert.equal((await get(reprise)).status, 404);
      assert.equal((await put(reprise, '{"price":13}')).json().stored, true);
      assert.deepEqual((await get(reprise)).json(), { price: 13 });
    });
  }

  it('that were invalidated leave nothing of what they replace', async () => {
    await using reprise = await start();
    await put(reprise, '{"price":11}', 'other');
    const late = await beginPut(reprise, '{"price":12}');
    await invalidate(reprise, { tags: 'product:7' });
    assert.equal((await get(reprise)).status, 200);
    assert.deepEqual(await late.end(), { stored: false });
    assert.equal((await get(reprise)).status, 404);
  });

  it('that began before another and end after it do not take its place', async () => {
    await using reprise = await start();
    const late = await beginPut(reprise, '{"price":12}');
    await put(reprise, '{"price":13}');
    await late.end();
    assert.deepEqual((await get(reprise)).json(), { price: 13 });
  });
});
