import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import { until } from '../support/deadline.ts';
import { chat } from '../support/http.ts';
import { connectRaw } from '../support/raw.ts';
import { setStage } from '../support/stage.ts';

const CLIENTS = 1_000;
const HITS = 4;

it(`${CLIENTS} clients at once, each with its own question, get each its own answer, and none waits while another gets several`, async (t) => {
  await using stage = await setStage({ profile: { memory: { max_entries: 2 * CLIENTS } } });
  stage.upstream.answer((request, response) => {
    const [message] = request.json().messages as unknown[];
    const answer = { choices: [{ index: 0, message, finish_reason: 'stop' }] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  using all = new DisposableStack();
  const clients = Array.from({ length: CLIENTS }, () => all.use(connectRaw(stage.reprise.url)));
  await Promise.all(clients.map(({ socket }) => once(socket, 'connect')));
  const answered = clients.map(() => 0);
  let mostAhead = 0;
  const asks = clients.map(({ socket, text }, at) => {
    const body = JSON.stringify(chat(`question ${at};`));
    const head = ['host: h', 'authorization: Bearer sk-test', 'content-type: application/json'];
    const bytes = `POST /v1/chat/completions HTTP/1.1\r\n${head.join('\r\n')}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    socket.on('data', () => {
      const whole = text().split(`question ${at};`).length - 1;
      if (whole === answered[at]) return;
      answered[at] = whole;
      // The first one is a miss, which ends when the upstream likes.
      if (whole === 1) return;
      mostAhead = Math.max(mostAhead, whole - Math.min(...answered));
      if (whole <= HITS) socket.write(bytes);
    });
    return () => socket.write(bytes);
  });
  for (const count of [1, 1 + HITS]) {
    for (const ask of asks) ask();
    await until(() => answered.every((so) => so === count), `${count} answers each`, 20_000);
  }
  assert.equal(stage.upstream.calls.length, CLIENTS);
  for (const { text } of clients) assert.equal(text().match(/x-cache: HIT/g)?.length, HITS);
  t.diagnostic(`one was ${mostAhead} answers ahead of another`);
  assert.ok(mostAhead <= 2, `${mostAhead}`);
});
