import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { send } from '../support/http.ts';
import { startReprise } from '../support/reprise.ts';
import { listening } from '../support/upstream/listening.ts';

const SECRET = `whsec_${Buffer.alloc(32, 'k').toString('base64')}`;

test('alerts are posted as Standard Webhooks, which its own library verifies', async () => {
  const got: { readonly headers: Record<string, string>; readonly body: string }[] = [];
  let status = 500;
  using receiver = await listening(
    createServer(async (request, response) => {
      got.push({
        headers: Object.fromEntries(
          Object.entries(request.headersDistinct).map(([name, lines]) => [name, `${lines}`]),
        ),
        body: await text(request),
      });
      response.writeHead(status).end();
    }),
  );
  // Its library compares with the time that it is.
  const clock = new ManualClock(Date.now());
  await using reprise = await startReprise({
    upstream: 'http://127.0.0.1:9/v1',
    clock,
    profile: { alerts: { url: `http://127.0.0.1:${receiver.port}/hooks`, secret: SECRET } },
  });
  clock.advance(5_000);
  clock.setWall(clock.now() + 60_000);
  clock.advance(10_000);
  await until(() => got.length === 1, 'a first attempt');
  await until(() => reprise.events.some(({ kind }) => kind === 'degraded'), 'its failure');
  status = 204;
  clock.advance(1_000);
  await until(() => got.length === 2, 'a second attempt');
  for (const { headers, body } of got) new Webhook(SECRET).verify(body, headers);
  assert.equal(got[0]?.headers['webhook-id'], got[1]?.headers['webhook-id']);
  assert.match(
    got[1]?.body ?? '',
    /^\{"type":"alert\.raised","timestamp":"2\d{3}-[^"]+","data":\{"id":"clock-jump","severity":"warning",/,
  );
  await until(() => reprise.events.some(({ kind }) => kind === 'recovered'), 'the delivery');
  const metrics = (
    await send(`${reprise.url}/metrics`, { headers: { authorization: undefined } })
  ).body.toString();
  assert.match(metrics, /^reprise_alert_posts_total\{outcome="delivered"\} 1$/m);
  assert.match(metrics, /^reprise_alert_posts_total\{outcome="failed"\} 1$/m);
  const isOver = () => reprise.events.some((event) => event.kind === 'alert' && event.state === 'cleared');
  for (let looks = 0; looks < 200 && !isOver(); looks += 1) clock.advance(5_000);
  await until(() => got.length === 3, 'the end of the alert');
  assert.match(got[2]?.body ?? '', /^\{"type":"alert\.cleared".*"clock-jump"/);
});
