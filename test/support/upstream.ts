import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerAsOpenAi } from './openai-server.ts';

/** One call as the upstream got it. */
export interface UpstreamRequest {
  readonly method: string;
  /** As sent, with the query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The body, parsed. */
  json(): Record<string, unknown>;
}

/** Answers one call. */
export type Handler = (
  request: UpstreamRequest,
  response: ServerResponse,
  turn: Turn,
) => void | Promise<void>;

/** Lets a handler pause where the test says: before the head, and before each chunk of a stream. */
export interface Turn {
  /** Resolves when the test lets the call go on. */
  pass(): Promise<void>;
}

/** A server that answers like OpenAI's API and does what a test tells it. */
export interface Upstream extends AsyncDisposable {
  /** With its `/v1`. */
  readonly url: string;
  readonly origin: string;
  /** Every call whose body has arrived, in order. */
  readonly calls: readonly UpstreamRequest[];
  /** How many sockets are open. */
  sockets(): number;
  /** Answers calls in its own way from now on; undefined goes back to OpenAI's. */
  answer(handler: Handler | undefined): void;
  /** From now on nothing moves: calls wait before their head, and streams before each chunk, until released. */
  hold(): Gate;
}

/** A closed gate. */
export interface Gate {
  /** Resolves when so many have come to the gate, in all. */
  arrived(count: number): Promise<void>;
  /** Lets the next `count` through, also those who are yet to come. */
  let(count: number): void;
  /** Opens it for good. */
  release(): void;
}

/** Starts one on a free port. Dispose of it to end it with all its connections. */
export async function startUpstream(): Promise<Upstream> {
  const calls: UpstreamRequest[] = [];
  let handler: Handler | undefined;
  let gate: HeldGate | undefined;
  let sockets = 0;
  const turn: Turn = { pass: () => gate?.pass() ?? Promise.resolve() };
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk);
    } catch {
      return; // the proxy hung up; there is nobody to answer
    }
    const body = Buffer.concat(chunks);
    const request: UpstreamRequest = {
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      headers: incoming.headers,
      rawHeaders: incoming.rawHeaders,
      body,
      json: () => JSON.parse(body.toString()),
    };
    calls.push(request);
    try {
      await turn.pass();
      await (handler ?? answerAsOpenAi)(request, response, turn);
    } catch (thrown) {
      response.destroy(thrown instanceof Error ? thrown : undefined);
    }
  });
  server.on('connection', (socket) => {
    sockets += 1;
    socket.on('close', () => {
      sockets -= 1;
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/v1`,
    origin,
    calls,
    sockets: () => sockets,
    answer(own) {
      handler = own;
    },
    hold() {
      gate = new HeldGate();
      return gate;
    },
    async [Symbol.asyncDispose]() {
      gate?.release();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

class HeldGate implements Gate {
  #open = false;
  #arrivals = 0;
  #passes = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #watchers = new Set<{ count: number; resolve: () => void }>();

  pass(): Promise<void> {
    this.#arrivals += 1;
    for (const watcher of this.#watchers) {
      if (this.#arrivals >= watcher.count) {
        this.#watchers.delete(watcher);
        watcher.resolve();
      }
    }
    if (this.#open) return Promise.resolve();
    if (this.#passes > 0) {
      this.#passes -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  arrived(count: number): Promise<void> {
    if (this.#arrivals >= count) return Promise.resolve();
    return new Promise((resolve) => this.#watchers.add({ count, resolve }));
  }

  let(count: number): void {
    for (let passed = 0; passed < count; passed += 1) {
      const next = this.#waiting.shift();
      if (next === undefined) this.#passes += 1;
      else next();
    }
  }

  release(): void {
    this.#open = true;
    for (const next of this.#waiting.splice(0)) next();
  }
}
