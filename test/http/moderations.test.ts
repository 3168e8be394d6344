import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../support/deadline.ts';
import { moderationAnswer, moderationResult } from '../support/moderations.ts';
import { setStage } from '../support/stage.ts';
import { answering } from '../support/upstream/faults.ts';

const PATH = '/v1/moderations';
const MODEL = 'omni-moderation-latest';
const results = (...texts: string[]) =>
  `"results":[${texts.map((text) => moderationResult(MODEL, text)).join(',')}]}`;

describe('a list of texts to judge', () => {
  it('costs only what is new in it', async () => {
    await using stage = await setStage();
    await stage.ask(PATH, { body: { input: ['a', 'b'] } });
    const mixed = await stage.ask(PATH, { body: { input: ['c', 'b', 'c', 'a'] } });
    assert.deepEqual(stage.upstream.calls[1]?.json(), { input: ['c'] });
    assert.equal(mixed.headers.get('x-cache'), 'PARTIAL');
    assert.equal(mixed.headers.get('x-cache-parts'), '2/4');
    assert.ok(mixed.body.toString().endsWith(results('c', 'b', 'c', 'a')));
    const whole = await stage.ask(PATH, { body: { input: ['a', 'b', 'c'] } });
    assert.equal(whole.headers.get('x-cache'), 'HIT');
    assert.ok(whole.body.toString().endsWith(results('a', 'b', 'c')));
  });

  it('keeps the id of the answer it is from, unless a new one is asked for', async () => {
    await using stage = await setStage();
    const idOf = async (identity: string) => {
      const headers = { 'x-cache-identity': identity };
      const { id } = (await stage.ask(PATH, { body: { input: ['a'] }, headers })).json();
      return String(id);
    };
    const first = await idOf('keep');
    assert.equal(await idOf('keep'), first);
    const [one, two] = [await idOf('fresh'), await idOf('fresh')];
    assert.equal(new Set([first, one, two]).size, 3);
    for (const id of [one, two]) assert.match(id, /^modr-/);
    assert.equal(stage.upstream.calls.length, 1);
  });

  it('shares with another list what is under way', async () => {
    await using stage = await setStage();
    const gate = stage.upstream.hold();
    const one = stage.ask(PATH, { body: { input: ['a', 'b'] } });
    await until(() => stage.upstream.calls.length === 1, 'the first call');
    const two = stage.ask(PATH, { body: { input: ['b', 'c'] } });
    await until(() => stage.upstream.calls.length === 2, 'the second call');
    gate.release();
    assert.ok((await one).body.toString().endsWith(results('a', 'b')));
    assert.ok((await two).body.toString().endsWith(results('b', 'c')));
    assert.deepEqual(stage.upstream.calls[1]?.json(), { input: ['c'] });
  });

  it('is judged anew as a whole when the model has changed', async () => {
    await using stage = await setStage();
    await stage.ask(PATH, { body: { input: ['a', 'b'] } });
    stage.upstream.answer((request, response) => {
      const answer = moderationAnswer(request.json()).replace('2024-09-26', '2027-01-01');
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    });
    const mixed = await stage.ask(PATH, { body: { input: ['b', 'c'] } });
    assert.equal(mixed.headers.get('x-cache'), 'MISS');
    assert.equal(mixed.headers.get('x-cache-reason'), 'other-model');
    assert.equal(mixed.json().model, `${MODEL}-2027-01-01`);
    assert.deepEqual(stage.upstream.calls.at(-1)?.json(), { input: ['b', 'c'] });
  });

  it('is judged anew as a whole when the model has changed, also where what is new may not be stored', async () => {
    await using stage = await setStage();
    await stage.ask(PATH, { body: { input: ['a'] } });
    stage.upstream.answer((request, response) => {
      const answer = moderationAnswer(request.json()).replace('2024-09-26', '2027-01-01');
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    });
    const mixed = await stage.ask(PATH, { body: { input: ['a', 'b'] }, headers: { 'x-cache-ttl': '0s' } });
    assert.equal(mixed.status, 200);
    assert.equal(mixed.json().model, `${MODEL}-2027-01-01`);
    assert.deepEqual(stage.upstream.calls.at(-1)?.json(), { input: ['a', 'b'] });
  });

  it('whose answer has the wrong number of results is passed on where it is the whole question, else an error', async () => {
    await using stage = await setStage();
    await stage.ask(PATH, { body: { input: ['a'] } });
    stage.upstream.answer(answering(200, '{"results":[]}', { 'content-type': 'application/json' }));
    const whole = await stage.ask(PATH, { body: { input: ['b', 'c'] } });
    assert.equal(whole.body.toString(), '{"results":[]}');
    assert.equal(whole.headers.get('x-cache-reason'), 'result-count');
    const narrowed = await stage.ask(PATH, { body: { input: ['a', 'b'] } });
    assert.equal(narrowed.status, 502);
    assert.match(narrowed.body.toString(), /upstream_invalid/);
  });
});

it('one text, and a picture with its text, are judged and kept as a whole', async () => {
  await using stage = await setStage();
  const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } };
  for (const input of ['a', [{ type: 'text', text: 'a' }, picture]]) {
    const miss = await stage.ask(PATH, { body: { input } });
    const hit = await stage.ask(PATH, { body: { input } });
    assert.equal(hit.headers.get('x-cache'), 'HIT');
    assert.equal(hit.headers.get('x-cache-parts'), '1/1');
    assert.deepEqual(hit.body, miss.body);
  }
  assert.equal(stage.upstream.calls.length, 2);
});
