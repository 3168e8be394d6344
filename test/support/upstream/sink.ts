import type { RepriseError } from '../../../src/shared/errors.ts';
import type { CallHandle, UpstreamCall, UpstreamClient } from '../../../src/upstream/client.ts';
import type { Header } from '../../../src/upstream/headers.ts';

/** What was told of one call, so far. */
export interface Told extends CallHandle {
  /** `head`, `data` (once, however many chunks), `end`, `error`, in their order. */
  readonly events: readonly string[];
  readonly status: number;
  readonly headers: readonly Header[];
  readonly body: Buffer;
  readonly error: RepriseError | undefined;
  /** Resolves at the end, or at the error. */
  readonly done: Promise<void>;
}

/** A call to `origin`: a `POST` of `{}` to `/v1/x`, but for what `more` says. */
export function callTo(origin: string, more: Partial<UpstreamCall> = {}): UpstreamCall {
  return { origin, path: '/v1/x', method: 'POST', headers: [], body: Buffer.from('{}'), ...more };
}

/** Makes a call and keeps what is told of it. */
export function collect(client: UpstreamClient, call: UpstreamCall): Told {
  const over = Promise.withResolvers<void>();
  const events: string[] = [];
  const chunks: Buffer[] = [];
  let head: { readonly status: number; readonly headers: readonly Header[] } = { status: 0, headers: [] };
  let failure: RepriseError | undefined;
  const handle = client.send(call, {
    head(status, headers) {
      events.push('head');
      head = { status, headers };
    },
    data(chunk) {
      if (chunks.length === 0) events.push('data');
      chunks.push(Buffer.from(chunk));
    },
    end() {
      events.push('end');
      over.resolve();
    },
    error(error) {
      events.push('error');
      failure = error;
      over.resolve();
    },
  });
  return {
    events,
    done: over.promise,
    get status() {
      return head.status;
    },
    get headers() {
      return head.headers;
    },
    get body() {
      return Buffer.concat(chunks);
    },
    get error() {
      return failure;
    },
    abort: () => handle.abort(),
    pause: () => handle.pause(),
    resume: () => handle.resume(),
  };
}
