import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { pickEvenly, seededRandom } from '../../src/demo/random.ts';
import { until } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { chat } from '../support/http.ts';
import { connectRaw } from '../support/raw.ts';
import { startReprise } from '../support/reprise.ts';
import { startUpstream } from '../support/upstream.ts';

const SEQUENCES = 160;
const CHAT = '/v1/chat/completions';
const EMBEDDINGS = '/v1/embeddings';

/** What is sent for one or more requests. */
interface Sent {
  readonly bytes: string;
  /** Of each answer, whether it goes without its body. */
  readonly answers: readonly boolean[];
  /** Whether the connection may end behind it, or its end be found nowhere. */
  readonly isLast?: boolean;
}

/** What a test does on one connection. */
interface Sequence {
  readonly sent: readonly Sent[];
  /** Whether each answer is waited for. */
  readonly inTurn: boolean;
  /** Whether, where it is not, each begins a piece nevertheless. */
  readonly byRequest: boolean;
  /** Where what is sent is split, the same each time. */
  readonly split: (bytes: string) => readonly string[];
}

it('a connection is answered the same bytes, whether or not what was asked before is answered past Node', async (context) => {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  context.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  await using upstream = await startUpstream();
  const started = (plans: string, folder: string) =>
    startReprise({ upstream: upstream.url, workers: 1, profile: { memory: { plans } }, folder });
  const folder = tempFolder();
  // One secret, for the same keys.
  await (await started('0', folder)).stop();
  const copy = join(folder, '../copy');
  await cp(folder, copy, { recursive: true });
  await using off = await started('0', folder);
  await using on = await started('32MB', copy);

  const mine = KNOWN.map(([path, body]) => ({
    bytes: wire(path, body, { credential: 'sk-mine' }),
    answers: [false],
  }));
  const first: Sequence = {
    sent: [...KNOWN.map(plain), ...mine, LAST],
    inTurn: true,
    byRequest: true,
    split: (bytes) => [bytes],
  };
  for (const { url } of [on, off]) await talk(url, first);
  for (let round = 0; round < SEQUENCES; round += 1) {
    const sequence = randomSequence(random, round);
    const [one, other] = [await talk(on.url, sequence), await talk(off.url, sequence)];
    const label = `SEED=${seed}, round ${round}: ${JSON.stringify(sequence.sent.map(({ bytes }) => bytes))}`;
    assert.equal(comparable(one, sequence), comparable(other, sequence), label);
  }
});

/** Questions that have been asked before. */
const KNOWN: readonly (readonly [path: string, body: string])[] = [
  [CHAT, JSON.stringify(chat('one'))],
  [CHAT, JSON.stringify(chat('two'))],
  [CHAT, JSON.stringify(chat('three', { stream: true, stream_options: { include_obfuscation: false } }))],
  [EMBEDDINGS, JSON.stringify({ model: 'e', input: ['a', 'b', 'c'], encoding_format: 'base64' })],
  [EMBEDDINGS, JSON.stringify({ model: 'e', input: 'a' })],
];

interface Shape {
  readonly method?: string;
  readonly version?: string;
  readonly credential?: string;
  /** How the header is written, with its value. */
  readonly length?: (length: number) => readonly string[];
  readonly lines?: readonly string[];
}

function wire(path: string, body: string, shape: Shape = {}): string {
  const { method = 'POST', version = '1.1', credential = 'sk-test', lines = [] } = shape;
  const length = (shape.length ?? ((bytes: number) => [`content-length: ${bytes}`]))(body.length);
  const head = [
    `${method} ${path} HTTP/${version}`,
    'host: reprise',
    `authorization: Bearer ${credential}`,
    'content-type: application/json',
    ...lines,
    ...length,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

function plain([path, body]: readonly [string, string]): Sent {
  return { bytes: wire(path, body), answers: [false] };
}

const none = () => [];
const LAST: Sent = {
  bytes: wire('/v1/models', '', { method: 'GET', length: none, lines: ['connection: close'] }),
  answers: [false],
  isLast: true,
};

/** One request that is read as one, however odd. */
function randomSent(random: () => number, fresh: () => string, kinds: readonly number[]): Sent {
  const known = pickEvenly(KNOWN, random);
  const [path, body] = known;
  const shaped = (shape: Shape, text = body): Sent => ({ bytes: wire(path, text, shape), answers: [false] });
  const coded = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const makers: readonly (() => Sent)[] = [
    () => plain(known),
    () => plain([CHAT, JSON.stringify(chat(fresh()))]),
    () => plain([EMBEDDINGS, JSON.stringify({ model: 'e', input: ['a', fresh(), 'c'] })]),
    () => shaped({ credential: 'sk-mine' }),
    () => {
      const text = JSON.stringify(chat(fresh()));
      const bytes = ['sk-test', 'sk-mine'].map((credential) => wire(CHAT, text, { credential })).join('');
      return { bytes, answers: [false, false] };
    },
    () => ({ bytes: wire('/v1/models', '', { method: 'GET', length: none }), answers: [false] }),
    () => ({ bytes: wire('/v1/models', '', { method: 'HEAD', length: none }), answers: [true] }),
    () => shaped({}, body.slice(0, -2)),
    () => shaped({}, ` ${body}${' '.repeat(Math.floor(random() * 200))}`),
    () => shaped({}, wire(path, body)),
    () => ({
      bytes: wire(path, '', { length: () => ['transfer-encoding: chunked'] }) + coded,
      answers: [false],
    }),
    () => shaped({ lines: ['expect: 100-continue'] }),
    () => shaped({ version: '1.0', lines: ['connection: keep-alive'] }),
    () => shaped({ lines: ['connection: keep-alive'] }),
    () => shaped({ length: (length) => [`content-length: 000${length}`] }),
    () => shaped({ length: (length) => [`content-length:   ${length}  `] }),
    () => shaped({ length: (length) => [`Content-Length:${length}`] }),
    () => shaped({ length: (length) => [`content-length: ${length}`, 'x-behind: 1'] }),
    () => {
      // The same but for a line behind the length.
      const behind = `x-cache-namespace: ${pickEvenly(['n1', 'n2', 'n3'], random)}`;
      const text = JSON.stringify(chat(pickEvenly(['one', 'four', 'five'], random)));
      const length = (bytes: number) => [`content-length: ${bytes}`, behind];
      return { bytes: wire(CHAT, text, { length }), answers: [false] };
    },
    () => shaped({ lines: ['x-fold: \tcontent-length: 3'] }),
    () => ({ bytes: `\r\n${wire(path, body)}`, answers: [false] }),
    () => ({ bytes: wire(path, body) + wire(path, body), answers: [false, false] }),
  ];
  const kind = random() < 0.3 ? 0 : Math.floor(pickEvenly(kinds, random) * makers.length);
  return (makers[kind] ?? assert.fail())();
}

/** One that is no request, or of which two readers may think two things. */
function randomRiddle(random: () => number): Sent {
  const [path, body] = pickEvenly(KNOWN, random);
  const shaped = (shape: Shape): string => wire(path, body, shape);
  const bytes = pickEvenly(
    [
      shaped({ length: (length) => [`content-length: +${length}`] }),
      shaped({ length: (length) => [`content-length: ${length}`, `content-length: ${length}`] }),
      shaped({ length: (length) => [`content-length: ${length}`, 'transfer-encoding: chunked'] }),
      shaped({ length: (length) => [`content-length: ${length - 5}`] }),
      shaped({ length: (length) => [`content-length : ${length}`] }),
      shaped({ length: (length) => [`content-length: ${length}`, 'content_length: 3'] }),
      shaped({ length: (length) => [`content-length: 0x${length}`] }),
      shaped({ length: (length) => [`content-length: 99999999999999999999${length}`] }),
      shaped({ length: (length) => [`content-length: \r\n ${length}`] }),
      shaped({ length: (length) => [`content-length: ${length}\rx: 1`] }),
      shaped({ lines: ['x-odd: a\rcontent-length: 3'] }),
      shaped({ lines: ['x-odd: a\ncontent-length: 3'] }),
      shaped({ lines: ['connection: close'] }),
      shaped({}).replaceAll('\r\n', '\n'),
      shaped({}).replace('\r\n\r\n', '\n\n'),
      shaped({}).replace('\r\n\r\n', '\r\n\n'),
      shaped({}).replace('\r\n', '\n'),
    ],
    random,
  );
  return { bytes, answers: [false], isLast: true };
}

function randomSequence(random: () => number, round: number): Sequence {
  let count = 0;
  const fresh = () => {
    count += 1;
    return `fresh ${round} ${count}`;
  };
  const sent: Sent[] = [];
  // Few kinds on each connection, so that those that are nearly the same meet.
  const kinds = [random(), random(), random()];
  // The head of most is known from the first on.
  for (let left = 2 + Math.floor(random() * 8); left > 0; left -= 1)
    sent.push(randomSent(random, fresh, kinds));
  const inTurn = random() < 0.6;
  if (inTurn && random() < 0.5) sent.push(randomRiddle(random));
  sent.push(LAST);
  const pieces = pickEvenly([0, 0, 1, 3, 12], random);
  const at = Array.from({ length: pieces }, random);
  return {
    sent,
    inTurn,
    byRequest: random() < 0.6,
    split(bytes) {
      const ends = [...at.map((share) => Math.floor(share * bytes.length)), bytes.length].sort(
        (one, other) => one - other,
      );
      return ends.map((end, index) => bytes.slice(ends[index - 1] ?? 0, end)).filter((piece) => piece !== '');
    },
  };
}

/** Sends all on one connection, and gives what came back until the server ended it. */
async function talk(url: string, { sent, inTurn, byRequest, split }: Sequence): Promise<string> {
  using client = connectRaw(url);
  client.socket.setNoDelay(true);
  let isOver = false;
  void client.ended.then(
    () => {
      isOver = true;
    },
    () => {},
  );
  const awaited: boolean[] = [];
  const write = async (bytes: string) => {
    for (const piece of split(bytes)) {
      if (client.socket.writable) client.socket.write(piece, 'latin1');
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  if (!inTurn && byRequest) for (const { bytes } of sent) await write(bytes);
  else if (!inTurn) await write(sent.map(({ bytes }) => bytes).join(''));
  else {
    for (const { bytes, answers, isLast } of sent) {
      await write(bytes);
      awaited.push(...answers);
      if (!isLast) await until(() => isOver || wholeIn(client.text(), awaited), `an answer to ${bytes}`);
      if (isOver) break;
    }
  }
  await until(() => isOver, `the end, after ${client.text().slice(-2_000)}`);
  return client.text();
}

/** Whether all these answers have come. */
function wholeIn(text: string, answers: readonly boolean[]): boolean {
  let rest = text;
  for (const isBodiless of answers) {
    rest = rest.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
    const start = rest.indexOf('\r\n\r\n') + 4;
    if (start < 4) return false;
    const length = /\r\ncontent-length: (\d+)/i.exec(rest.slice(0, start))?.[1];
    const end = start + Number(length ?? rest.indexOf('0\r\n\r\n', start) + 5 - start);
    if (isBodiless) rest = rest.slice(start);
    else if (end < start + 5 && length === undefined) return false;
    else if (rest.length < end) return false;
    else rest = rest.slice(end);
  }
  return true;
}

/** All but what is of one moment, one call, or one of two that ran at once. */
function comparable(text: string, { inTurn }: Sequence): string {
  const masked = text
    .replace(/\r\ndate: [^\r]+ GMT/gi, '\r\ndate: …')
    .replace(/req_[0-9a-f]{24}/g, 'req_…')
    .replace(/\r\nage: \d+/g, '\r\nage: …')
    .replace(/; ttl=\d+/g, '; ttl=…')
    // What the stand-in counts.
    .replace(/(req_upstream_|-remaining-requests: |__cf_bm=)\d+/g, '$1…')
    .replace(/[0-9a-f]{24}/g, '…')
    .replace(/"created":\d+/g, '"created":…');
  // Of requests under way at once one may join another, or find what it has fetched: of the heads no more than the status is the same.
  return inTurn ? masked : masked.replace(/(HTTP\/1\.1 \d+ [\w ]+\r\n)(?:[^\r]+\r\n)+\r\n/g, '$1');
}
