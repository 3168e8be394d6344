import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { until } from '../support/deadline.ts';
import { type Answer, chat } from '../support/http.ts';
import { connectRaw } from '../support/raw.ts';
import { type Stage, setStage } from '../support/stage.ts';

const CHAT = '/v1/chat/completions';
/** A question of about a megabyte. */
const large = (name: string) => chat(name.padEnd(1_000_000, '.'));

/** Fills the room with two questions that the upstream holds back, until that is told to answer. */
async function filled(stage: Stage, ask: (name: string) => Promise<Answer>) {
  const gate = stage.upstream.hold();
  const answers = ['a', 'b'].map(ask);
  await gate.arrived(2);
  return {
    async emptied() {
      gate.release();
      for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
    },
  };
}

/** A head that promises a megabyte, and most of it. */
function half(path = CHAT): string {
  const body = JSON.stringify(large('half'));
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  return head + body.slice(0, 900_000);
}

describe('request bodies that are held at once', () => {
  const narrow = { profile: { server: { max_body: '2MB', max_bodies: '2500KB' } } };

  it('have so much room together: one that finds none is 503, and finds some when others are answered', async () => {
    await using stage = await setStage(narrow);
    const ask = (name: string) => stage.ask(CHAT, { body: large(name) });
    const room = await filled(stage, ask);
    const refused = await ask('c');
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.match(refused.body.toString(), /more than 2500000 bytes \(setting server\.max_bodies\)/);
    assert.match(refused.body.toString(), /"code":"overloaded"/);
    assert.equal(stage.upstream.calls.length, 2);
    await room.emptied();
    assert.equal((await ask('c')).status, 200);
  });

  it('that are small are taken all the same, and what is passed through takes no room', async () => {
    await using stage = await setStage(narrow);
    const room = await filled(stage, (name) => stage.ask(CHAT, { body: large(name) }));
    const small = stage.ask(CHAT, { body: chat('small') });
    const file = stage.ask('/v1/files', {
      body: Buffer.alloc(3_000_000),
      headers: { 'content-type': 'application/octet-stream' },
    });
    await until(() => stage.upstream.calls.length === 4, 'both at the upstream');
    await room.emptied();
    assert.equal((await small).status, 200);
    assert.equal((await file).status, 200);
  });

  it('give their room back when their clients leave half-way', async () => {
    await using stage = await setStage(narrow);
    let asked = 0;
    const isFull = async () => {
      asked += 1;
      return (await stage.ask(CHAT, { body: large(`${asked}`) })).status === 503;
    };
    for (let time = 0; time < 5; time += 1) {
      // The one that is whole may be the first to come.
      await until(async () => {
        using _one = connectRaw(stage.reprise.url, half());
        using _other = connectRaw(stage.reprise.url, half());
        await stage.running(2);
        return await isFull();
      }, 'no more room');
    }
    await until(async () => !(await isFull()), 'room again');
  });

  it('count as what they unpack to', async () => {
    await using stage = await setStage(narrow);
    const ask = (name: string) =>
      stage.ask(CHAT, {
        body: gzipSync(JSON.stringify(large(name + randomBytes(30_000).toString('base64')))),
        headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      });
    const room = await filled(stage, ask);
    assert.equal((await ask('c')).status, 503);
    await room.emptied();
    assert.equal((await ask('c')).status, 200);
  });

  it('may be as large as one may be, however little room there is', async () => {
    await using stage = await setStage({ profile: { server: { max_body: '2MB', max_bodies: '1KB' } } });
    assert.equal((await stage.ask(CHAT, { body: large('a') })).status, 200);
  });
});
