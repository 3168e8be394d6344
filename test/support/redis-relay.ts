import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What stands before a Redis, and passes on what is said to it and what it answers. */
export interface RedisRelay extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT`. */
  readonly url: string;
  /** How many milliseconds later answers come. */
  delayMs: number;
  /** Whether answers are what no Redis says. */
  isMad: boolean;
}

/** Starts one before the Redis at this port. Dispose of it to end it. */
export async function startRelay(port: number): Promise<RedisRelay> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const redis = connect({ port, host: '127.0.0.1', noDelay: true });
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.on('data', (said) => {
      if (relay.isMad) client.write(GARBAGE);
      else redis.write(said);
    });
    redis.on('data', (answer) => {
      if (relay.delayMs === 0) client.write(answer);
      else setTimeout(() => client.write(answer), relay.delayMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relay: RedisRelay = {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    delayMs: 0,
    isMad: false,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return relay;
}

const GARBAGE = '?what\r\n$-7\r\n*3\r\n:::::\r\nHTTP/1.1 400 Bad Request\r\n\r\n';
