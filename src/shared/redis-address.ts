/** Where a Redis is, and how to get in. */
export interface RedisAddress {
  /** One server; the nodes of a cluster, of which some will do; or the sentinels that know who is the master. */
  readonly kind: 'single' | 'cluster' | 'sentinel';
  /** At least one; empty for a Unix socket. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** The path of a Unix socket. */
  readonly path: string | undefined;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** What the sentinels call the master. */
  readonly master: string | undefined;
}

/** What {@link parseRedisUrl} takes, in words for a message. */
export const REDIS_URL_EXPECTED =
  'the URL of a Redis: redis[s]://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE], redis[s]+cluster://HOST:PORT,HOST:PORT, redis[s]+sentinel://HOST:PORT,HOST:PORT/MASTER[/DATABASE] or unix:///PATH[?db=DATABASE]';

const REDIS =
  /^(redis|rediss)(\+cluster|\+sentinel)?:\/\/(?:([^\s/?#@:]*)(?::([^\s/?#@]*))?@)?([^\s/?#@]+)(?:\/([^\s/?#]*))?(?:\/(\d{1,3}))?\/?$/;
const UNIX = /^unix:\/\/(?:([^\s/?#@:]*)(?::([^\s/?#@]*))?@)?(\/[^\s?#]+)(?:\?db=(\d{1,3}))?$/;
const NODE = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/;

/** Reads the URL of a Redis; undefined if it is none. */
export function parseRedisUrl(url: string): RedisAddress | undefined {
  const unix = UNIX.exec(url);
  if (unix !== null) {
    const [, user, password, path = '', database = '0'] = unix;
    return whole(
      { kind: 'single', nodes: [], path, tls: false, master: undefined },
      user,
      password,
      database,
    );
  }
  const [, scheme, way = '', user, password, hosts = '', first, second] = REDIS.exec(url) ?? [];
  if (scheme === undefined) return undefined;
  const kind = KINDS[way] ?? 'single';
  const nodes = hosts.split(',').flatMap((text) => nodeOf(text, kind) ?? []);
  if (nodes.length !== hosts.split(',').length || (kind === 'single' && nodes.length > 1)) return undefined;
  const isNamed = kind === 'sentinel';
  const database = isNamed ? second : first;
  if (isNamed ? !first : second !== undefined) return undefined;
  // A cluster has one database.
  if (kind === 'cluster' && Number(database ?? '') !== 0) return undefined;
  const master = isNamed ? first : undefined;
  const tls = scheme === 'rediss';
  return whole({ kind, nodes, path: undefined, tls, master }, user, password, database);
}

const KINDS: Readonly<Record<string, RedisAddress['kind']>> = {
  '+cluster': 'cluster',
  '+sentinel': 'sentinel',
};

function nodeOf(text: string, kind: RedisAddress['kind']): RedisAddress['nodes'][number] | undefined {
  const [, host, port = kind === 'sentinel' ? '26379' : '6379'] = NODE.exec(text) ?? [];
  if (host === undefined || Number(port) === 0 || Number(port) > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

function whole(
  rest: Omit<RedisAddress, 'username' | 'password' | 'database'>,
  user = '',
  password = '',
  database = '',
): RedisAddress | undefined {
  if (!/^\d*$/.test(database)) return undefined;
  try {
    return {
      ...rest,
      username: decodeURIComponent(user) || undefined,
      password: decodeURIComponent(password) || undefined,
      database: Number(database),
    };
  } catch {
    return undefined;
  }
}
