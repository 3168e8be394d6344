import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { onceRead } from '../shared/once-read.ts';
import type { FoundOut } from './asked.ts';
import { PIECE } from './deliver.ts';
import type { HeadedRequest } from './heads.ts';
import { LaneConnection, type LaneContext } from './lane-connection.ts';

/**
 * The lane of what was asked before, beside Node's reading and writing of HTTP, which costs more than to find an answer does. Node
 * reads the first request of each connection. A later one that begins with the bytes of a head which Node has read on that connection,
 * and comes whole, is known without reading it; if its answer is here, fresh, it is written as Node writes one. All else, and all of a
 * connection on which anything else is under way, is Node's, which is given the bytes as if nobody had looked.
 */
export class FastLane {
  readonly #connections = new Map<Duplex, LaneConnection>();

  /** Watches the connections of a server: a TLS server's once they are `secure`. */
  constructor(context: LaneContext, server: Server, secure: boolean) {
    let isOpen = true;
    server.on('stopping', () => {
      isOpen = false;
      // What is under way is seen to its end where Node knows of it.
      for (const connection of this.#connections.values()) connection.end();
    });
    const options = {
      ...context,
      // Through TLS no progress is seen of one large write, and a slow client would be cut.
      maxBody: secure ? PIECE : Number.POSITIVE_INFINITY,
      isOpen: () => isOpen,
      writeMs: () => server.timeout,
      soon: onceRead<LaneConnection>(
        (connection) => connection.find(),
        (connection) => connection.send(),
        (connection) => connection.tell(),
      ),
      onUnsent: (sent: Promise<void>) => void server.emit('unsent', sent),
    };
    // Node's own listener came first.
    server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
      const [read, ...others] = socket.listeners('data');
      // A Node that listens otherwise is left alone.
      if (read === undefined || others.length > 0) return;
      const give = (bytes: Buffer) => void Reflect.apply(read, socket, [bytes]);
      const connection = new LaneConnection(options, socket, give);
      socket.off('data', read as (bytes: Buffer) => void);
      socket.on('data', connection.take);
      // Node ends a connection that its client has ended, unless something is under way.
      socket.prependListener('end', connection.end);
      this.#connections.set(socket, connection);
      socket.on('close', () => this.#connections.delete(socket));
    });
    const leave = (_incoming: IncomingMessage, socket: Duplex) => this.#connections.get(socket)?.leave();
    server.prependListener('upgrade', leave);
    server.prependListener('connect', leave);
  }

  /**
   * Node has read the head of a request; `request` is absent for one that is none of the data plane's. Gives what the lane has found
   * out of it.
   */
  began(incoming: IncomingMessage, response: ServerResponse, request?: HeadedRequest): FoundOut | undefined {
    return this.#connections.get(incoming.socket)?.began(incoming, response, request);
  }
}
