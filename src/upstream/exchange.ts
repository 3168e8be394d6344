import type { Clock, Timer } from '../shared/clock.ts';
import { RepriseError } from '../shared/errors.ts';
import type { CallHandle, UpstreamCall, UpstreamClient } from './client.ts';
import { sendDecoded } from './decoding.ts';
import type { Header } from './headers.ts';
import { Recording } from './recording.ts';

/** An upstream answer's status and headers, names in lower case; of what its content coding was there is nothing left. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: readonly Header[];
}

/** Told of what happens before any reader of the recording can see it. */
export interface ExchangeHooks {
  head(head: AnswerHead): void;
  chunk(chunk: Buffer): void;
  /** More has come than is kept; what comes now cannot be stored. */
  overflow(): void;
  /** All has come; gives what is wrong with that, of which its readers are told as if it had broken off. */
  end(): RepriseError | undefined;
  error(error: RepriseError): void;
}

/** What an exchange is started with. */
export interface ExchangeOptions {
  readonly client: UpstreamClient;
  readonly call: UpstreamCall;
  readonly clock: Clock;
  /** Milliseconds after which the whole call is given up, counted from when it goes out. */
  readonly deadlineMs: number;
  /** Bytes of the answer that are kept. */
  readonly maxRecorded: number;
  readonly hooks: ExchangeHooks;
}

/** One upstream call with its recording, which is of the answer without its content coding. It belongs to the cache, not to a caller. */
export interface Exchange {
  /** Rejects with a RepriseError if there is no answer. */
  readonly head: Promise<AnswerHead>;
  readonly recording: Recording;
  /** Gives the call up: readers and who waits for the head are told with the error it gives, the hooks are not. */
  abort(): RepriseError;
}

/** Starts a call. Nothing is told before this has returned. */
export function startExchange(options: ExchangeOptions): Exchange {
  const { client, call, clock, deadlineMs, maxRecorded, hooks } = options;
  const head = Promise.withResolvers<AnswerHead>();
  // Nobody may be waiting when it fails.
  head.promise.catch(() => undefined);
  let handle: CallHandle | undefined;
  let deadline: Timer | undefined;
  const recording = new Recording({
    clock,
    maxBytes: maxRecorded,
    onOverflow: () => hooks.overflow(),
    pause: () => handle?.pause(),
    resume: () => handle?.resume(),
  });
  const fail = (error: RepriseError) => {
    deadline?.cancel();
    hooks.error(error);
    recording.fail(error);
    head.reject(error);
  };
  handle = sendDecoded(client, call, {
    begin() {
      deadline = clock.after(deadlineMs, () => {
        fail(
          new RepriseError(
            'upstream_timeout',
            `The upstream ${call.origin} was not done within ${Math.round(deadlineMs / 1000)} s (setting upstreams.*.timeouts.total).`,
          ),
        );
        // Last: its place goes to the next call, which may not go out if this failure was one too many.
        handle?.abort();
      });
    },
    head(status, headers) {
      const known = { status, headers };
      hooks.head(known);
      head.resolve(known);
    },
    data(chunk) {
      // A copy: the chunk is a view that would keep the socket's whole buffer alive (2,000 of 2,125 bytes, measured).
      const own = Buffer.allocUnsafeSlow(chunk.length);
      chunk.copy(own);
      hooks.chunk(own);
      recording.append(own);
    },
    end() {
      deadline?.cancel();
      const flaw = hooks.end();
      if (flaw === undefined) recording.complete();
      else recording.fail(flaw);
    },
    error: fail,
  });
  return {
    head: head.promise,
    recording,
    abort() {
      deadline?.cancel();
      handle?.abort();
      const error = new RepriseError(
        'upstream_unreachable',
        'The call was cancelled: every caller had left.',
      );
      recording.fail(error);
      head.reject(error);
      return error;
    },
  };
}
