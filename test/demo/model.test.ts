import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { type Model, startModel } from '../../src/demo/model.ts';
import { CHAT_MODEL, EMBEDDING_MODEL } from '../../src/demo/prices.ts';

const SYSTEM = [
  'Answer from these:',
  '- Skarv 2 (tents): A tunnel tent. It costs 349 euros.',
  '- Dun 400 (sleeping bags): A warm bag. It costs 329 euros.',
].join('\n');
const MESSAGES: OpenAI.ChatCompletionMessageParam[] = [
  { role: 'system', content: SYSTEM },
  { role: 'user', content: 'What does the Skarv 2 cost?' },
];

const waited: number[] = [];
let model: Model;
let openai: OpenAI;

before(async () => {
  model = await startModel(async (ms) => void waited.push(ms));
  openai = new OpenAI({ baseURL: `${model.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
after(() => model.close());

test('a text has the same vector in either encoding, alone and in a batch', async () => {
  const ask = async (input: string | string[], encoding_format?: 'float' | 'base64') =>
    (
      await openai.embeddings.create({
        model: EMBEDDING_MODEL,
        input,
        dimensions: 64,
        ...(encoding_format && { encoding_format }),
      })
    ).data;
  const [alone] = await ask('a warm tent');
  const [, inBatch] = await ask(['a cold bag', 'a warm tent'], 'float');
  assert.equal(alone?.embedding.length, 64);
  assert.deepEqual(inBatch?.embedding, alone.embedding);
  assert.equal(inBatch.index, 1);
  assert.ok(Math.abs(Math.hypot(...alone.embedding) - 1) < 1e-6);
});

test('a streamed answer says the same as a whole one, with the same usage', async () => {
  const whole = await openai.chat.completions.create({ model: CHAT_MODEL, messages: MESSAGES });
  const stream = openai.chat.completions.stream({
    model: CHAT_MODEL,
    messages: MESSAGES,
    stream_options: { include_usage: true },
  });
  const streamed = await stream.finalChatCompletion();
  assert.equal(streamed.choices[0]?.message.content, whole.choices[0]?.message.content);
  assert.equal(streamed.choices[0]?.finish_reason, 'stop');
  assert.deepEqual(streamed.usage, whole.usage);
  assert.equal(streamed.id, whole.id);
});

test('usage is streamed only to who asks for it', async () => {
  const stream = await openai.chat.completions.create({
    model: CHAT_MODEL,
    messages: MESSAGES,
    stream: true,
  });
  for await (const chunk of stream) assert.ok(!('usage' in chunk));
});

test('the answer speaks of the article in question and its price', async () => {
  const { choices } = await openai.chat.completions.create({ model: CHAT_MODEL, messages: MESSAGES });
  assert.match(
    choices[0]?.message.content ?? '',
    /Have a look at the Skarv 2: .*349 euros.*compare it with the Dun 400/,
  );
});

test('answers take as long as real ones: embeddings 40 to 80 ms, chat 0.6 to 2 s', async () => {
  waited.length = 0;
  await openai.embeddings.create({ model: EMBEDDING_MODEL, input: 'How heavy?' });
  const embeddings = waited.splice(0).reduce((sum, ms) => sum + ms, 0);
  assert.ok(embeddings >= 40 && embeddings <= 80, `${embeddings}`);
  for (const stream of [false, true] as const) {
    const answer = await openai.chat.completions.create({ model: CHAT_MODEL, messages: MESSAGES, stream });
    if ('controller' in answer) for await (const _ of answer);
    const chat = waited.splice(0).reduce((sum, ms) => sum + ms, 0);
    assert.ok(chat >= 600 && chat <= 2000, `${chat}`);
  }
});

test('every call that reaches it is counted', async () => {
  const before = { ...model.counted };
  await openai.embeddings.create({ model: EMBEDDING_MODEL, input: 'one' });
  await openai.chat.completions.create({ model: CHAT_MODEL, messages: MESSAGES });
  await openai.chat.completions.create({ model: CHAT_MODEL, messages: MESSAGES });
  assert.deepEqual(model.counted, { embeddings: before.embeddings + 1, chat: before.chat + 2 });
});

test('it lists its models', async () => {
  const ids: string[] = [];
  for await (const { id } of openai.models.list()) ids.push(id);
  assert.deepEqual(ids, [CHAT_MODEL, EMBEDDING_MODEL]);
});

test('what it cannot read is a 400, what it has not is a 404', async () => {
  await assert.rejects(openai.embeddings.create({ model: EMBEDDING_MODEL, input: [] }), { status: 400 });
  await assert.rejects(openai.files.list(), { status: 404 });
});
