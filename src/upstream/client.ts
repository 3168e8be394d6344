import type { Duplex, Readable } from 'node:stream';
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';
import type { RepriseError } from '../shared/errors.ts';
import { onceRead } from '../shared/once-read.ts';
import { failureOf } from './failure.ts';
import type { Header } from './headers.ts';

/** How long an upstream is waited for, in milliseconds. */
export interface UpstreamTimeouts {
  /** Until the connection stands. */
  readonly connect: number;
  /** Until the answer's head is there. */
  readonly headers: number;
  /** Between two pieces of the answer. */
  readonly idle: number;
}

/** One call, put together from bytes. */
export interface UpstreamCall {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path and query, sent as they are. */
  readonly path: string;
  readonly method: string;
  /** Flat: name, value, name, value …. `host` and `content-length` are added. */
  readonly headers: string[];
  /** A buffer, a stream that is read as fast as the upstream takes it, or nothing. */
  readonly body: Buffer | Readable | null;
  /** Asks for another protocol on the connection (RFC 9110 §7.8); the sink has to know `upgraded` then. */
  readonly upgrade?: 'websocket';
}

/** Who is told of an answer. After `end`, `upgraded` or `error`, one of which comes last, nothing more comes. */
export interface Sink {
  /** The call goes out, now that it has waited for its turn. Comes first, unless it is refused. */
  begin?(): void;
  head(status: number, headers: readonly Header[]): void;
  /** `chunk` is a view on the socket's buffer: copy what is kept beyond this call. */
  data(chunk: Buffer): void;
  end(): void;
  error(error: RepriseError): void;
  /** The upstream changes to the protocol asked for (101). The connection is the sink's from now on. */
  upgraded?(headers: readonly Header[], socket: Duplex): void;
}

/** A call under way. */
export interface CallHandle {
  /** Ends it; the sink is told nothing more. */
  abort(): void;
  /** Stops the flow of data until {@link resume}. */
  pause(): void;
  resume(): void;
}

/** HTTP/1.1 to upstreams, over connections that are kept open. */
export interface UpstreamClient {
  /** Starts a call. The sink is told of everything later, never before this returns. */
  send(call: UpstreamCall, sink: Sink): CallHandle;
  /** Closes all connections. */
  close(): Promise<void>;
}

/** A client with connections of its own; the environment's proxies (`HTTPS_PROXY`, `NO_PROXY` …) are honoured. */
export function createUpstreamClient(timeouts: UpstreamTimeouts, env: NodeJS.ProcessEnv): UpstreamClient {
  const options: Agent.Options = {
    connectTimeout: timeouts.connect,
    // Over HTTP/2 undici hands on no raw headers, without which an answer here has none (measured).
    allowH2: false,
    headersTimeout: timeouts.headers,
    bodyTimeout: timeouts.idle,
    // A stream occupies a connection for minutes: a bound here would make calls wait unseen (measured: queued calls
    // stay queued past every timeout).
    connections: null,
    pipelining: 1,
    // Below the 5 s after which common servers (uvicorn, Node) close idle connections: nothing is sent again by itself, for
    // an answer that was lost on the way may have been paid for. The SDKs retry a 502.
    keepAliveTimeout: 4_000,
  };
  const httpProxy = env.http_proxy || env.HTTP_PROXY || '';
  const httpsProxy = env.https_proxy || env.HTTPS_PROXY || '';
  const noProxy = env.no_proxy || env.NO_PROXY || '';
  const proxied = httpProxy !== '' || httpsProxy !== '';
  const through = (proxyTunnel: boolean) =>
    new EnvHttpProxyAgent({ ...options, httpProxy, httpsProxy, noProxy, proxyTunnel });
  const dispatcher: Dispatcher = proxied ? through(false) : new Agent(options);
  // A proxy is asked for a tunnel to whom another protocol is spoken with, also without TLS (RFC 6455 §4.1).
  const upgrades = proxied ? through(true) : dispatcher;
  // Most that there is to be done for a call comes of the end of its answer.
  const endSoon = onceRead<Sending>((sending) => sending.end());
  const route: Route = { dispatcher, upgrades, timeouts, proxied, endSoon };
  return {
    send: (call, sink) => new Sending(route, call, sink),
    async close() {
      await dispatcher.destroy();
      if (proxied) await upgrades.destroy();
    },
  };
}

/** The way that calls take. */
interface Route {
  readonly dispatcher: Dispatcher;
  /** For calls that ask for another protocol. */
  readonly upgrades: Dispatcher;
  readonly timeouts: UpstreamTimeouts;
  /** Whether the environment names a proxy, which may yet not be for this upstream. */
  readonly proxied: boolean;
  /** Has a call end once all that has come from upstreams is read. */
  readonly endSoon: (sending: Sending) => void;
}

/** One call with undici's `dispatch`: its `fetch` costs five times the CPU and a millisecond to the first byte (measured). */
class Sending implements CallHandle, Dispatcher.DispatchHandler {
  readonly #route: Route;
  readonly #call: UpstreamCall;
  readonly #sink: Sink;
  #controller: Dispatcher.DispatchController | undefined;
  #over = false;
  #answered = false;
  /** All of the answer has come. */
  #complete = false;
  #paused = false;

  constructor(route: Route, call: UpstreamCall, sink: Sink) {
    this.#route = route;
    this.#call = call;
    this.#sink = sink;
    // Later, so that whoever starts a call holds its handle before it is told of anything.
    queueMicrotask(() => this.#dispatch());
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#complete) this.#controller?.abort(new Error('nobody waits for the answer any more'));
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Error('nobody waits for the answer any more'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    _statusText?: string,
  ): void {
    // Interim answers (RFC 9110 §15.2) are the business of this hop alone.
    if (this.#over || status < 200) return;
    this.#answered = true;
    this.#sink.head(status, pairs(controller.rawHeaders));
    if (this.#paused) controller.pause();
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _headers: unknown,
    socket: Duplex,
  ): void {
    if (this.#over || this.#sink.upgraded === undefined) {
      socket.destroy();
      return;
    }
    this.#over = true;
    this.#sink.upgraded(pairs(controller.rawHeaders), socket);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#over) this.#sink.data(chunk);
  }

  onResponseEnd(): void {
    this.#complete = true;
    this.#route.endSoon(this);
  }

  onResponseError(_controller: unknown, thrown: Error): void {
    if (!this.#over && !this.#complete) this.#fail(thrown);
  }

  /** Tells that all has come, unless it is given up meanwhile. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    try {
      this.#sink.end();
    } catch (thrown) {
      // A defect of who is told, and nobody else's call.
      void Promise.reject(thrown);
    }
  }

  #dispatch(): void {
    if (this.#over) return;
    this.#sink.begin?.();
    const { timeouts, proxied } = this.#route;
    const { headers: flat, ...call } = this.#call;
    const dispatcher = call.upgrade === undefined ? this.#route.dispatcher : this.#route.upgrades;
    const headers = proxied ? byName(flat) : flat;
    // Said with each call: undici's way through a proxy of plain HTTP forgets the agent's own (measured).
    const waiting = { headersTimeout: timeouts.headers, bodyTimeout: timeouts.idle };
    try {
      dispatcher.dispatch({ ...call, headers, ...waiting }, this);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #fail(thrown: unknown): void {
    this.#over = true;
    const stage = this.#answered ? 'in-answer' : this.#controller === undefined ? 'unsent' : 'before-answer';
    this.#sink.error(failureOf(thrown, this.#call.origin, stage, this.#route.proxied));
  }
}

/** Headers by name: of several flat ones undici's proxy agent sends only the last, of a list all (measured). */
function byName(flat: readonly string[]): Map<string, string | string[]> {
  const headers = new Map<string, string | string[]>();
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const [name = '', value = ''] = flat.slice(at, at + 2);
    const before = headers.get(name);
    // One alone is no list: a length in a list is refused.
    headers.set(name, before === undefined ? value : [before, value].flat());
  }
  return headers;
}

function pairs(raw: unknown): Header[] {
  if (!Array.isArray(raw)) return [];
  const headers: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    headers.push([textOf(raw[at]).toLowerCase(), textOf(raw[at + 1])]);
  }
  return headers;
}

function textOf(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('latin1') : String(value);
}
