import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerAsOpenAi } from './openai-server.ts';
import { fileHandler, isUpload, receiveUpload, type Upload } from './upstream/files.ts';
import { type Gate, HeldGate } from './upstream/gate.ts';

/** One call as the upstream got it. */
export interface UpstreamRequest {
  readonly method: string;
  /** As sent, with the query. */
  readonly url: string;
  /** As sent, without the query. */
  readonly path: string;
  /** As sent, without its question mark; empty if there is none. */
  readonly query: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  /** Empty for an upload. */
  readonly body: Buffer;
  /** What a `POST /v1/files` sent: it is counted, and its bytes are not kept. */
  readonly upload: Upload | undefined;
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
  /** How many calls came, to paths that end with `pathEnd` if that is given. */
  count(pathEnd?: string): number;
  /** How many sockets are open. */
  sockets(): number;
  /**
   * Answers calls in its own way from now on, or only those to paths that end with `pathEnd`, which come before;
   * undefined goes back to OpenAI's. Ready-made faults are in `upstream/faults.ts`.
   */
  answer(handler: Handler | undefined, pathEnd?: string): void;
  /** From now on nothing moves: calls wait before their head, and streams before each chunk, until released. */
  hold(): Gate;
  /** From now on streams stop after `chunks` chunks, until released. */
  holdChunks(chunks: number): Gate;
  /** Ends it with all its connections. */
  close(): Promise<void>;
}

/** Starts one on a free port. Dispose of it, or close it, at the end. */
export async function startUpstream(): Promise<Upstream> {
  const calls: UpstreamRequest[] = [];
  const handlers = new Map<string, Handler>();
  let gate: HeldGate | undefined;
  let sockets = 0;
  const server = createServer(async (incoming, response) => {
    let turns = 0;
    const turn: Turn = {
      pass() {
        turns += 1;
        return gate?.pass(turns - 1) ?? Promise.resolve();
      },
    };
    try {
      const request = await receive(incoming);
      calls.push(request);
      await turn.pass();
      await handlerFor(handlers, request)(request, response, turn);
    } catch (thrown) {
      // The proxy has hung up, or a handler threw to break its answer.
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
  const holdFrom = (turn: number) => {
    gate = new HeldGate(turn);
    return gate;
  };
  const close = async () => {
    gate?.release();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    url: `${origin}/v1`,
    origin,
    calls,
    count: (pathEnd = '') => calls.filter(({ path }) => path.endsWith(pathEnd)).length,
    sockets: () => sockets,
    answer(own, pathEnd = '') {
      if (own === undefined) handlers.delete(pathEnd);
      else handlers.set(pathEnd, own);
    },
    hold: () => holdFrom(0),
    // The head is a stream's turn 0.
    holdChunks: (chunks) => holdFrom(chunks + 1),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Reads a call to its end. Throws if the connection ends before. */
async function receive(incoming: IncomingMessage): Promise<UpstreamRequest> {
  const method = incoming.method ?? '';
  const url = incoming.url ?? '';
  const [path = '', ...query] = url.split('?');
  const chunks: Buffer[] = [];
  const upload = isUpload(method, path) ? await receiveUpload(incoming) : undefined;
  if (upload === undefined) for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  return {
    method,
    url,
    path,
    query: query.join('?'),
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body,
    upload,
    json: () => JSON.parse(body.toString()),
  };
}

/** The handler of the longest path end that fits; OpenAI's if none does. */
function handlerFor(handlers: ReadonlyMap<string, Handler>, request: UpstreamRequest): Handler {
  const [pathEnd] = [...handlers.keys()]
    .filter((end) => request.path.endsWith(end))
    .sort((one, other) => other.length - one.length);
  return handlers.get(pathEnd ?? '') ?? fileHandler(request) ?? answerAsOpenAi;
}
