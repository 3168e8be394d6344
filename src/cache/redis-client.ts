import { createClient, createCluster, RESP_TYPES } from '@redis/client';
import { messageOf } from '../shared/errors.ts';
import type { RedisAddress } from '../shared/redis-address.ts';

/** Connections to a Redis, as one. Once it is lost it is of no use any more. */
export interface RedisConnection {
  /** Sends a command about `key`; texts of the reply are bytes. Rejects with what Redis complains of. */
  send(key: string, command: readonly (string | Buffer)[]): Promise<unknown>;
  /** Calls `heard` with what is published on the channel. Resolves when that has begun. */
  subscribe(channel: string, heard: (message: string) => void): Promise<void>;
  /** Calls `told` with each key that begins with `prefix`, page by page, on every node. */
  scan(prefix: string, told: (keys: readonly string[]) => Promise<void>): Promise<void>;
  /** Cuts it off. */
  destroy(): void;
}

/** What a connection is made with. */
export interface ConnectOptions {
  readonly address: RedisAddress;
  /** Milliseconds until a connection that is not made is given up, and until one that is silent is. */
  readonly connectMs: number;
  /** What clients are called in Redis' own lists. */
  readonly name: string;
  /** Told once when it is lost, and why. */
  readonly onLost: (cause: unknown) => void;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** Milliseconds between two signs of life on a connection that only listens. */
const PING_MS = 1_000;

/** Texts come as bytes, and maps as lists of names and values. */
const BYTES = {
  typeMapping: {
    [RESP_TYPES.BLOB_STRING]: Buffer,
    [RESP_TYPES.SIMPLE_STRING]: Buffer,
    [RESP_TYPES.MAP]: Array,
  },
} as const;

/** Connects. Rejects where that fails, and then nothing is left open. */
export async function connectRedis(options: ConnectOptions): Promise<RedisConnection> {
  switch (options.address.kind) {
    case 'single':
      return await connectSingle(options);
    case 'cluster':
      return await connectCluster(options);
    case 'sentinel':
      return await connectSentinel(options);
  }
}

async function connectSingle(options: ConnectOptions): Promise<RedisConnection> {
  const asks = createClient(singleOptions(options));
  const hears = createClient({ ...singleOptions(options), pingInterval: PING_MS });
  const clients = [asks, hears];
  const destroy = () => {
    for (const client of clients) if (client.isOpen) client.destroy();
  };
  for (const client of clients) client.on('error', options.onLost);
  await made(
    clients.map((client) => client.connect()),
    options,
    destroy,
    clients.map(notRedis),
  );
  return {
    send: (_key, command) => asks.sendCommand(command, BYTES),
    subscribe: (channel, heard) => hears.subscribe(channel, heard),
    async scan(prefix, told) {
      for await (const keys of asks.scanIterator({ MATCH: matching(prefix), COUNT: PAGE })) await told(keys);
    },
    destroy,
  };
}

async function connectCluster(options: ConnectOptions): Promise<RedisConnection> {
  const { address, onLost } = options;
  const client = createCluster({
    rootNodes: address.nodes.map((node) => ({ socket: { ...node, ...tlsOf(address) } })),
    defaults: {
      ...nodeOptions(options),
      // Else what only listens is given up for its silence, and a node that is hardly asked.
      pingInterval: PING_MS,
      socket: { ...socketOf(options), ...tlsOf(address) },
    },
  });
  // Of a node that is away the others know who takes its place; who asks it meanwhile is told that it is away.
  client.on('error', (cause) => {
    if (!client.isOpen) onLost(cause);
  });
  const destroy = () => {
    if (client.isOpen) client.destroy();
  };
  await made([client.connect()], options, destroy);
  return {
    send: (key, command) => client.sendCommand(key, false, [...command], BYTES),
    subscribe: (channel, heard) => client.subscribe(channel, heard),
    async scan(prefix, told) {
      for (const { client: node } of client.masters) {
        const one = await node;
        if (one === undefined) continue;
        for await (const keys of one.scanIterator({ MATCH: matching(prefix), COUNT: PAGE })) await told(keys);
      }
    },
    destroy,
  };
}

/** Connects to the master that the sentinels name. When they name another the connection is lost. */
async function connectSentinel(options: ConnectOptions): Promise<RedisConnection> {
  const master = await masterOf(options);
  const address = { ...options.address, kind: 'single', nodes: [master] } as const;
  const connection = await connectSingle({ ...options, address });
  const look = async () => {
    const { host, port } = await masterOf(options);
    if (host !== master.host || port !== master.port) options.onLost(new Error('another one is the master'));
  };
  // Who is cut off from the others with a master that has been replaced hears of that from nobody else.
  const looking = setInterval(() => void look().catch(() => undefined), PING_MS).unref();
  return {
    ...connection,
    destroy() {
      clearInterval(looking);
      connection.destroy();
    },
  };
}

/** The master, as the first sentinel that can be asked knows it. */
async function masterOf(options: ConnectOptions): Promise<RedisAddress['nodes'][number]> {
  const { nodes, master = '' } = options.address;
  let failure: unknown;
  for (const node of nodes) {
    const socket = {
      ...socketOf(options),
      ...tlsOf(options.address),
      ...node,
      reconnectStrategy: false as const,
    };
    const sentinel = createClient({ ...OF_ONE_CLASS, socket, disableClientInfo: true });
    sentinel.on('error', () => undefined);
    const destroy = () => {
      if (sentinel.isOpen) sentinel.destroy();
    };
    try {
      await made([sentinel.connect()], options, destroy, [notRedis(sentinel)]);
      const asked = sentinel.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master]);
      const reply = await asked.finally(destroy);
      const [host, port] = Array.isArray(reply) ? reply.map(String) : [];
      if (host !== undefined) return { host, port: Number(port) };
      failure = new Error(`the sentinels know of no master named ${master}`);
    } catch (thrown) {
      failure = thrown;
    }
  }
  throw failure;
}

/**
 * Resolves when all connections are made. What is `broken`, takes too long, or is not wanted any more, is given up once all have
 * come to an end by themselves, in `connectMs` or when they are silent: a client that is destroyed while it connects stays open, and pings for ever.
 */
async function made(
  connecting: readonly Promise<unknown>[],
  options: ConnectOptions,
  giveUp: () => void,
  broken: readonly Promise<never>[] = [],
): Promise<void> {
  const enough = AbortSignal.any([options.signal, AbortSignal.timeout(2 * options.connectMs)]);
  const { promise: over, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new Error('the connection could not be made in time'));
  enough.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([Promise.all(connecting), over, ...broken]);
  } catch (thrown) {
    void Promise.allSettled(connecting).then(giveUp);
    throw thrown;
  } finally {
    enough.removeEventListener('abort', onAbort);
  }
}

/** Rejects at an answer that is none of Redis' protocol; to what follows that, the client would listen until it is silent. */
function notRedis(client: { on(event: 'error', told: (cause: unknown) => void): unknown }): Promise<never> {
  return new Promise((_resolve, reject) => {
    client.on('error', (cause) => {
      const why = messageOf(cause);
      if (why.startsWith('Unknown RESP type')) reject(new Error(`what answers there is no Redis: ${why}`));
    });
  });
}

/** Keys that are looked at in one step of a scan. */
const PAGE = 1_000;

function singleOptions(options: ConnectOptions) {
  const { address } = options;
  const [node] = address.nodes;
  const where =
    node === undefined ? { path: address.path ?? '', tls: false as const } : { ...node, ...tlsOf(address) };
  return {
    ...nodeOptions(options),
    database: address.database,
    // Who reconnects is decided where it is known what has to be caught up with.
    socket: { ...socketOf(options), reconnectStrategy: false as const, ...where },
  };
}

function nodeOptions({ address, name }: ConnectOptions) {
  return {
    ...OF_ONE_CLASS,
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    name,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled' as const,
    commandsQueueMaxLength: MOST_WAITING,
    // How long is waited is for who asks to say. The package's own way, a signal for each command, is not taken back when that is sent.
    commandOptions: { timeout: 0 },
  };
}

/**
 * The package makes a class with a method for each command, in which time nobody is served (60 ms, measured), unless the options read the
 * same in JSON as those before. What ours differ in the class is not made of, so that a Redis that is away is tried to be reached for nothing.
 */
const OF_ONE_CLASS = { toJSON: () => 'any' };

/** Commands that wait for their answer: more are refused, since they would only wait longer. */
const MOST_WAITING = 20_000;

function socketOf({ connectMs }: ConnectOptions) {
  return { connectTimeout: connectMs, socketTimeout: Math.max(connectMs, 4 * PING_MS) };
}

function tlsOf({ tls }: RedisAddress) {
  return tls ? { tls: true as const } : {};
}

/** A pattern of Redis for what begins with `prefix`. */
function matching(prefix: string): string {
  return `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`;
}
