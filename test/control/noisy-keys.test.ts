import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { chat } from '../support/http.ts';
import { oneRoute, type Stage, type StageOptions, setStage } from '../support/stage.ts';

const OPEN = { headers: { authorization: undefined } };

/** The findings on keys after `count` requests of a kind: what is sent for each, and the path. */
async function foundAfter(
  count: number,
  options: StageOptions,
  ask: (stage: Stage, at: number, now: Date) => Promise<unknown>,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const clock = new ManualClock();
  await using stage = await setStage({ ...options, clock });
  for (let at = 0; at < count; at += 1) {
    await ask(stage, at, new Date(clock.now()));
    clock.advance(1_000);
  }
  const answer = await stage.ask('/monitoring/cache/efficiency', OPEN);
  const { findings } = await answer.json();
  assert.ok(Array.isArray(findings));
  return findings.filter(({ id }) => id === 'noisy-keys');
}

const QUESTIONS = ['Why is the sky blue?', 'Who wrote Emma?', 'Is soup a drink?', 'What is rust?'];
const question = (at: number) => QUESTIONS[at % QUESTIONS.length] ?? '';

describe('of a running proxy /monitoring/cache/efficiency tells', () => {
  it('of a time in the prompt of 60 % of all requests, and nothing of the prompt', async () => {
    const findings = await foundAfter(250, {}, (stage, at, now) => {
      const system = at % 5 < 3 ? `Be brief. It is ${now.toISOString()}.` : 'Be brief.';
      const messages = [
        { role: 'system', content: system },
        { role: 'user', content: question(at) },
      ];
      return stage.ask('/v1/chat/completions', { body: { model: 'm', messages, user: `u${at}` } });
    });
    // Of 250 requests 150 have the time: all but the first for each question are near misses. Of the rest one for each misses.
    const [finding, ...others] = findings;
    assert.deepEqual(others, []);
    assert.deepEqual(finding?.evidence, {
      field: 'messages[*].content',
      noise: 'timestamp',
      misses_compared: 154,
      near_misses: 146,
      share: 0.948,
      different_values_at_least: 32,
    });
    assert.ok(!JSON.stringify(findings).includes('sky'));
  });

  it('of a field that the dialect does not know, and of a header', async () => {
    const findings = await foundAfter(150, {}, (stage, at) =>
      stage.ask('/v1/chat/completions', {
        body: chat(question(at), at % 2 === 0 ? { end_user_ref: `${at}` } : {}),
        headers: at % 2 === 0 ? {} : { 'x-session': `${at}` },
      }),
    );
    assert.deepEqual(
      findings
        .map(({ evidence }) => evidence)
        .map((evidence) => Object(evidence).field)
        .sort(),
      ['end_user_ref', 'header:x-session'],
    );
  });

  it('of a parameter of a route', async () => {
    const findings = await foundAfter(150, oneRoute(), (stage, at) => {
      stage.upstream.answer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"name":"lamp"}');
      });
      return stage.ask(`/catalog/${at % 12}?session=${at}`, OPEN);
    });
    assert.match(String(findings[0]?.recommendation), /routes\[\]\.key\.query .* without session/);
  });

  it('nothing where the questions are different', async () => {
    const findings = await foundAfter(150, {}, (stage, at) =>
      stage.ask('/v1/chat/completions', { body: chat(`What is ${at} + ${at}?`) }),
    );
    assert.deepEqual(findings, []);
  });
});
