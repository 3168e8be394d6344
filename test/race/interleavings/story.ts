import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Effect } from '../../../src/cache/condition.ts';
import type { Delivery } from '../../../src/http/delivery.ts';
import { answer } from '../../../src/http/proxy.ts';
import { receive } from '../../../src/http/receive.ts';
import { RepriseError } from '../../../src/shared/errors.ts';
import type { UpstreamCall } from '../../../src/upstream/client.ts';
import { ManualClock } from '../../support/clock.ts';
import { type Aim, conditionOf } from './aims.ts';
import { type Disk, type OpenDisk, takeAt } from './disks.ts';
import { type Engine, startEngine, TTL } from './engine.ts';
import { type Asking, Model } from './model.ts';
import { type Ending, HeldUpstream } from './upstream.ts';
import { itemsOf, requestOf, type Wish } from './wishes.ts';

/** One thing that happens. What refers to something under way means the `at`-th of it, and nothing where there is none. */
export type Step =
  | { readonly step: 'ask'; readonly wish: Wish }
  | { readonly step: 'begin' | 'leave' | 'keep' | 'read'; readonly at: number }
  | { readonly step: 'end'; readonly at: number; readonly ending: Ending }
  | { readonly step: 'invalidate'; readonly aim: Aim; readonly effect: Effect }
  | { readonly step: 'pass' | 'set'; readonly ms: number }
  | { readonly step: 'restart'; readonly killed: boolean }
  | { readonly step: 'drop' | 'flush' | 'sweep' };

/** Plays a story against the engine and the model. Rejects where they disagree. */
export async function play(steps: readonly Step[], disk: Disk): Promise<void> {
  await using story = new Story(disk);
  for (const step of steps) await story.take(step);
  await story.finish();
}

/** One life of a process. */
interface Life {
  readonly engine: Engine;
  readonly disk: OpenDisk;
  readonly upstream: HeldUpstream;
  /** Requests, and whatever else was begun in it. */
  readonly running: Set<Promise<void>>;
  /** How its callers go away. */
  readonly leaves: (() => void)[];
  over: boolean;
}

class Story implements AsyncDisposable {
  readonly #clock = new ManualClock();
  readonly #model = new Model();
  readonly #disk: Disk;
  readonly #asking = new AsyncLocalStorage<Asking>();
  /** The keys that each upstream call is for. */
  readonly #calls: (readonly string[])[] = [];
  /** What was asked for, by shown key. */
  readonly #asked = new Map<string, Wish>();
  #life: Life | undefined;
  #problem: Error | undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async take(step: Step): Promise<void> {
    const life = await this.#alive();
    switch (step.step) {
      case 'ask':
        this.#run(life, this.#ask(life, step.wish));
        break;
      case 'begin':
        life.upstream.at(step.at)?.begin();
        break;
      case 'end':
        this.#end(life, step.at, step.ending);
        break;
      case 'leave':
        takeAt(life.leaves, step.at)?.();
        break;
      case 'invalidate':
        this.#run(life, this.#invalidate(life, step.aim, step.effect));
        break;
      case 'keep':
        life.disk.letKeep(step.at);
        break;
      case 'read':
        life.disk.letRead(step.at);
        break;
      case 'pass':
        this.#clock.advance(step.ms);
        break;
      case 'set':
        this.#clock.setWall(this.#clock.now() + step.ms);
        break;
      case 'drop':
        this.#model.dropped();
        await life.engine.store.drop('l1', life.engine.catalog.at('l1'));
        break;
      case 'flush':
        await life.disk.flush();
        break;
      case 'sweep':
        await life.engine.upkeep.run();
        break;
      case 'restart':
        await this.#restart(life, step.killed);
        break;
    }
    await this.#settle();
  }

  /** Lets all that is under way end, and asks for everything once more. */
  async finish(): Promise<void> {
    await this.#quiet(await this.#alive());
    for (const wish of [...this.#asked.values()]) {
      await this.take({ step: 'ask', wish: { ...wish, tag: 'none', traced: false, refresh: false } });
      await this.#quiet(await this.#alive());
    }
    this.#check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#life !== undefined) await this.#restart(this.#life, true);
  }

  async #alive(): Promise<Life> {
    if (this.#life !== undefined) return this.#life;
    const upstream = new HeldUpstream((call) => this.#called(call));
    const opened: OpenDisk[] = [];
    const engine = await startEngine(this.#clock, upstream, async (begun, watch) => {
      const disk = await this.#disk.open(begun, watch);
      opened.push(disk);
      return disk;
    });
    const [disk] = opened;
    if (disk === undefined) throw new Error('an engine started without its disk');
    this.#life = { engine, disk, upstream, running: new Set(), leaves: [], over: false };
    return this.#life;
  }

  async #restart(life: Life, killed: boolean): Promise<void> {
    life.over = true;
    this.#life = undefined;
    await life.disk.end(killed);
    this.#model.ended(killed);
    // What was born in the future of a clock that was set back is given up by the next process.
    if (this.#clock.now() < life.engine.context.clock.now() - 1_000) this.#model.forgot();
  }

  async #ask(life: Life, wish: Wish): Promise<void> {
    const { context } = life.engine;
    const received = await receive(context, life.engine.heads.read(requestOf(wish)), context.bodies.open());
    if (received.kind !== 'call') throw new Error(`${received.relay.reason}: expected to be cached`);
    const { call } = received;
    const shown = call.keys.map((key) => key.shown);
    for (const key of shown) this.#asked.set(key, wish);
    const asking = this.#model.asked(wish, shown, context.clock.now());
    const gone = Promise.withResolvers<undefined>();
    const onGone = (leave: () => void) =>
      life.leaves.push(() => {
        leave();
        gone.resolve(undefined);
      });
    const answering = this.#asking.run(asking, async () => textOf(await answer(context, call, onGone)));
    const text = await Promise.race([answering.catch(unanswered), gone.promise]);
    if (life.over || text === undefined) return;
    this.#model.served(asking, callsIn(text, shown), this.#clock.elapsed());
  }

  #called(sent: UpstreamCall): number {
    const asking = this.#asking.getStore();
    if (asking === undefined) throw new Error('a call that nobody asked for');
    const shown = asking.wish.kind === 'embeddings' ? partsIn(sent, asking) : asking.shown;
    const number = this.#calls.push(shown) - 1;
    try {
      this.#model.called(number, asking, shown, this.#life?.engine.context.clock.now() ?? 0);
    } catch (thrown) {
      // To the engine it looks like an upstream that takes no calls.
      this.#fail(thrown);
    }
    return number;
  }

  #end(life: Life, at: number, ending: Ending): void {
    const pending = life.upstream.at(at);
    if (pending === undefined) return;
    const shown = this.#calls[pending.number] ?? [];
    if (ending !== 'answered') {
      this.#model.failedAt = this.#clock.elapsed();
      if (shown.some((key) => key.startsWith('search_results/'))) this.#model.unread();
    }
    life.upstream.end(pending, ending);
    const until = life.engine.context.clock.now() + TTL;
    if (ending === 'answered') this.#model.landed(pending.number, shown, until);
  }

  async #invalidate(life: Life, aim: Aim, effect: Effect): Promise<void> {
    const condition = conditionOf(aim, [...this.#asked.keys()]);
    const resolved = this.#model.invalidating({ condition, effect });
    await life.engine.invalidations.invalidate([{ condition, effect, by: 'api', dryRun: false }]);
    if (!life.over) resolved();
  }

  #run(life: Life, work: Promise<void>): void {
    const owned = work.catch((thrown: unknown) => this.#fail(thrown));
    life.running.add(owned);
    void owned.finally(() => life.running.delete(owned));
  }

  #fail(thrown: unknown): void {
    this.#problem ??= thrown instanceof Error ? thrown : new Error(String(thrown));
  }

  /** Lets go of everything that waits for somebody. */
  async #quiet(life: Life): Promise<void> {
    while (life.running.size > 0) {
      life.disk.letRead(0);
      life.disk.letKeep(0);
      this.#end(life, 0, 'answered');
      await this.#settle();
    }
  }

  /** Lets run what can. */
  async #settle(): Promise<void> {
    await turn();
    this.#check();
  }

  #check(): void {
    if (this.#problem !== undefined) throw this.#problem;
  }
}

/** The text of an answer, as its caller gets it. */
async function textOf(delivery: Delivery): Promise<string> {
  if (delivery.kind === 'whole') return delivery.rendering.body.toString();
  if (delivery.kind === 'relay') throw new Error('nothing is forwarded here');
  const chunks: Buffer[] = [];
  try {
    for (let chunk = await delivery.cursor.next(); chunk !== 'end'; chunk = await delivery.cursor.next())
      chunks.push(chunk);
  } finally {
    delivery.leave();
  }
  return Buffer.concat(chunks).toString();
}

/** An answer of ours that the upstream failed is none. */
function unanswered(thrown: unknown): string {
  if (thrown instanceof RepriseError && thrown.code !== 'internal_error') return '';
  throw thrown;
}

/** Which upstream call brought each of the parts that an answer has. */
function callsIn(
  text: string,
  shown: readonly string[],
): { readonly shown: string; readonly call: number }[] {
  const vectors = [...text.matchAll(/"embedding":\[(\d+),/g)];
  const named = vectors.length > 0 ? vectors : [...text.matchAll(/call (\d+)/g)].slice(0, 1);
  return shown.flatMap((key, part) => {
    const call = named[part]?.[1];
    return call === undefined ? [] : [{ shown: key, call: Number(call) }];
  });
}

/** The keys of the items that a call for embeddings asks for. */
function partsIn({ body }: UpstreamCall, { wish, shown }: Asking): readonly string[] {
  const { input } = JSON.parse(String(body));
  const texts: readonly string[] = [input].flat();
  return itemsOf(wish.about).flatMap((text, part) => (texts.includes(text) ? (shown[part] ?? []) : []));
}
