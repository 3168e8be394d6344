import { isDeepStrictEqual } from 'node:util';
import { pickEvenly } from '../../src/demo/random.ts';
import { contentOf, vectorOf } from './answers.ts';

/** One request, and how to know its right answer. */
export interface SoakRequest {
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** Whether a complete answer with status 200 is the one to this request. */
  readonly right: (answer: string) => boolean;
}

// More than the caches hold, a few of them popular.
const POOL = 20_000;

/** A random request of a mix: chats, streams, batches, searches, a route, and calls passed through. */
export function randomRequest(random: () => number): SoakRequest {
  // Popular ones are much so: half of all picks are of the first thirtieth of the pool.
  const name = () => `q${Math.floor(POOL * random() ** 5)}`;
  const dice = random();
  if (dice < 0.3) return chat(name());
  if (dice < 0.5) return stream(name());
  if (dice < 0.7) return embeddings(Array.from({ length: 1 + Math.floor(random() * 8) }, name));
  if (dice < 0.8) return echo('route', 'GET', `/catalog/${name()}`, '');
  if (dice < 0.9)
    return echo('search', 'POST', '/v1/vector_stores/vs_1/search', JSON.stringify({ query: name() }));
  if (dice < 0.95) return echo('relay', 'GET', `/v1/files?after=${name()}`, '');
  const size = pickEvenly([10, 1_000, 100_000], random);
  return echo('upload', 'POST', '/v1/files', 'x'.repeat(size));
}

function chat(name: string): SoakRequest {
  const asked = { model: 'm', messages: [{ role: 'user', content: name }] };
  return {
    kind: 'chat',
    method: 'POST',
    path: '/v1/chat/completions',
    body: JSON.stringify(asked),
    right: (answer) => JSON.parse(answer).choices[0].message.content === `${contentOf(asked)} `,
  };
}

function stream(name: string): SoakRequest {
  const asked = { model: 'm', messages: [{ role: 'user', content: name }], stream: true };
  return {
    kind: 'stream',
    method: 'POST',
    path: '/v1/chat/completions',
    body: JSON.stringify(asked),
    right(answer) {
      const events = answer.split('\n\n').filter((event) => event.startsWith('data: {'));
      const pieces = events.map((event) => JSON.parse(event.slice(6)).choices[0]?.delta?.content ?? '');
      return answer.endsWith('data: [DONE]\n\n') && pieces.join('') === `${contentOf(asked)} `;
    },
  };
}

function embeddings(input: readonly string[]): SoakRequest {
  return {
    kind: 'embeddings',
    method: 'POST',
    path: '/v1/embeddings',
    body: JSON.stringify({ model: 'e', input, encoding_format: 'float' }),
    right: (answer) =>
      isDeepStrictEqual(
        (JSON.parse(answer).data as { embedding: unknown }[]).map(({ embedding }) => embedding),
        input.map(vectorOf),
      ),
  };
}

/** A call whose answer repeats the path and tells the body's length. */
function echo(kind: string, method: string, path: string, body: string): SoakRequest {
  const query = kind === 'search' ? JSON.parse(body).query : undefined;
  const expected = JSON.stringify({ path, query, bytes: body.length });
  return { kind, method, path, body, right: (answer) => answer === expected };
}
