import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { MemoryTier } from '../../src/cache/memory.ts';
import { Store } from '../../src/cache/store.ts';
import type { Cleared, Level } from '../../src/cache/tier.ts';
import { createControlPlane } from '../../src/control/app.ts';
import { cacheCalls } from '../../src/control/cache-calls.ts';
import type { ControlCall } from '../../src/control/call.ts';
import { storedValues } from '../../src/control/values.ts';
import { createListener } from '../../src/http/listener.ts';
import { audited } from '../../src/invalidation/audited.ts';
import { KeptAudit } from '../../src/invalidation/kept-audit.ts';
import { type Event, Events } from '../../src/observe/events.ts';
import { AdminToken } from '../../src/policy/admin-token.ts';
import { judge } from '../../src/policy/judge.ts';
import { Background } from '../../src/shared/background.ts';
import { Stamps } from '../../src/shared/stamps.ts';
import { ManualClock } from './clock.ts';
import { type Answer, type Sent, send } from './http.ts';
import { ShelfOfEntries } from './shelf-of-entries.ts';

/** A control plane behind the real listener; behind it a list of entries, and values in a real L1. */
export interface ControlPlane extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly shelf: ShelfOfEntries;
  readonly clock: ManualClock;
  readonly events: readonly Event[];
  /** The levels whose copies were dropped. */
  readonly dropped: readonly Level[];
  /** Tags of the values that were stored, by their shown keys. */
  readonly valueTags: ReadonlyMap<string, readonly string[]>;
  /** Sends a request without any credential, unless one is given. */
  ask(path: string, sent?: Sent): Promise<Answer>;
}

/** What a test may choose. */
export interface ControlPlaneOptions {
  readonly token?: string;
  readonly host?: string;
  /** `mode` and `max_ttl` of the type `products`. */
  readonly mode?: 'on' | 'read_only' | 'shadow' | 'off';
  readonly maxTtl?: number;
  /** Calls beside those that concern entries. */
  readonly calls?: readonly ControlCall[];
}

/** Starts one on a free port. Dispose of it at the end. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { token, host = '127.0.0.1', mode = 'on', maxTtl } = options;
  const clock = new ManualClock();
  const shelf = new ShelfOfEntries();
  const seen: Event[] = [];
  const events = new Events();
  events.listen((event) => seen.push(event));
  const background = new Background((label, message) =>
    events.emit({ kind: 'background-failed', label, message }),
  );
  const audit = await KeptAudit.open(undefined, background);
  const dropped: Level[] = [];
  const drop = (level: Level) => async (): Promise<Cleared> => {
    dropped.push(level);
    return { cleared: 3, freedBytes: 300 };
  };
  const valueTags = new Map<string, readonly string[]>();
  const store = new Store(new MemoryTier({ maxEntries: 100, maxBytes: 50_000_000 }, clock));
  const values = storedValues({
    store: {
      peek: (id) => store.peek(id),
      find: (id) => store.find(id),
      delete: (id) => store.delete(id),
      put(entries) {
        for (const { key, tags } of entries)
          valueTags.set(
            key.shown,
            tags.map(([tag]) => tag),
          );
        store.put(entries);
      },
    },
    clock,
    policyOf: () => ({
      ttl: 60_000,
      max_ttl: maxTtl,
      stale_while_revalidate: 10_000,
      stale_if_error: 60_000,
      negative_ttl: 0,
      mode,
    }),
    judge: (entry, demands) => judge(entry, clock.now(), demands),
    isShared: false,
    outdate: async () => {},
    settle: async () => true,
    isInvalid: () => false,
    stamps: new Stamps(clock),
  });
  const calls = cacheCalls({
    invalidator: audited(shelf, audit, clock),
    catalog: shelf,
    audit,
    values,
    maxEntry: 1_000_000,
    drops: new Map([
      ['l1', drop('l1')],
      ['l2', drop('l2')],
    ]),
    types: () => ['products', 'search_results', 'llm_responses'].values(),
  });
  const server = createListener({
    data: undefined,
    timeouts: { headers: 60_000, body: 60_000, write: 60_000 },
    certificate: undefined,
    control: createControlPlane({
      calls: [...calls, ...(options.calls ?? [])],
      token: token === undefined ? undefined : new AdminToken(token),
      events,
    }),
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    shelf,
    clock,
    events: seen,
    dropped,
    valueTags,
    ask: (path, sent = {}) =>
      send(url + path, { ...sent, headers: { authorization: undefined, ...sent.headers } }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
