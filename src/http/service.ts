import type { Server } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import type { Cell } from '../shared/cell.ts';
import type { Clock } from '../shared/clock.ts';

/** What a service is made of. */
export interface ServiceParts {
  readonly clock: Clock;
  /** Milliseconds that running answers get to finish at a stop. */
  readonly drainMs: number;
  readonly server: Server;
  /** Closes all that lies behind the server. */
  readonly close: () => Promise<void>;
  /** Where others read how many requests are being answered. */
  readonly shown?: Cell;
}

/** Something that serves until it is stopped. */
export type Serving = Pick<Service, 'listen' | 'url' | 'accepting' | 'running' | 'stop'>;

/** The proxy as it runs: listening, and at its end let down gently. */
export class Service {
  readonly #parts: ServiceParts;
  readonly #server: Server;
  /** The connections of WebSockets, which the server no longer knows. */
  readonly #tunnels = new Set<Duplex>();
  #accepting = true;
  #running = 0;
  #idle: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.#server = parts.server;
    const ended = () => this.#ended();
    this.#server.prependListener('request', (_request, response) => {
      this.#began();
      // Said before any answer is written: the client then does not send another request on this connection.
      if (!this.#accepting) response.setHeader('connection', 'close');
      response.on('close', ended);
    });
    this.#server.on('unsent', (sent: Promise<void>) => {
      this.#began();
      void sent.then(() => this.#ended());
    });
    this.#server.prependListener('upgrade', (_request, socket) => {
      this.#began();
      this.#tunnels.add(socket);
      socket.on('close', () => {
        this.#tunnels.delete(socket);
        this.#ended();
      });
    });
  }

  #began(): void {
    this.#running += 1;
    this.#parts.shown?.set(this.#running);
  }

  #ended(): void {
    this.#running -= 1;
    this.#parts.shown?.set(this.#running);
    if (this.#running === 0) this.#idle?.();
  }

  /**
   * Starts to listen. Rejects if the address is taken or not ours. Port 0 picks a free one. `shared`: other threads listen there,
   * too, and the system hands connections out among them.
   */
  async listen(host: string, port: number, shared = false): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen({ port, host, reusePort: shared }, () => {
          this.#server.off('error', reject);
          resolve();
        });
      });
    } catch (thrown) {
      await this.#parts.close();
      throw thrown;
    }
  }

  /** Where it listens, e.g. `http://127.0.0.1:8787`. */
  get url(): string {
    return urlAt(this.#server.address(), this.#server instanceof TlsServer);
  }

  /** Whether new requests are welcome: false from the moment a stop was asked for. */
  get accepting(): boolean {
    return this.#accepting;
  }

  /** How many requests are being answered, and tunnels open. */
  get running(): number {
    return this.#running;
  }

  /**
   * Ends the service: no new connections, running answers and tunnels finish within the drain time or are cut off,
   * everything behind is closed. A second call waits for the same end. Until then a connection that is open already is answered
   * once more, and told that it closes: a load balancer that has just sent something on it loses nothing, and is told by
   * `/health/ready`.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#accepting = false;
    const deadline = Promise.withResolvers<void>();
    const timer = this.#parts.clock.after(this.#parts.drainMs, deadline.resolve);
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    this.#server.emit('stopping');
    // HTTP's own would close idle connections, too, for which it takes those that the lane answers on.
    const closed = new Promise<void>((resolve) =>
      NetServer.prototype.close.call(this.#server, () => resolve()),
    );
    if (this.#running > 0) await Promise.race([idle, deadline.promise]);
    timer.cancel();
    // What Node looks after beside the connections ends with this.
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#tunnels) socket.destroy();
    await closed;
    await this.#parts.close();
  }
}

/** The URL of what listens there. Throws for what does not listen, or on no port. */
export function urlAt(address: AddressInfo | string | null, secure: boolean): string {
  if (address === null || typeof address === 'string') throw new Error('the service does not listen');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${secure ? 'https' : 'http'}://${host}:${address.port}`;
}
