import { workerData } from 'node:worker_threads';
import type { Entry } from '../cache/entry.ts';
import { Store } from '../cache/store.ts';
import { accessOf, adminTokenOf } from '../composing/access.ts';
import { certificateOf } from '../composing/certificate.ts';
import { dataPlaneOf } from '../composing/data-plane.ts';
import { lineageOf } from '../composing/shared-lineage.ts';
import { samplingOf } from '../composing/tracing.ts';
import { upstreamsOf } from '../composing/upstreams.ts';
import { createListener } from '../http/listener.ts';
import { Service } from '../http/service.ts';
import { SettlingStores } from '../http/settling-stores.ts';
import { VectorStoreWrites } from '../http/vector-store-writes.ts';
import { Events } from '../observe/events.ts';
import { Scopes } from '../policy/scope.ts';
import { Background, type OnFailure } from '../shared/background.ts';
import { atMost, every, neverBack, systemClock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { Stamps } from '../shared/stamps.ts';
import { Bulletin, type Notice } from './bulletin.ts';
import type { HubCalls, ThreadCalls } from './calls.ts';
import { controlRelay } from './control-relay.ts';
import { HubGates } from './hub-gate.ts';
import { leaseFrom } from './hub-lease.ts';
import { HubTier } from './hub-tier.ts';
import { tracesAt } from './hub-traces.ts';
import { InCommon } from './in-common.ts';
import { Neighbours } from './neighbours.ts';
import { type Replicas, take } from './notices.ts';
import { Outbox } from './outbox.ts';
import {
  FollowedMarks,
  FollowedMemory,
  SharedGraves,
  SharedLineage,
  SharedVerifications,
} from './replicas.ts';
import { reportOf } from './reports.ts';
import type { Start } from './start.ts';
import { Wire } from './wire.ts';

// A thread that answers requests: everything of a proxy but what the hub has for all.

const start: Start = workerData;
await run(start);

async function run({
  number,
  port,
  settings,
  env,
  secret,
  commons,
  levels,
  sharesTraces,
  listen,
  ahead,
}: Start): Promise<void> {
  const inCommon = InCommon.of(settings, commons);
  const clock = neverBack(inCommon.clockOf(systemClock), ahead);
  const token = adminTokenOf(env);

  const calls: ThreadCalls = {
    report() {
      outbox.flush();
      return reportOf(store.figures());
    },
    follow: (said) => neighbours.follow(said),
    turn: (call) => gates.turn(call),
    refused: ({ call, delayMs }) => gates.refused(call, delayMs),
    stop: () => service.stop(),
  };
  const failed: OnFailure = (label, message) => events.emit({ kind: 'background-failed', label, message });
  const wire = new Wire<HubCalls>(port, calls, failed);
  const neighbours = new Neighbours(wire);
  const outbox = new Outbox(wire, clock);
  const events = new Events();
  events.listen(outbox.take);
  const background = new Background(failed);
  process.on('unhandledRejection', (thrown) => failed('unhandled rejection', messageOf(thrown)));

  // What comes before it is known what there was is taken after that.
  const early: Notice[] = [];
  let isJoined = false;
  const bulletin = new Bulletin(commons.bulletin, (notice) => {
    if (isJoined) take(notice, replicas);
    else early.push(notice);
  });
  const stamps = new Stamps(clock, inCommon.lastStamp);
  const marks = new FollowedMarks(bulletin);
  const graves = new SharedGraves(bulletin, clock);
  const lineage = new SharedLineage(bulletin, clock);
  const { max_entries: maxEntries, max_bytes: maxBytes } = settings.memory;
  const memory = new FollowedMemory(bulletin, { maxEntries, maxBytes }, clock, outbox.watch);
  const stored = ({ key: { id }, stamp, tags }: Entry) => bulletin.post({ kind: 'stored', id, stamp, tags });
  const deleted = (id: string) => bulletin.post({ kind: 'dropped', ids: [id] });
  const tiers = levels.map((level, at) => {
    // What is new comes to all tiers, and to the lowest last; copies of what that one holds never do.
    const isLowest = at === levels.length - 1;
    return new HubTier(level, { wire, touched: outbox.touched, deleted, ...(isLowest && { stored }) });
  });
  const store = new Store(memory, tiers, { clock });
  let verifications: SharedVerifications | undefined;
  const access = accessOf(settings, new Scopes(Buffer.from(secret)), clock, token, {
    verifications(ttlMs) {
      verifications = new SharedVerifications(bulletin, ttlMs, clock);
      return verifications;
    },
    fullAt: (key) => inCommon.rateOf(key),
  });
  const gates = new HubGates(wire);
  const upstreams = upstreamsOf(settings, clock, env, (name) => {
    const open = settings.upstreams.get(name)?.concurrency.max === undefined;
    return { memory: inCommon.healthOf(name), gate: gates.gateOf(name, open) };
  });
  const replicas: Replicas = { store, memory, marks, graves, lineage, verifications };
  const known = await wire.ask('join', undefined);
  for (const mark of known.marks) marks.add(mark);
  lineage.restore(known.traces);
  const settling = new SettlingStores({ clock, stamps, marks });
  isJoined = true;
  for (const notice of early) take(notice, replicas);

  const service = new Service({
    clock,
    drainMs: settings.server.drain,
    shown: inCommon.runningIn(number),
    server: createListener({
      data: dataPlaneOf({
        settings,
        clock,
        events,
        background,
        access,
        upstreams,
        store,
        threads: neighbours,
        bus: { lease: (id) => leaseFrom(wire, id) },
        stamps,
        marks,
        graves,
        lineage: lineageOf(lineage, sharesTraces ? tracesAt(wire) : undefined, settling),
        settling,
        storeWrites: new VectorStoreWrites({ background, purge: (tag) => wire.ask('purge', tag) }),
        sample: await samplingOf(env),
      }),
      control: controlRelay(wire),
      timeouts: settings.server.timeouts,
      certificate: certificateOf(settings),
    }),
    async close() {
      sweeping.cancel();
      settling.close();
      // Those who follow are answered by other threads, which have the same time for that.
      await atMost(clock, settings.server.drain, neighbours.idle());
      for (const { client } of upstreams.byName.values()) await client.close();
      await background.drain();
      outbox.flush();
      bulletin.close();
    },
  });
  const sweeping = every(clock, settings.sweep_every, () => background.run('sweep', memory.sweep()));
  await service.listen(listen.host, listen.port, true);
  wire.tell('ready', undefined);
}
