import { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import type { Peer } from './calls.ts';

type Message =
  /** The next bytes. */
  | { readonly kind: 'bytes'; readonly bytes: ArrayBuffer }
  /** They have been read: the next ones may come. */
  | { readonly kind: 'read' }
  /** There will be no more. */
  | { readonly kind: 'end' };

/**
 * A connection between two threads: what is written at one end of a message port is read at the other. One piece is on its way at a
 * time, so that whoever writes is held back by whoever reads. An HTTP server takes it for a socket of the `peer`.
 */
export class Line extends Duplex {
  readonly remoteAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly #port: MessagePort;
  /** To be called when the piece on its way has been read. */
  #written: (() => void) | undefined;
  /** Whether a piece is here that nobody has asked for yet. */
  #unread = false;
  #ended = false;
  #cut = false;

  constructor(port: MessagePort, peer?: Peer) {
    super();
    this.#port = port;
    this.remoteAddress = peer?.address;
    this.localPort = peer?.port;
    // As a TLS socket has it.
    if (peer?.secure === true) Object.defineProperty(this, 'encrypted', { value: true });
    port.on('message', (message: Message) => this.#receive(message));
    port.on('close', () => {
      this.#cut = true;
      // What has come to its end may still be read.
      if (!this.#ended) this.destroy();
    });
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    if (this.#cut) return void this.destroy();
    this.#written = done;
    const { buffer: bytes } = new Uint8Array(chunk);
    this.#send({ kind: 'bytes', bytes }, bytes);
  }

  override _final(done: () => void): void {
    this.#send({ kind: 'end' });
    done();
  }

  override _read(): void {
    if (!this.#unread) return;
    this.#unread = false;
    this.#send({ kind: 'read' });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#port.close();
    done(error);
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'bytes':
        this.#unread = true;
        if (this.push(Buffer.from(message.bytes))) this._read();
        break;
      case 'read': {
        const written = this.#written;
        this.#written = undefined;
        written?.();
        break;
      }
      case 'end':
        this.#ended = true;
        this.push(null);
        break;
    }
  }

  #send(message: Message, bytes?: ArrayBuffer): void {
    this.#port.postMessage(message, bytes === undefined ? [] : [bytes]);
  }
}
