import { RepriseError } from '../shared/errors.ts';
import type { CallHandle, Sink, UpstreamCall, UpstreamClient } from './client.ts';
import type { Place, Turnstile } from './gate.ts';
import type { Admission, Health } from './health.ts';

/** What lets calls to an upstream through. */
export interface Admitting {
  /** The upstream's. */
  readonly name: string;
  readonly health: Health;
  readonly gate: Turnstile;
}

/**
 * `client` with calls that take turns at the gate. When its turn comes a call goes out, unless the breaker has opened
 * meanwhile; one that is refused ends in an `overloaded` or `upstream_unavailable` error. An aborted call that still
 * waits never goes out.
 */
export function admitting(client: UpstreamClient, by: Admitting): UpstreamClient {
  return {
    send: (call, sink) => new Turn(client, by, call, sink),
    close: () => client.close(),
  };
}

/** The error of a call that finds the queue full, or has waited in it too long. */
export function overloaded({ name, gate }: Pick<Admitting, 'name' | 'gate'>): RepriseError {
  return new RepriseError(
    'overloaded',
    `The upstream "${name}" has as many calls as it may have at once, and the queue for it is full or too slow (settings upstreams.${name}.concurrency).`,
    { retryAfterS: Math.max(1, Math.ceil(gate.delayMs / 1000)) },
  );
}

/** The error of a call that the breaker refuses. */
export function unavailable(
  { name }: Pick<Admitting, 'name'>,
  { retryAfterS }: Extract<Admission, { kind: 'refused' }>,
): RepriseError {
  return new RepriseError(
    'upstream_unavailable',
    `The upstream "${name}" has failed repeatedly and is not asked again before a probe of it succeeds.`,
    { retryAfterS },
  );
}

/** A call that waits for its turn, then runs, and gives its place up when it ends, in whichever way. */
class Turn implements CallHandle {
  readonly #sink: Sink;
  readonly #place: Place;
  /** Once the call has gone out. */
  #handle: CallHandle | undefined;
  #aborted = false;
  #paused = false;

  constructor(client: UpstreamClient, by: Admitting, call: UpstreamCall, sink: Sink) {
    this.#sink = sink;
    this.#place = by.gate.enter({
      turn: (place) => {
        const admission = by.health.admit();
        if (admission.kind === 'go') {
          this.#handle = client.send(call, leavingAtItsEnd(sink, place));
          if (this.#paused) this.#handle.pause();
        } else {
          place.leave();
          this.#refuse(unavailable(by, admission));
        }
      },
      refused: () => this.#refuse(overloaded(by)),
    });
  }

  abort(): void {
    this.#aborted = true;
    this.#handle?.abort();
    this.#place.leave();
  }

  pause(): void {
    this.#paused = true;
    this.#handle?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#handle?.resume();
  }

  /** Later, for it may be known before {@link UpstreamClient.send} has returned. */
  #refuse(error: RepriseError): void {
    queueMicrotask(() => {
      if (!this.#aborted) this.#sink.error(error);
    });
  }
}

/** `sink`; when it has been told of the end, and a failure is counted, the next call can have its turn. */
function leavingAtItsEnd(sink: Sink, place: Place): Sink {
  return {
    begin: () => sink.begin?.(),
    upgraded(headers, socket) {
      // A tunnel is a call under way for as long as it stands.
      socket.on('close', () => place.leave());
      sink.upgraded?.(headers, socket);
    },
    head: (status, headers) => sink.head(status, headers),
    data: (chunk) => sink.data(chunk),
    end() {
      try {
        sink.end();
      } finally {
        place.leave();
      }
    },
    error(error) {
      try {
        sink.error(error);
      } finally {
        place.leave();
      }
    },
  };
}
