import type { Transform } from 'node:stream';
import { type ContentCoding, createDecoder, readCoding } from '../codec/content-coding.ts';
import { messageOf, RepriseError } from '../shared/errors.ts';
import type { CallHandle, Sink, UpstreamCall, UpstreamClient } from './client.ts';
import type { Header } from './headers.ts';

/**
 * Sends a call whose answer is read here: the sink is told of it without its content coding, which some servers, and proxies
 * before them, apply though they are asked for none. In a coding that is not known an answer comes as it is; one that is not
 * in the coding it names, or is cut short, is an error. While the sink pauses, nothing more is unpacked.
 */
export function sendDecoded(client: UpstreamClient, call: UpstreamCall, sink: Sink): CallHandle {
  return new Decoding(client, call, sink);
}

class Decoding implements CallHandle, Sink {
  readonly #origin: string;
  readonly #sink: Sink;
  readonly #call: CallHandle;
  #coding: ContentCoding | undefined;
  #decoder: Transform | undefined;
  #paused = false;
  /** Whether the upstream's own bytes have ended. */
  #ended = false;

  constructor(client: UpstreamClient, call: UpstreamCall, sink: Sink) {
    this.#origin = call.origin;
    this.#sink = sink;
    this.#call = client.send(call, this);
  }

  abort(): void {
    this.#call.abort();
    this.#decoder?.destroy();
  }

  pause(): void {
    this.#paused = true;
    this.#decoder?.pause();
    this.#call.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#decoder?.resume();
    if (this.#decoder?.writableNeedDrain !== true) this.#call.resume();
  }

  begin(): void {
    this.#sink.begin?.();
  }

  head(status: number, headers: readonly Header[]): void {
    const said = headers.filter(([name]) => name === 'content-encoding').map(([, value]) => value);
    // A range is one of the coded bytes (RFC 9110 §14): by itself it cannot be unpacked.
    const coding = said.length === 0 || status === 206 ? undefined : readCoding(said.join());
    if (coding !== 'identity') this.#coding = coding;
    const dropped = coding === undefined ? NONE : coding === 'identity' ? CODING : OF_THE_CODED;
    const kept = headers.filter(([name]) => !dropped.has(name));
    this.#sink.head(status, kept);
  }

  data(chunk: Buffer): void {
    if (this.#coding === undefined) {
      this.#sink.data(chunk);
      return;
    }
    this.#decoder ??= this.#start(this.#coding, chunk);
    // A copy: unpacking goes on after this call.
    if (!this.#decoder.write(Buffer.from(chunk))) this.#call.pause();
  }

  end(): void {
    this.#ended = true;
    if (this.#decoder === undefined) this.#sink.end();
    else this.#decoder.end();
  }

  error(error: RepriseError): void {
    this.#decoder?.destroy();
    this.#sink.error(error);
  }

  #start(coding: ContentCoding, chunk: Buffer): Transform {
    const decoder = createDecoder(coding, chunk);
    decoder.on('data', (plain: Buffer) => this.#sink.data(plain));
    decoder.on('drain', () => {
      if (!this.#paused) this.#call.resume();
    });
    decoder.on('end', () => {
      // What follows the coded bytes belongs to nothing, and might never end.
      if (!this.#ended) this.abort();
      this.#sink.end();
    });
    decoder.on('error', (thrown) => {
      this.abort();
      const message = `The upstream ${this.#origin} sent an answer that cannot be unpacked as ${coding}: ${messageOf(thrown)}.`;
      this.#sink.error(new RepriseError('upstream_unreachable', message, { cause: thrown }));
    });
    if (this.#paused) decoder.pause();
    return decoder;
  }
}

const NONE: ReadonlySet<string> = new Set();
const CODING: ReadonlySet<string> = new Set(['content-encoding']);

// What speaks of the bytes as they were coded (RFC 9110 §8.6, §8.8.3 and §14.3, RFC 9530).
const OF_THE_CODED: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-digest',
  'content-md5',
  'etag',
  'accept-ranges',
]);
