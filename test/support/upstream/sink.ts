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

/** Makes a call and keeps what is told of it. */
export function collect(client: UpstreamClient, call: UpstreamCall): Told {
  const over = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  const told = {
    events: [] as string[],
    status: 0,
    headers: [] as readonly Header[],
    error: undefined as RepriseError | undefined,
  };
  const handle = client.send(call, {
    head(status, headers) {
      told.events.push('head');
      Object.assign(told, { status, headers });
    },
    data(chunk) {
      if (chunks.length === 0) told.events.push('data');
      chunks.push(Buffer.from(chunk));
    },
    end() {
      told.events.push('end');
      over.resolve();
    },
    error(error) {
      told.events.push('error');
      told.error = error;
      over.resolve();
    },
  });
  return Object.assign(told, {
    get body() {
      return Buffer.concat(chunks);
    },
    done: over.promise,
    abort: () => handle.abort(),
    pause: () => handle.pause(),
    resume: () => handle.resume(),
  });
}
