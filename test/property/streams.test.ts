import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accumulateResponse } from 'openai/lib/responses/ResponseAccumulator';
import type { Response } from 'openai/resources/responses/responses';
import { Recorder } from '../../src/openai/recorder.ts';
import { replay } from '../../src/openai/replay.ts';
import { readEvents, SseParser } from '../../src/openai/sse.ts';
import { recorded } from '../openai/recorded.ts';
import { assembledChat, chunked, wish } from '../openai/wire.ts';

// A failure prints the seed and path that find it again: pass them on as fc.assert's `seed` and `path`.
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`seed ${seed}`);

const text = fc.string({ unit: 'binary', maxLength: 40 });
const filled = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
const token = fc.record({
  token: text,
  logprob: fc.double({ noNaN: true, noDefaultInfinity: true }),
  bytes: fc.constant(null),
  top_logprobs: fc.constant([]),
});
const logprobs = fc.option(
  fc.record({ content: fc.array(token, { maxLength: 4 }), refusal: fc.constant(null) }),
);
const toolCall = fc.oneof(
  fc.record({
    id: fc.uuid(),
    type: fc.constant('function'),
    function: fc.record({ name: filled, arguments: text }),
  }),
  fc.record({ id: fc.uuid(), type: fc.constant('custom'), custom: fc.record({ name: filled, input: text }) }),
);
const message = fc.record(
  {
    role: fc.constant('assistant'),
    content: fc.option(filled),
    refusal: fc.option(filled),
    reasoning_content: filled,
    annotations: fc.array(fc.record({ type: fc.constant('url_citation'), url: text }), { maxLength: 3 }),
    tool_calls: fc.array(toolCall, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['role', 'content', 'refusal'] },
);
const usage = fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat(), total_tokens: fc.nat() });
const finish = fc.constantFrom('stop', 'tool_calls', 'length');
const completion = fc
  .tuple(
    fc.record({
      id: fc.uuid(),
      object: fc.constant('chat.completion'),
      created: fc.integer({ min: 1 }),
      model: filled,
    }),
    fc.array(fc.record({ message, logprobs, finish_reason: finish }), { minLength: 1, maxLength: 4 }),
    fc.record(
      {
        usage,
        system_fingerprint: filled,
        timings: fc.record({ ms: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([head, choices, rest]) => ({
    ...head,
    choices: choices.map((choice, index) => ({ index, ...choice })),
    ...rest,
  }));

/** The bytes in pieces that end at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set([...places.map((place) => place % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
}

const places = fc.array(fc.nat(100_000), { maxLength: 30 });

test('any chat answer becomes a stream and that stream the answer again', () => {
  const property = fc.property(completion, fc.boolean(), (answer, includeUsage) => {
    const json = Buffer.from(JSON.stringify(answer));
    const stream = replay('chat', { form: 'json', body: json }, wish({ stream: true, includeUsage }));
    const { body } = recorded('chat', stream);
    assert.deepEqual(body, stream, 'a stream of ours needs no cleaning');
    const back: unknown = JSON.parse(replay('chat', { form: 'sse', body }, wish({})).toString());
    const { usage: said, ...silent } = answer;
    assert.deepEqual(back, JSON.parse(JSON.stringify(includeUsage && said ? answer : silent)));
  });
  fc.assert(property, { seed, numRuns: 300 });
});

test('the official client assembles any answer from its stream', async () => {
  const property = fc.asyncProperty(completion, async (answer) => {
    const json = Buffer.from(JSON.stringify(answer));
    const stream = replay('chat', { form: 'json', body: json }, wish({ stream: true, includeUsage: true }));
    assert.deepEqual(await assembledChat(stream), JSON.parse(json.toString()));
  });
  await fc.assert(property, { seed, numRuns: 25 });
});

test('a completion becomes a stream and that stream the completion again', () => {
  const choice = fc.record({ text, logprobs: fc.constant(null), finish_reason: finish });
  const property = fc.property(fc.array(choice, { minLength: 1, maxLength: 4 }), usage, (choices, said) => {
    const head = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'm' };
    const answer = { ...head, choices: choices.map((each, index) => ({ ...each, index })), usage: said };
    const body = Buffer.from(JSON.stringify(answer));
    const stream = replay('completions', { form: 'json', body }, wish({ stream: true, includeUsage: true }));
    const back = replay('completions', { form: 'sse', body: stream }, wish({}));
    assert.deepEqual(JSON.parse(back.toString()), JSON.parse(body.toString()));
  });
  fc.assert(property, { seed, numRuns: 300 });
});

const part = fc.oneof(
  fc.record({
    type: fc.constant('output_text'),
    text,
    annotations: fc.array(fc.record({ type: fc.constant('file_path'), index: fc.nat() }), { maxLength: 2 }),
    logprobs: fc.array(fc.record({ token: text, logprob: fc.integer(), top_logprobs: fc.constant([]) }), {
      maxLength: 2,
    }),
  }),
  fc.record({ type: fc.constant('refusal'), refusal: text }),
);
const outputItem = fc.oneof(
  fc.record({
    type: fc.constant('message'),
    status: fc.constant('completed'),
    role: fc.constant('assistant'),
    content: fc.array(part, { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('reasoning'),
    summary: fc.array(fc.record({ type: fc.constant('summary_text'), text }), { maxLength: 3 }),
    content: fc.array(fc.record({ type: fc.constant('reasoning_text'), text }), { maxLength: 2 }),
  }),
  fc.record({
    type: fc.constant('function_call'),
    status: fc.constant('completed'),
    call_id: fc.uuid(),
    name: filled,
    arguments: text,
  }),
  fc.record({ type: fc.constant('custom_tool_call'), call_id: fc.uuid(), name: filled, input: text }),
  fc.record({ type: fc.constant('compaction'), encrypted_content: text }),
);

test('the events of any response build up its output, and its last holds all of it', () => {
  const property = fc.property(fc.array(outputItem, { maxLength: 5 }), usage, (items, said) => {
    const output = items.map((item, index) => ({ id: `item_${index}`, ...item }));
    const json = JSON.stringify({
      id: 'resp_1',
      object: 'response',
      status: 'completed',
      output,
      usage: said,
    });
    const stream = replay('responses', { form: 'json', body: Buffer.from(json) }, wish({ stream: true }));
    let snapshot: Response | undefined;
    for (const { data } of readEvents(stream).slice(0, -1))
      snapshot = accumulateResponse(JSON.parse(data), snapshot);
    assert.deepEqual(snapshot?.output, JSON.parse(json).output);
    const { body } = recorded('responses', stream);
    assert.equal(replay('responses', { form: 'sse', body }, wish({})).toString(), json);
  });
  fc.assert(property, { seed, numRuns: 200 });
});

test('a stream is recorded the same however it is cut', () => {
  const property = fc.property(completion, places, (answer, ends) => {
    const stream = replay(
      'chat',
      { form: 'json', body: Buffer.from(JSON.stringify(answer)) },
      wish({ stream: true }),
    );
    const recorder = new Recorder('chat', 1_000_000);
    const results = cut(stream, ends).map((piece) => recorder.push(piece));
    assert.deepEqual(
      results.findLast((result) => result !== undefined),
      recorded('chat', stream),
    );
  });
  fc.assert(property, { seed, numRuns: 200 });
});

test('any bytes are parsed the same however they are cut', () => {
  const noise = fc
    .array(
      fc.constantFrom(
        'data',
        'data:',
        'event: x',
        ' ',
        ':',
        '\n',
        '\r',
        '\r\n',
        '\n\n',
        '\ufeff',
        'ü',
        '👋',
        'id',
        '\0',
      ),
      { maxLength: 60 },
    )
    .map((pieces) => Buffer.from(pieces.join('')));
  const property = fc.property(noise, places, (bytes, ends) => {
    const read = (pieces: readonly Buffer[]) => {
      const parser = new SseParser(1_000);
      const events = pieces.flatMap((piece) => parser.push(piece));
      return [...events, parser.end()].map((event) => event && [event.event, event.data, event.intact]);
    };
    assert.deepEqual(read(cut(bytes, ends)), read([bytes]));
  });
  fc.assert(property, { seed, numRuns: 2_000 });
});

test('pieces of a chunked stream never lose or repeat text', () => {
  const property = fc.property(
    fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { minLength: 1 }),
    (pieces) => {
      const head = { id: 'a', object: 'chat.completion.chunk', created: 1, model: 'm' };
      const chunks = pieces.map((content) => ({
        ...head,
        choices: [{ index: 0, delta: { content }, finish_reason: null }],
      }));
      const answer = JSON.parse(replay('chat', { form: 'sse', body: chunked(chunks) }, wish({})).toString());
      assert.equal(answer.choices[0].message.content, pieces.join(''));
    },
  );
  fc.assert(property, { seed, numRuns: 300 });
});
