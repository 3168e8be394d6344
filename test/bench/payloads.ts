/** One kind of request that is measured: some of them, 64 if nothing else is said, and what a model answers to each. */
export interface Payload {
  readonly name: string;
  readonly path: string;
  /** JSON texts. */
  readonly bodies: readonly string[];
  readonly contentType: string;
  /** What the stand-in upstream answers to one of {@link bodies}; all have the same length. */
  readonly answer: (body: string) => Buffer;
  /** How many of what is counted one request is: the inputs of a batch. */
  readonly items: number;
}

const COUNT = 64;
const MODEL = 'gpt-5-mini';

/** A question of 0.5 KB, an answer of 0.7 KB. */
export const chat = chatPayload('chat 0.5 KB', 220, 300);

/** A question of 8 KB, as retrieval makes them, and an answer of 2 KB. */
export const ragChat = chatPayload('RAG chat 8 KB', 7_700, 1_650);

/** One text, a vector of 1536 dimensions as base64: 8.3 KB. */
export const embeddingBase64 = embeddingPayload('embedding, base64', 'base64', 1);

/** The same as JSON numbers: 33 KB. */
export const embeddingFloats = embeddingPayload('embedding, floats', 'float', 1);

/** A hundred texts at once. Twelve of them: what they are answered, 10 MB, is remembered by default. */
export const batch = embeddingPayload('batch of 100, base64', 'base64', 100, 12);

/** An answer of 200 chunks. */
export const streamedChat: Payload = {
  name: 'streamed chat, 200 chunks',
  path: '/v1/chat/completions',
  bodies: numbered((at) =>
    JSON.stringify({ ...question(at, 220), stream: true, stream_options: { include_usage: true } }),
  ),
  contentType: 'text/event-stream; charset=utf-8',
  answer: () => Buffer.from(streamOf(200)),
  items: 1,
};

/** The same questions, each spelled otherwise: keys in another order, and blanks. */
export function otherwise(payload: Payload): Payload {
  const respelled = (body: string) => {
    const members = Object.entries(JSON.parse(body) as object).reverse();
    // The blanks at the front are the load generator's to vary, so that no two requests are the same.
    const texts = members.map(([name, value]) => ` "${name}": ${JSON.stringify(value)}`);
    return `{${' '.repeat(VARIED)}${texts.join(',')} }`;
  };
  return { ...payload, name: `${payload.name}, spelled otherwise`, bodies: payload.bodies.map(respelled) };
}

/** How many bytes behind the first of a body that is spelled {@link otherwise} are blanks. */
export const VARIED = 32;

function numbered(make: (at: number) => string, count = COUNT): string[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

function question(at: number, length: number) {
  const words = `Which lamp number ${at} goes with a green sofa? `;
  return {
    model: MODEL,
    messages: [
      { role: 'system', content: 'You are the assistant of a furniture shop. Answer in one paragraph.' },
      { role: 'user', content: words.padEnd(length, 'The lamp is warm, and made of “brass”. ') },
    ],
    temperature: 0,
    max_completion_tokens: 300,
  };
}

function chatPayload(name: string, asked: number, answered: number): Payload {
  return {
    name,
    path: '/v1/chat/completions',
    bodies: numbered((at) => JSON.stringify(question(at, asked))),
    contentType: 'application/json',
    answer: () => Buffer.from(chatAnswer('It goes well with brass. '.repeat(80).slice(0, answered))),
    items: 1,
  };
}

function chatAnswer(content: string): string {
  return JSON.stringify({
    id: 'chatcmpl-CNqXx4v2mXw0fR3yN5q8Zb1sT6uVw',
    object: 'chat.completion',
    created: 1_780_000_000,
    model: `${MODEL}-2026-03-01`,
    choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason: 'stop' }],
    usage: USAGE,
    service_tier: 'default',
    system_fingerprint: 'fp_44709d6fcb',
  });
}

const USAGE = { prompt_tokens: 120, completion_tokens: 80, total_tokens: 200 };

function streamOf(chunks: number): string {
  const event = (rest: object) =>
    `data: ${JSON.stringify({
      id: 'chatcmpl-CNqXx4v2mXw0fR3yN5q8Zb1sT6uVw',
      object: 'chat.completion.chunk',
      created: 1_780_000_000,
      model: `${MODEL}-2026-03-01`,
      ...rest,
    })}\n\n`;
  const choice = (delta: object, finish: string | null = null) => [
    { index: 0, delta, finish_reason: finish },
  ];
  const pieces = Array.from({ length: chunks }, (_, at) =>
    event({ choices: choice({ content: ` word${at}` }) }),
  );
  const end = [
    event({ choices: choice({}, 'stop') }),
    event({ choices: [], usage: USAGE }),
    'data: [DONE]\n\n',
  ];
  return [event({ choices: choice({ role: 'assistant', content: '' }) }), ...pieces, ...end].join('');
}

function embeddingPayload(
  name: string,
  encoding: 'base64' | 'float',
  items: number,
  count?: number,
): Payload {
  const vector = new Float32Array(1_536).map((_, at) => Math.sin(at) / 40);
  const embedding =
    encoding === 'base64' ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector);
  return {
    name,
    path: '/v1/embeddings',
    bodies: numbered((at) => {
      const texts = Array.from({ length: items }, (_, item) => `A lamp of brass, number ${at}.${item}`);
      return JSON.stringify({
        model: 'text-embedding-3-small',
        input: items === 1 ? (texts[0] ?? '').padEnd(180, ' warm') : texts,
        encoding_format: encoding,
      });
    }, count),
    contentType: 'application/json',
    answer: () =>
      Buffer.from(
        JSON.stringify({
          object: 'list',
          data: Array.from({ length: items }, (_, index) => ({ object: 'embedding', index, embedding })),
          model: 'text-embedding-3-small',
          usage: { prompt_tokens: 12 * items, total_tokens: 12 * items },
        }),
      ),
    items,
  };
}
