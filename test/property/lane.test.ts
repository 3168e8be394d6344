import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../support/clock.ts';
import { until } from '../support/deadline.ts';
import { tempFolder } from '../support/folder.ts';
import { chatPiece, dataEvent } from '../support/openai-server.ts';
import { connectRaw } from '../support/raw.ts';
import { startReprise } from '../support/reprise.ts';
import { type Handler, startUpstream } from '../support/upstream.ts';
import { type Pick, pickFrom } from './json-values.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);
console.log(`seed ${seed}`);

const CHAT = '/v1/chat/completions';
const STORIES = 150;

/** A request as it stands on the wire. */
interface Wire {
  readonly bytes: string;
  /** Whether its answer ends the connection. */
  readonly ends: boolean;
}

const one = <T>(pick: Pick, list: readonly T[]): T => list[pick(list.length)] ?? assert.fail();

/** The words of a few questions, so that most are asked again. */
const question = (pick: Pick) => one(pick, ['a', 'b', 'a “quoted” lamp']);

function chat(pick: Pick): object {
  const body = { model: 'm', messages: [{ role: 'user', content: question(pick) }], temperature: 0 };
  return one(pick, [body, body, { ...body, stream: true }]);
}

function head(path: string, lines: readonly string[], version = '1.1'): string {
  return `POST ${path} HTTP/${version}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}

const LINES = ['host: reprise', 'authorization: Bearer sk-one', 'content-type: application/json'];

/** With its length said at the end, as clients do. */
function sized(body: string, path = CHAT, lines = LINES, version = '1.1'): string {
  return head(path, [...lines, `content-length: ${Buffer.byteLength(body)}`], version) + latin1(body);
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

/** One request of many kinds: most are such as the lane may take, and the others are such as it must not. */
function wireOf(pick: Pick): Wire {
  const json = JSON.stringify(chat(pick));
  const length = Buffer.byteLength(json);
  const inputs = { model: 'e', input: ['x', question(pick)], encoding_format: 'base64' };
  const withLength = (said: string) => head(CHAT, [...LINES, `content-length:${said}`]) + latin1(json);
  const goesOn = one<() => string>(pick, [
    ...new Array<() => string>(12).fill(() => sized(json)),
    () => sized(` ${json} `),
    () => sized(JSON.stringify(inputs), '/v1/embeddings'),
    () => sized(JSON.stringify(inputs), '/v1/embeddings'),
    () =>
      sized(json, CHAT, ['host: reprise', 'authorization: Bearer sk-two', 'content-type: application/json']),
    () => sized(json, CHAT, [...LINES, 'x-cache-namespace: other']),
    () =>
      sized(json, CHAT, ['Host: reprise', 'AUTHORIZATION: Bearer sk-one', 'content-type:application/json']),
    () => sized('{"model":'),
    () => sized(''),
    // A request in the place of a body: it is none.
    () => sized(sized(json)),
    () => sized(sized(json), CHAT, [...LINES, 'x-other: 1']),
    () => withLength(` 000${length}`),
    () => withLength(`   ${length}`),
    () => withLength(`${length}  `),
    () =>
      `${head(CHAT, [...LINES, 'transfer-encoding: chunked'])}${length.toString(16)}\r\n${latin1(json)}\r\n0\r\n\r\n`,
    () => sized(json, CHAT, [...LINES, 'connection: keep-alive'], one(pick, ['1.0', '1.1'])),
    () => 'GET /v1/models HTTP/1.1\r\nhost: reprise\r\nauthorization: Bearer sk-one\r\n\r\n',
    () => sized(json, '/v1/nowhere'),
  ]);
  const ending = one<() => string>(pick, [
    () => sized(json, CHAT, [...LINES, 'connection: close']),
    () => withLength(` +${length}`),
    () => withLength(` ${length}\r\ncontent-length: ${length + 1}`),
    () => sized(json).replaceAll('\r\n', '\n'),
    () => sized(json).replace('\r\nhost', '\rhost'),
    () => sized(json, CHAT, [...LINES, 'transfer-encoding: chunked']),
    () => `${sized(json)}nonsense\r\n\r\n`,
  ]);
  return one(pick, [0, 1, 2, 3, 4, 5, 6, 7]) === 0
    ? { bytes: ending(), ends: true }
    : { bytes: goesOn(), ends: false };
}

/** What comes back of one request. */
interface Answer {
  readonly head: string;
  readonly body: string;
}

/** All whole answers in a text, and whether that is all of it. */
function answersIn(text: string): { readonly answers: readonly Answer[]; readonly rest: string } {
  const answers: Answer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n') + 4;
    if (end < 4) return { answers, rest };
    const said = rest.slice(0, end);
    const body = bodyAt(said, rest.slice(end));
    if (body === undefined) return { answers, rest };
    answers.push({ head: said, body: body.text });
    rest = rest.slice(end + body.length);
  }
}

/** The body behind a head, taken out of its chunks; undefined while it is not whole. */
function bodyAt(said: string, rest: string): { readonly text: string; readonly length: number } | undefined {
  const length = /\r\ncontent-length: (\d+)/i.exec(said)?.[1];
  if (length !== undefined)
    return rest.length < Number(length)
      ? undefined
      : { text: rest.slice(0, Number(length)), length: Number(length) };
  if (!/\r\ntransfer-encoding: chunked/i.test(said)) return { text: '', length: 0 };
  let text = '';
  for (let at = 0; ; ) {
    const line = rest.indexOf('\r\n', at);
    if (line === -1) return undefined;
    const size = Number.parseInt(rest.slice(at, line), 16);
    const next = line + 2 + size + 2;
    if (next > rest.length) return undefined;
    text += rest.slice(line + 2, line + 2 + size);
    if (size === 0) return { text, length: next };
    at = next;
  }
}

/** Sends each request once the one before is answered, or all at once, in pieces of any size; gives all that came back. */
async function tell(
  url: string,
  story: Story,
): Promise<{ readonly answers: readonly Answer[]; readonly rest: string }> {
  using client = connectRaw(url);
  let sent = 0;
  for (const [at, { wire, cuts }] of story.requests.entries()) {
    let from = 0;
    for (const cut of [...cuts, wire.bytes.length].sort((a, b) => a - b)) {
      client.socket.write(wire.bytes.slice(from, cut), 'latin1');
      from = cut;
      // The next piece comes by itself, as a rule.
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    sent = at + 1;
    if (wire.ends) break;
    if (!story.pipelined)
      await until(() => answersIn(client.text()).answers.length >= sent, `answer ${sent}`);
  }
  if (!story.requests.some(({ wire }) => wire.ends)) client.socket.end();
  await client.ended;
  return answersIn(client.text());
}

interface Story {
  readonly pipelined: boolean;
  readonly requests: readonly { readonly wire: Wire; readonly cuts: readonly number[] }[];
}

function storyOf(pick: Pick): Story {
  const count = one(pick, [1, 2, 3, 4, 5, 6, 7, 8]);
  const requests = Array.from({ length: count }, () => {
    const wire = wireOf(pick);
    const offsets = Array.from({ length: wire.bytes.length }, (_, at) => at);
    const headEnd = wire.bytes.indexOf('\r\n\r\n') + 4;
    return {
      wire,
      cuts: one(pick, [
        [],
        [],
        [],
        [one(pick, offsets)],
        [headEnd],
        [one(pick, offsets), one(pick, offsets)],
      ]),
    };
  });
  return { pipelined: one(pick, [true, false, false]), requests };
}

/** What does not depend on when it was, nor, of what was sent all at once, on what came first. */
function comparable(
  { answers, rest }: Awaited<ReturnType<typeof tell>>,
  { pipelined }: Story,
): readonly unknown[] {
  const masked = (text: string) =>
    text.replace(/\r\nDate: [^\r]+ GMT\r\n/, '\r\nDate: …\r\n').replace(/req_[0-9a-f]{24}/g, 'req_…');
  const told = answers.map(({ head: said, body }) => {
    const status = /^HTTP\/1\.1 (\d+)/.exec(said)?.[1];
    return pipelined ? { status, body: masked(body) } : { head: masked(said), body: masked(body) };
  });
  return [...told, masked(rest)];
}

/** An upstream that says the same to the same, whenever it is asked. */
const answerAlike: Handler = ({ path, body, json }, response) => {
  const name = createHash('sha256').update(body).digest('hex').slice(0, 12);
  const say = (status: number, type: string, text: string) =>
    void response.writeHead(status, { 'content-type': type, 'content-length': text.length }).end(text);
  const sayJson = (status: number, said: object) => say(status, 'application/json', JSON.stringify(said));
  let asked: Record<string, unknown>;
  try {
    asked = path.endsWith('/models') ? {} : json();
  } catch {
    return sayJson(400, {
      error: { message: 'no JSON', type: 'invalid_request_error', param: null, code: null },
    });
  }
  if (path.endsWith('/models')) return sayJson(200, { object: 'list', data: [] });
  if (path.endsWith('/embeddings')) {
    const data = [asked.input].flat().map((text, index) => {
      const vector = Float32Array.from({ length: 4 }, (_, at) => String(text).length + at);
      return { object: 'embedding', index, embedding: Buffer.from(vector.buffer).toString('base64') };
    });
    return sayJson(200, { object: 'list', data, model: 'e', usage: { prompt_tokens: 2, total_tokens: 2 } });
  }
  if (!path.endsWith('/chat/completions')) return sayJson(404, { error: { message: 'nowhere' } });
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  if (asked.stream === true) {
    const last = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage };
    const pieces = [chatPiece({ role: 'assistant', content: 'a' }), chatPiece({}, 'stop'), dataEvent(last)];
    return say(200, 'text/event-stream', [...pieces, dataEvent('[DONE]')].join(''));
  }
  const message = { role: 'assistant', content: name, refusal: null };
  return sayJson(200, {
    ...{ id: `chatcmpl-${name}`, object: 'chat.completion', created: 1, model: 'm' },
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage,
  });
};

test('whatever comes on a connection, and in whatever pieces, is answered as without the lane', async () => {
  await using upstream = await startUpstream();
  upstream.answer(answerAlike);
  const clock = new ManualClock();
  const withPlans = (plans: string, folder: string) =>
    startReprise({ upstream: upstream.url, profile: { memory: { plans } }, clock, folder });
  const folder = tempFolder();
  // One secret, for the same keys.
  await (await withPlans('0', folder)).stop();
  await cp(folder, join(folder, '../copy-for-the-lane'), { recursive: true });
  await using off = await withPlans('0', folder);
  await using on = await withPlans('32MB', join(folder, '../copy-for-the-lane'));
  for (let at = 0; at < STORIES; at += 1) {
    const story = storyOf(pickFrom(seed + at));
    const [lane, plain] = await Promise.all([tell(on.url, story), tell(off.url, story)]);
    const what = `SEED=${seed + at}\n${JSON.stringify(story, null, 1)}`;
    assert.deepEqual(comparable(lane, story), comparable(plain, story), what);
  }
  const hits = on.events.filter((event) => event.kind === 'answered' && event.outcome === 'HIT');
  assert.ok(hits.length > STORIES, `${hits.length} hits`);
});
