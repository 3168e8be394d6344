import { randomBytes } from 'node:crypto';
import { isRecord, valueFrom } from '../shared/plain.ts';
import type { Numbered } from './announced.ts';
import type { Peer, Place } from './bus.ts';
import { GONE_MS } from './peers.ts';
import type { RedisKeys } from './redis-keys.ts';
import { pairsOf, run, type Send, textOf, textsOf } from './redis-run.ts';
import { AFTER, ANNOUNCE, BEAT } from './redis-scripts.ts';

/** How announcements are made: see the script. */
export type How =
  | { readonly how: 'new' | 'same' }
  /** They are from this earlier life of the table. */
  | { readonly how: 'other'; readonly epoch: string };

/** What a beat tells. */
export interface Beat {
  /** The life of the table, and the number of its last announcement. */
  readonly place: Place;
  /** The instances there are, and Redis' time in milliseconds since the epoch. */
  readonly peers: readonly Peer[];
  readonly now: number;
  /** Whether the secret that they share is there. */
  readonly hasSecret: boolean;
}

/** Texts that go into one step: Redis does nothing else meanwhile. */
const STEP = 500;
const PAGE = 5_000;
/** For how long a trace is kept: a little longer than its calls belong together. */
export const TRACE_MS = 11 * 60_000;
/** What an instance says in the place of a number. */
export const LEAVES = 'leaves';

/** The table of announcements that all instances share, in Redis. Rejects where that does not answer, or with something else. */
export class SharedTable {
  readonly #keys: RedisKeys;
  readonly #self: Peer;
  /** For how many µs announcements are kept. */
  readonly keptUs: number;

  /** `keptMs` is how long announcements are kept: as long as, by the settings, something lives that they may concern. What lives longer is given up. */
  constructor(keys: RedisKeys, self: Peer, keptMs: number) {
    this.#keys = keys;
    this.#self = self;
    this.keptUs = Math.ceil(keptMs * 1_000);
  }

  /** Adds announcements and tells everybody. Gives the numbers they got. */
  async announceNew(send: Send, texts: readonly string[]): Promise<readonly Numbered[]> {
    const said: Numbered[] = [];
    for (let at = 0; at < texts.length; at += STEP) {
      const step = texts.slice(at, at + STEP);
      const made = await this.#step(
        send,
        step.map((text): Numbered => [text, 1]),
        { how: 'new' },
      );
      // All of them got a number, one after the other.
      said.push(...step.map((text, index): Numbered => [text, made.seq - step.length + 1 + index]));
    }
    return said;
  }

  /** Adds announcements that the table may have already, or have lost. Says whether any was added. */
  async announce(
    send: Send,
    announced: readonly Numbered[],
    how: How,
  ): Promise<{ readonly changed: boolean }> {
    let changed = false;
    for (let at = 0; at < announced.length; at += STEP) {
      const { before, seq } = await this.#step(send, announced.slice(at, at + STEP), how);
      if (seq > before) changed = true;
    }
    return { changed };
  }

  async #step(
    send: Send,
    announced: readonly Numbered[],
    how: How,
  ): Promise<{ readonly before: number; readonly seq: number }> {
    const { state, marks, handed, channel } = this.#keys;
    const keys = [state, marks, handed(how.how === 'other' ? how.epoch : '')] as const;
    const texts = announced.flatMap(([text, seq]) => [text, String(seq)]);
    const args = [newEpoch(), String(this.keptUs), channel, this.#self.id, how.how, ...texts];
    const [, before, seq] = textsOf(await run(send, ANNOUNCE, keys, args)) ?? [];
    if (before === undefined || seq === undefined)
      throw new Error('Redis answers an announcement with something else');
    return { before: Number(before), seq: Number(seq) };
  }

  /** Says that this instance is there, and how far it has got. */
  async beat(send: Send, place: Place | undefined): Promise<Beat> {
    const { state, marks, instances, secret, traces } = this.#keys;
    const { epoch = '', seq = 0 } = place ?? {};
    const args = [
      newEpoch(),
      epoch,
      String(seq),
      this.#self.id,
      JSON.stringify(this.#self),
      String(1_000 * GONE_MS),
      String(TRACE_MS),
    ];
    const reply = await run(send, BEAT, [state, marks, instances, secret, traces], args);
    const [now, last, us, said, hasSecret] = Array.isArray(reply) ? reply : [];
    const texts = textsOf(said);
    const known = { epoch: textOf(now), seq: Number(textOf(last)), us: Number(textOf(us)) };
    if (known.epoch === undefined || texts === undefined || !Number.isFinite(known.seq + known.us))
      throw new Error('Redis answers a beat with something else');
    return {
      place: { epoch: known.epoch, seq: known.seq },
      now: known.us / 1_000,
      hasSecret: hasSecret === 1,
      peers: texts.flatMap((text) => peerOf(text) ?? []),
    };
  }

  /** All announcements after a number, in order, page by page. */
  async *after(send: Send, seq: number): AsyncGenerator<readonly Numbered[]> {
    for (let from = seq; ; ) {
      const page = pairsOf(await run(send, AFTER, [this.#keys.marks], [String(from), String(PAGE)]));
      if (page === undefined) throw new Error('Redis answers a reading of the table with something else');
      yield page;
      if (page.length < PAGE) return;
      from = page.at(-1)?.[1] ?? from;
    }
  }

  /** What has been handed over of an earlier life of the table: of each text the number that it had then, and that it has got here. */
  async handedOver(
    send: Send,
    epoch: string,
  ): Promise<ReadonlyMap<string, { readonly had: number; readonly got: number }>> {
    const key = this.#keys.handed(epoch);
    const fields = textsOf(await send(key, ['HGETALL', key]));
    if (fields === undefined)
      throw new Error('Redis answers a reading of what was handed over with something else');
    const handed = new Map<string, { readonly had: number; readonly got: number }>();
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const [had = Number.NaN, got = Number.NaN] = (fields[at + 1] ?? '').split(' ').map(Number);
      handed.set(fields[at] ?? '', { had, got });
    }
    return handed;
  }

  /** Says that this instance is gone. */
  async leave(send: Send): Promise<void> {
    const { instances, acks } = this.#keys;
    await send(instances, ['HDEL', instances, this.#self.id]);
    await send(acks, ['PUBLISH', acks, `${this.#self.id} ${LEAVES}`]);
  }

  /** Says that this instance has applied everything up to `seq`. */
  async applied(send: Send, seq: number): Promise<void> {
    const { acks } = this.#keys;
    await send(acks, ['PUBLISH', acks, `${this.#self.id} ${seq}`]);
  }
}

function newEpoch(): string {
  return randomBytes(6).toString('base64url');
}

function peerOf(text: string): Peer | undefined {
  const said = valueFrom(text);
  if (!isRecord(said)) return undefined;
  const { id = '', name = '', version = '', wire = 0 } = said;
  return { id: String(id), name: String(name), version: String(version), wire: Number(wire) };
}
