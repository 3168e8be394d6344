import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import type { Surroundings } from '../../src/demo/assistant.ts';
import type { Call } from '../../src/demo/call.ts';
import { converse } from '../../src/demo/customers.ts';
import { standIns } from './stand-ins.ts';

const demo = standIns();

test('a question is embedded, searched for, its three best articles looked up, and answered', async () => {
  const calls = await callsOf([
    { opening: 'Is the Skarv 2 in stock?', article: 'Skarv 2', followUps: [], stream: false },
  ]);
  assert.deepEqual(calls, ['embeddings', 'search', 'products', 'products', 'products', 'chat']);
});

test('a follow-up goes on from there: by the words of the article, without a vector', async () => {
  const calls = await callsOf([
    {
      opening: 'Is the Skarv 2 in stock?',
      article: 'Skarv 2',
      followUps: ['What goes well with it?'],
      stream: true,
    },
  ]);
  assert.deepEqual(calls.slice(6), ['search', 'products', 'products', 'products', 'chat']);
});

test('streamed and whole answers are worth the same', async () => {
  const worth: number[] = [];
  for (const stream of [true, false]) {
    const around = surroundings(({ kind, usd }) => kind === 'chat' && worth.push(usd));
    await converse([{ opening: 'Which stove is best?', followUps: [], stream }], 1, around, () => undefined);
  }
  const [streamed = 0, whole] = worth;
  assert.ok(streamed > 0);
  assert.equal(streamed, whole);
});

test('all questions are answered, however many customers there are', async () => {
  const conversations = Array.from({ length: 25 }, (_, index) => ({
    opening: `Question ${index}`,
    followUps: index % 5 === 0 ? ['And then?'] : [],
    stream: index % 2 === 0,
  }));
  for (const customers of [1, 7, 50]) {
    let answered = 0;
    await converse(conversations, customers, surroundings(), () => {
      answered += 1;
    });
    assert.equal(answered, 30);
  }
});

test('a failure ends it and says what failed', async () => {
  const lost = { ...surroundings(), shopUrl: `${demo.shop.url}/gone` };
  const conversations = [{ opening: 'Which stove?', followUps: [], stream: false }];
  await assert.rejects(
    converse(conversations, 3, lost, () => undefined),
    /\/catalog\/search was answered 404/,
  );
});

test('an interruption ends it', async () => {
  const around = { ...surroundings(), signal: AbortSignal.abort(new Error('enough')) };
  const conversations = [{ opening: 'Which stove?', followUps: [], stream: false }];
  await assert.rejects(
    converse(conversations, 3, around, () => undefined),
    /enough/,
  );
});

async function callsOf(conversations: Parameters<typeof converse>[0]): Promise<string[]> {
  const kinds: string[] = [];
  const around = surroundings(({ kind }) => kinds.push(kind));
  await converse(conversations, 1, around, () => undefined);
  return kinds;
}

function surroundings(onCall: (call: Call) => unknown = () => undefined): Surroundings {
  return {
    openai: new OpenAI({ baseURL: `${demo.model.url}/v1`, apiKey: 'any', maxRetries: 0 }),
    shopUrl: demo.shop.url,
    elapsed: () => performance.now(),
    onCall,
    signal: new AbortController().signal,
  };
}
