import { createHash } from 'node:crypto';
import { embeddingsEndpoint } from '../../src/endpoints/embeddings.ts';
import type { Bypass, Plan } from '../../src/endpoints/endpoint.ts';
import type { Dialect } from '../../src/openai/dialect.ts';

/** A source of numbers in [0, 1) that a seed determines: print the seed, and a failure can be played again. */
export type Random = () => number;

/** One input of an embeddings request: a text, or a token array. */
export type Item = string | readonly number[];

/** What an embeddings request asks for. */
export interface Wish {
  readonly model: string;
  readonly input: Item | readonly Item[];
  /** Absent: not said in the request, which means floats. */
  readonly encoding?: 'float' | 'base64';
  readonly dimensions?: number;
}

/** How the stand-in upstream answers: what it does with `encoding_format`, and the order of its `data`. */
export interface Manners {
  readonly encoding: 'as-asked' | 'float' | 'base64';
  readonly shuffle?: Random;
}

/** A whole number from `least` to `most`, both included. */
export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** One of `choices`. */
export function pick<T>(random: Random, choices: readonly T[]): T {
  const choice = choices[between(random, 0, choices.length - 1)];
  if (choice === undefined) throw new Error('nothing to pick from');
  return choice;
}

/** `count` texts that differ, many of them only just: case, blanks, normalization, escapes, lone surrogates. */
export function randomTexts(random: Random, count: number): string[] {
  const texts = new Set<string>();
  while (texts.size < count) {
    const text = Array.from({ length: between(random, 1, 6) }, () => pick(random, WORDS)).join(
      pick(random, [' ', '', '  ']),
    );
    for (const twin of [text, pick(random, TWINS)(text)])
      if (twin !== '' && texts.size < count) texts.add(twin);
  }
  return [...texts];
}

/** `count` token arrays that differ, many of them the beginning or the digits of another. */
export function randomTokenArrays(random: Random, count: number): number[][] {
  const arrays = new Map<string, number[]>();
  while (arrays.size < count) {
    const tokens = Array.from({ length: between(random, 1, 5) }, () =>
      pick(random, [0, 1, 2, 11, 12, 112, 100_256]),
    );
    arrays.set(tokens.join(), tokens);
  }
  return [...arrays.values()];
}

/** The vector that belongs to an input: each model, input and dimension count has its own. Raw float32 little-endian. */
export function oracleVector(model: string, item: Item, dimensions = 16): Buffer {
  const shake = createHash('shake256', { outputLength: dimensions * 4 });
  const vector = shake.update(JSON.stringify([model, item, dimensions])).digest();
  for (let at = 0; at < vector.length; at += 4) {
    const bits = vector.readUInt32LE(at);
    // Finite values only, with more zeros of either sign and subnormals than chance would give.
    if (bits % 16 === 0) vector.writeUInt32LE((bits & 0x80000000) >>> 0, at);
    else if (bits % 16 === 1) vector.writeUInt32LE((bits & 0x807fffff) >>> 0, at);
    else if ((bits & 0x7f800000) === 0x7f800000) vector.writeUInt32LE((bits & 0xbfffffff) >>> 0, at);
  }
  return vector;
}

/** The body of an embeddings request, in one of the many ways to write the same JSON. */
export function requestBody(wish: Wish, random: Random): Buffer {
  const fields: [string, unknown][] = [
    ['model', wish.model],
    ['input', wish.input],
  ];
  if (wish.encoding !== undefined) fields.push(['encoding_format', wish.encoding]);
  if (wish.dimensions !== undefined) fields.push(['dimensions', wish.dimensions]);
  if (random() < 0.3) fields.push(['user', `user-${between(random, 1, 9)}`]);
  fields.sort(() => random() - 0.5);
  const blank = pick(random, ['', ' ', '\n  ']);
  const members = fields.map(
    ([name, value]) => `${blank}"${name}":${blank}${JSON.stringify(value, null, pick(random, ['', ' ']))}`,
  );
  const text = `{${members.join(',')}${blank}}`;
  return Buffer.from(random() < 0.5 ? text : escaped(text));
}

/** What the endpoint plans for a request with this body. */
export function planEmbeddings(body: Buffer, dialect: Dialect): Plan | Bypass {
  return embeddingsEndpoint.plan({
    method: 'POST',
    params: new Map(),
    query: '',
    body,
    header: (name) => (name === 'content-type' ? 'application/json' : undefined),
    dialect,
    injectUsage: true,
  });
}

/** What an upstream answers to this request body. */
export function upstreamAnswer(body: Buffer, manners: Manners): Buffer {
  const asked = JSON.parse(body.toString()) as {
    model: string;
    input: unknown;
    dimensions?: number;
    encoding_format?: string;
  };
  const items = itemsOf(asked.input);
  const encoding = manners.encoding === 'as-asked' ? (asked.encoding_format ?? 'float') : manners.encoding;
  const data = items.map((item, index) => {
    const vector = oracleVector(asked.model, item, asked.dimensions);
    const embedding =
      encoding === 'base64'
        ? `"${vector.toString('base64')}"`
        : `[${floatsOf(vector).map(shortestFloat32).join()}]`;
    return `{"object":"embedding","index":${index},"embedding":${embedding}}`;
  });
  const { shuffle } = manners;
  if (shuffle !== undefined) data.sort(() => shuffle() - 0.5);
  const tokens = items.reduce((sum, item) => sum + item.length, 0);
  return Buffer.from(
    `{"object":"list","data":[${data.join()}],"model":${JSON.stringify(asked.model)},"usage":{"prompt_tokens":${tokens},"total_tokens":${tokens}}}`,
  );
}

/** The items of an `input` as the API reads it: one text or one token array is one item. */
export function itemsOf(input: unknown): Item[] {
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input)) throw new Error(`no input: ${JSON.stringify(input)}`);
  return typeof input[0] === 'number' ? [input as number[]] : (input as Item[]);
}

/**
 * The vectors of an answer as raw float32, read the way a client reads them; throws unless each stands in the encoding
 * asked for, at its own index.
 */
export function vectorsOf(answer: Buffer, encoding: 'float' | 'base64'): Buffer[] {
  const { data } = JSON.parse(answer.toString()) as {
    data: { index: number; embedding: string | number[] }[];
  };
  return data.map(({ index, embedding }, position) => {
    if (index !== position) throw new Error(`index ${index} at position ${position}`);
    if ((typeof embedding === 'string') !== (encoding === 'base64'))
      throw new Error(`not ${encoding} at ${position}`);
    if (typeof embedding === 'string') return Buffer.from(embedding, 'base64');
    const vector = Buffer.alloc(embedding.length * 4);
    for (const [at, value] of embedding.entries()) vector.writeFloatLE(value, at * 4);
    return vector;
  });
}

const WORDS = [
  'a',
  'b',
  'A',
  '1',
  'red',
  'shoe',
  'größe',
  'cafe\u0301',
  'café',
  '日本',
  '😀',
  '\ud83d',
  '\u0000',
  '"',
  '\\',
  '/',
  '\u2028',
  '\n',
  '[1]',
  '}',
];

const TWINS: readonly ((text: string) => string)[] = [
  (text) => text.toUpperCase(),
  (text) => `${text} `,
  (text) => ` ${text}`,
  (text) => text.normalize('NFD'),
  (text) => text.normalize('NFC'),
  (text) => JSON.stringify(text),
  (text) => `${text}\ud800`,
  (text) => text.slice(1),
];

/** The same JSON with every character that is not plain ASCII escaped, as Python's json.dumps writes it. */
function escaped(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function floatsOf(vector: Buffer): number[] {
  return Array.from({ length: vector.length / 4 }, (_, index) => vector.readFloatLE(index * 4));
}

/** The shortest decimal that reads back as the same float32: how NumPy and Go print one. */
function shortestFloat32(value: number): string {
  if (Object.is(value, -0)) return '-0';
  for (let digits = 6; digits < 9; digits += 1) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return text;
  }
  return value.toPrecision(9);
}
