import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../support/deadline.ts';
import { setStage } from '../support/stage.ts';
import type { Upstream } from '../support/upstream.ts';

/** Calls of a client library by what they do; each gives what the library made of the answer, of a stream every piece. */
export type Calls<Client> = ReadonlyMap<string, (client: Client) => Promise<unknown>>;

/**
 * Each call on a proxy of its own: the first run costs what it costs without a proxy, the second asks the upstream nothing
 * and is a hit throughout, and both give what the upstream itself gives. `connect` makes a client for a base URL, with its `/v1`.
 */
export function describeTwice<Client>(connect: (baseURL: string) => Client, calls: Calls<Client>): void {
  describe('the second run is free and equal', () => {
    for (const [name, call] of calls) {
      it(name, async () => {
        await using stage = await setStage();
        const { upstream, reprise } = stage;
        const direct = await call(connect(upstream.url));
        const cost = callsByPath(upstream);
        const client = connect(`${reprise.url}/v1`);

        const first = await call(client);
        assert.deepEqual(callsByPath(upstream), new Map([...cost].map(([path, count]) => [path, 2 * count])));
        const second = await call(client);
        assert.equal(upstream.calls.length, 2 * total(cost));
        assert.deepEqual(plain(second), plain(first));
        assert.deepEqual(meaning(second), meaning(direct));

        const outcomes = () =>
          reprise.events.flatMap((event) => (event.kind === 'answered' ? event.outcome : []));
        await until(() => outcomes().length >= 2 * total(cost), 'every request has been reported');
        assert.deepEqual(outcomes().slice(total(cost)), Array(total(cost)).fill('HIT'));
      });
    }
  });
}

/**
 * What a result says: without the random padding of OpenAI's events, which some libraries take for a part of the answer, and
 * with vectors as the float32 that they are made of, whatever decimals they are written in.
 */
export function meaning(result: unknown): unknown {
  return plain(result, Math.fround);
}

function plain(result: unknown, ofVector = (value: number) => value): unknown {
  if (Array.isArray(result)) {
    return result.map((item) => (typeof item === 'number' ? ofVector(item) : plain(item, ofVector)));
  }
  if (typeof result !== 'object' || result === null) return result;
  const members = Object.entries(result).filter(([name]) => name !== 'obfuscation');
  return Object.fromEntries(members.map(([name, value]) => [name, plain(value, ofVector)]));
}

/** Everything that comes. */
export async function all<T>(pieces: AsyncIterable<T>): Promise<T[]> {
  const come: T[] = [];
  for await (const piece of pieces) come.push(piece);
  return come;
}

function callsByPath({ calls }: Upstream): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { method, path } of calls) {
    const target = `${method} ${path}`;
    counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  return counts;
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
