import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { accumulateResponse } from 'openai/lib/responses/ResponseAccumulator';
import type { Response } from 'openai/resources/responses/responses';
import { isStreamable, replay, serves } from '../../src/openai/replay.ts';
import { readEvents } from '../../src/openai/sse.ts';
import { CHAT_EXAMPLES, RESPONSE, responseEvents } from './answers.ts';
import { recorded } from './recorded.ts';
import { assembledChat, assembledResponse, chunked, iteratedCompletion, typed, wish } from './wire.ts';

suite('a chat answer', () => {
  for (const { name, chunks, whole } of CHAT_EXAMPLES) {
    const stream = recorded('chat', chunked(chunks)).body;
    const json = Buffer.from(JSON.stringify(whole));

    test(`${name}: a stream replayed as JSON is the answer`, () => {
      const answer = JSON.parse(replay('chat', { form: 'sse', body: stream }, wish({})).toString());
      assert.deepEqual(answer, whole);
    });

    test(`${name}: the SDK assembles the answer from the replayed JSON, and the same as from the original stream`, async () => {
      const fromJson = replay(
        'chat',
        { form: 'json', body: json },
        wish({ stream: true, includeUsage: true }),
      );
      const assembled = await assembledChat(fromJson);
      assert.deepEqual(assembled, whole);
      const replayed = replay(
        'chat',
        { form: 'sse', body: stream },
        wish({ stream: true, includeUsage: true }),
      );
      assert.deepEqual(await assembledChat(replayed), await assembledChat(chunked(chunks)));
    });
  }
});

suite('a response', () => {
  const original = typed(responseEvents());
  const stream = recorded('responses', original).body;
  const json = Buffer.from(JSON.stringify(RESPONSE));

  test('replayed from its stream as JSON is what the last event held, with this caller as its reader', () => {
    const final = responseEvents().at(-1)?.response;
    const answer = replay('responses', { form: 'sse', body: stream }, wish({}));
    assert.deepEqual(JSON.parse(answer.toString()), final);
  });

  test('replayed as the stream it came as is assembled to the same', async () => {
    const replayed = replay('responses', { form: 'sse', body: stream }, wish({ stream: true }));
    assert.deepEqual(await assembledResponse(replayed), await assembledResponse(original));
  });

  test('with reasoning, text and calls, replayed from JSON as a stream, is assembled to itself', async () => {
    const replayed = replay('responses', { form: 'json', body: json }, wish({ stream: true }));
    assert.deepEqual(await assembledResponse(replayed), RESPONSE);
  });

  test('is built up to the same items by its events alone', async () => {
    const replayed = replay('responses', { form: 'json', body: json }, wish({ stream: true }));
    const events = readEvents(replayed).map(({ data }) => JSON.parse(data));
    assert.deepEqual(
      events.map(({ sequence_number }) => sequence_number),
      [...events.keys()],
    );
    let snapshot: unknown;
    for (const event of events.slice(0, -1))
      snapshot = accumulateResponse(event, snapshot as Response | undefined);
    assert.deepEqual((snapshot as Response).output, RESPONSE.output);
    assert.ok(readEvents(replayed).every(({ event, data }) => event === JSON.parse(data).type));
  });

  test('that was cut short ends its stream as incomplete', () => {
    const cut = { ...RESPONSE, status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    const body = Buffer.from(JSON.stringify(cut));
    const events = readEvents(replay('responses', { form: 'json', body }, wish({ stream: true })));
    assert.equal(events.at(-1)?.event, 'response.incomplete');
  });

  test("says this caller's own fields, in JSON and in every event that holds it", () => {
    const theirs = {
      ...RESPONSE,
      metadata: { who: 'them' },
      user: 'them',
      safety_identifier: 'them',
      prompt_cache_key: 'them',
      store: false,
    };
    const events = responseEvents().map((event) =>
      'response' in event ? { ...event, response: theirs } : event,
    );
    const payloads = [
      { form: 'json', body: Buffer.from(JSON.stringify(theirs)) },
      { form: 'sse', body: typed(events) },
    ] as const;
    const own = new Map([
      ['user', '"me"'],
      ['metadata', '{"a":"1"}'],
    ]);
    for (const payload of payloads) {
      for (const streamed of [false, true]) {
        const blank = replay('responses', payload, wish({ stream: streamed })).toString();
        assert.ok(!blank.includes('them'));
        assert.ok(
          blank.includes('"metadata":{}') && blank.includes('"user":null') && blank.includes('"store":true'),
        );
        const mine = replay('responses', payload, wish({ stream: streamed, echo: own })).toString();
        assert.ok(
          mine.includes('"metadata":{"a":"1"}') && mine.includes('"user":"me"') && !mine.includes('them'),
        );
      }
    }
  });

  test('gets a field that it lacks only where this caller sent it', () => {
    const body = Buffer.from('{"id":"resp_1","object":"response","status":"completed","output":[]}');
    assert.equal(replay('responses', { form: 'json', body }, wish({})), body);
    const mine = replay('responses', { form: 'json', body }, wish({ echo: new Map([['user', '"me"']]) }));
    assert.deepEqual(JSON.parse(mine.toString()), { ...JSON.parse(body.toString()), user: 'me' });
  });

  test('keeps its identity while the upstream keeps it, and gets a new one otherwise', () => {
    const payload = { form: 'sse', body: stream } as const;
    const kept = replay('responses', payload, wish({ stream: true, identity: 'fresh' })).toString();
    assert.ok(kept.includes('"resp_1"'));
    const echo = new Map([['store', 'false']]);
    const fresh = replay('responses', payload, wish({ stream: true, identity: 'fresh', echo })).toString();
    assert.ok(!fresh.includes('"resp_1"') && fresh.includes(`"id":"resp_${'n'.repeat(24)}"`));
    assert.ok(fresh.includes('"created_at":1800000000') && fresh.includes('"id":"msg_1"'));
  });
});

suite('a completion', () => {
  const head = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'm' };
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const tokens = (text: string, offset: number) => ({
    tokens: [text],
    token_logprobs: [-1],
    top_logprobs: [{ [text]: -1, '2': -3, '1': -2 }],
    text_offset: [offset],
  });
  const chunks = [
    { ...head, choices: [{ text: 'a', index: 0, logprobs: tokens('a', 1), finish_reason: null }] },
    { ...head, choices: [{ text: 'x', index: 1, logprobs: null, finish_reason: 'stop' }] },
    { ...head, choices: [{ text: 'b', index: 0, logprobs: tokens('b', 2), finish_reason: 'stop' }] },
    { ...head, choices: [], usage },
  ];
  const logprobs = {
    tokens: ['a', 'b'],
    token_logprobs: [-1, -1],
    top_logprobs: [
      { a: -1, '2': -3, '1': -2 },
      { b: -1, '2': -3, '1': -2 },
    ],
    text_offset: [1, 2],
  };
  const whole = {
    ...head,
    choices: [
      { text: 'ab', index: 0, logprobs, finish_reason: 'stop' },
      { text: 'x', index: 1, logprobs: null, finish_reason: 'stop' },
    ],
    usage,
  };

  test('replayed from its stream as JSON is the answer', () => {
    const answer = replay('completions', { form: 'sse', body: chunked(chunks) }, wish({}));
    assert.deepEqual(JSON.parse(answer.toString()), whole);
  });

  test('is iterated to the same texts from the original and from both replays', async () => {
    const original = await iteratedCompletion(chunked(chunks));
    assert.deepEqual(
      [...original],
      [
        [0, 'ab<stop>'],
        [1, 'x<stop>'],
      ],
    );
    const asked = wish({ stream: true });
    assert.deepEqual(
      await iteratedCompletion(replay('completions', { form: 'sse', body: chunked(chunks) }, asked)),
      original,
    );
    const json = Buffer.from(JSON.stringify(whole));
    assert.deepEqual(
      await iteratedCompletion(replay('completions', { form: 'json', body: json }, asked)),
      original,
    );
  });
});

suite('a replay', () => {
  const [text, , calls] = CHAT_EXAMPLES;
  assert.ok(text !== undefined && calls !== undefined);
  const stream = chunked(text.chunks);
  const json = Buffer.from(JSON.stringify(text.whole));

  test('that changes nothing is the stored buffer itself', () => {
    assert.equal(replay('chat', { form: 'json', body: json }, wish({})), json);
    assert.equal(
      replay('chat', { form: 'sse', body: stream }, wish({ stream: true, includeUsage: true })),
      stream,
    );
    const bare = chunked(text.chunks.slice(0, -1).map(({ usage, ...chunk }) => chunk));
    assert.equal(replay('chat', { form: 'sse', body: bare }, wish({ stream: true })), bare);
    const response = Buffer.from(JSON.stringify(RESPONSE));
    assert.equal(replay('responses', { form: 'json', body: response }, wish({})), response);
    const events = typed(responseEvents());
    assert.equal(replay('responses', { form: 'sse', body: events }, wish({ stream: true })), events);
  });

  test('says usage only to who asked for it', () => {
    for (const stored of [
      { form: 'sse', body: stream },
      { form: 'json', body: json },
    ] as const) {
      const silent = replay('chat', stored, wish({ stream: true }));
      assert.ok(!silent.includes('usage') && silent.toString().endsWith('data: [DONE]\n\n'));
      const said = readEvents(replay('chat', stored, wish({ stream: true, includeUsage: true }))).map(
        ({ data }) => data,
      );
      const parsed = said.slice(0, -1).map((data) => JSON.parse(data));
      assert.deepEqual(parsed.at(-1).usage, text.whole.usage);
      assert.deepEqual(parsed.at(-1).choices, []);
      assert.ok(parsed.slice(0, -1).every((chunk) => chunk.usage === null));
    }
  });

  test('leaves usage where a server puts it beside the last words', () => {
    const body = chunked([
      { id: 'a', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: 1 } },
    ]);
    assert.equal(replay('chat', { form: 'sse', body }, wish({ stream: true })), body);
  });

  test('keeps the digits and escapes of what it does not understand', () => {
    const body = Buffer.from(
      'data: {"id":"a","created":1,"model":"m","big":9007199254740993,"choices":[{"index":0,"delta":{"role":"assistant","content":"\\ud83d"},"logprobs":{"content":[{"logprob":-0.0}]},"finish_reason":null}]}\n\ndata: {"id":"a","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"\\ude00\\u00e9"},"finish_reason":"stop","score":1.0}]}\n\ndata: [DONE]\n\n',
    );
    const answer = replay('chat', { form: 'sse', body }, wish({})).toString();
    assert.equal(
      answer,
      '{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"\\ud83d\\ude00\\u00e9","refusal":null},"logprobs":{"content":[{"logprob":-0.0}]},"finish_reason":"stop","score":1.0}],"big":9007199254740993}',
    );
    const back = replay(
      'chat',
      { form: 'json', body: Buffer.from(answer) },
      wish({ stream: true }),
    ).toString();
    for (const exact of ['9007199254740993', '"\\ud83d\\ude00\\u00e9"', '"logprob":-0.0', '"score":1.0'])
      assert.ok(back.includes(exact), exact);
  });

  test('takes the head of an Azure stream from its first chunk with an id', () => {
    const azure = {
      choices: [],
      created: 0,
      id: '',
      model: '',
      object: '',
      prompt_filter_results: [{ prompt_index: 0 }],
    };
    const answer = JSON.parse(
      replay('chat', { form: 'sse', body: chunked([azure, ...text.chunks]) }, wish({})).toString(),
    );
    assert.deepEqual(answer, { ...text.whole, prompt_filter_results: azure.prompt_filter_results });
  });

  test('gives a whole message the one name that vLLM gives its reasoning there', () => {
    const delta = (piece: string) => ({
      id: 'a',
      choices: [
        {
          index: 0,
          delta: { role: 'assistant', reasoning: piece, reasoning_content: piece },
          finish_reason: 'stop',
        },
      ],
    });
    const answer = JSON.parse(
      replay('chat', { form: 'sse', body: chunked([delta('one '), delta('two')]) }, wish({})).toString(),
    );
    assert.deepEqual(answer.choices[0].message, {
      role: 'assistant',
      content: null,
      refusal: null,
      reasoning: 'one two',
    });
  });

  test('with a fresh identity renews the id, the time and the ids of calls, each the same wherever it stands', () => {
    const body = chunked(calls.chunks.map((chunk) => ({ ...chunk })));
    let count = 0;
    const fresh = (streamed: boolean) =>
      replay(
        'chat',
        { form: 'sse', body },
        wish({ stream: streamed, identity: 'fresh', newId: () => `${++count}` }),
      );
    const whole = JSON.parse(fresh(false).toString());
    assert.equal(whole.id, 'chatcmpl-1');
    assert.equal(whole.created, 1_800_000_000);
    assert.deepEqual(
      whole.choices[0].message.tool_calls.map(({ id }: { id: string }) => id),
      ['call_2', 'call_3', 'call_4'],
    );
    const chunks = readEvents(fresh(true))
      .slice(0, -1)
      .map(({ data }) => JSON.parse(data));
    assert.deepEqual([...new Set(chunks.map(({ id }) => id))], ['chatcmpl-5']);
    assert.deepEqual([...new Set(chunks.map(({ created }) => created))], [1_800_000_000]);
    assert.ok(!fresh(true).includes('call_a'));
  });

  test("shows no other caller's metadata, and invents none", () => {
    const body = Buffer.from(JSON.stringify({ ...text.whole, metadata: { who: 'them' } }));
    const answer = (echo: Map<string, string>) =>
      JSON.parse(replay('chat', { form: 'json', body }, wish({ echo })).toString());
    assert.deepEqual(answer(new Map()).metadata, {});
    assert.deepEqual(answer(new Map([['metadata', '{"who":"me"}']])).metadata, { who: 'me' });
    assert.equal(
      replay('chat', { form: 'json', body: json }, wish({ echo: new Map([['metadata', '{}']]) })),
      json,
    );
  });

  test('of a stream without its usage is not for a caller that gets it elsewhere', () => {
    const callers = {
      asks: { stream: true, includeUsage: true },
      streams: { stream: true, includeUsage: false },
      json: { stream: false, includeUsage: false },
    };
    const served = (form: string, facts: Record<string, unknown>) =>
      Object.entries(callers).flatMap(([name, wish]) => (serves({ form, facts }, wish) ? [name] : []));
    assert.deepEqual(served('sse', { has_usage: true }), ['asks', 'streams', 'json']);
    assert.deepEqual(served('json', { has_usage: false }), ['asks', 'streams', 'json']);
    assert.deepEqual(served('sse', { has_usage: false }), ['streams']);
    // Asked and said none: a stream would say none again, JSON may yet say it.
    assert.deepEqual(served('sse', { has_usage: false, usage_asked: true }), ['asks', 'streams']);
  });
});

suite('what a stream would be', () => {
  const chatOf = (model: string, choices: readonly object[]) =>
    Buffer.from(JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion', model, choices }));
  const choice = { index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' };
  const long = 'm'.repeat(500_000);

  for (const [name, api, answer] of [
    ['a long name and hundreds of choices', 'chat', chatOf(long, Array(500).fill(choice))],
    ['a choice with a long index and many calls', 'chat', manyCalls()],
    ['hundreds of thousands of empty choices', 'completions', chatOf('m', Array(700_000).fill({}))],
    ['an item with a long id and many parts', 'responses', manyParts()],
  ] as const) {
    test(`of ${name} is too large`, () => {
      assert.equal(isStreamable(api, answer), false);
    });
  }

  for (const [name, api, answer] of [
    ['a word for each of 2,048 prompts', 'completions', words()],
    ['128 choices', 'chat', chatOf('gpt-5', Array(128).fill(choice))],
    [
      'one long text',
      'chat',
      chatOf('gpt-5', [{ ...choice, message: { role: 'assistant', content: long } }]),
    ],
    ['a response', 'responses', Buffer.from(JSON.stringify({ ...RESPONSE, instructions: long }))],
  ] as const) {
    test(`of ${name} is of a good size`, () => {
      assert.equal(isStreamable(api, answer), true);
    });
  }

  function manyCalls(): Buffer {
    const calls = Array(20_000).fill({ id: 'c', type: 'function' });
    return chatOf('m', [{ index: long, message: { role: 'assistant', tool_calls: calls } }]);
  }

  function manyParts(): Buffer {
    const item = { type: 'message', id: long, content: Array(1_000).fill({ type: 'output_text', text: '' }) };
    return Buffer.from(JSON.stringify({ ...RESPONSE, output: [item] }));
  }

  function words(): Buffer {
    const of = (index: number) => ({ text: ' yes', index, logprobs: null, finish_reason: 'stop' });
    return chatOf(
      'gpt-3.5-turbo-instruct',
      Array.from({ length: 2048 }, (_, index) => of(index)),
    );
  }
});
