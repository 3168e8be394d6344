import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import OpenAI from 'openai';
import { type Clock, every } from '../shared/clock.ts';
import type { Surroundings } from './assistant.ts';
import { catalogue } from './catalogue.ts';
import { converse } from './customers.ts';
import { Ledger } from './ledger.ts';
import { drawLoad } from './load.ts';
import { startModel } from './model.ts';
import { changePrices, type PriceChange } from './price-change.ts';
import { type RepriseOptions, startReprise } from './reprise.ts';
import type { Screen } from './screen.ts';
import { SENDERS } from './sender.ts';
import { startShop } from './shop.ts';
import { paceOf } from './stand-in.ts';
import type { Snapshot } from './table.ts';
import { Tally } from './tally.ts';

/** What to run. */
export interface DemoOptions {
  readonly questions: number;
  /** Customers at a time. */
  readonly customers: number;
  /** Of the drawing of the load. */
  readonly seed: number;
  /** How many times as fast as the real thing the stand-ins answer. */
  readonly speed: number;
}

/** Where to run it. */
export interface DemoPlace extends Pick<RepriseOptions, 'command' | 'env' | 'signal'> {
  readonly clock: Clock;
  readonly screen: Screen;
}

/** What came of it. */
export interface Outcome {
  /** The last state of things when all questions were answered. */
  readonly last: Snapshot;
  readonly changes: readonly PriceChange[];
}

/**
 * Starts the stand-ins and Reprise, lets the customers ask their questions through it, and then changes two prices. Nothing stays
 * behind, however it ends: no process, no port, no file.
 */
export async function runDemo(options: DemoOptions, place: DemoPlace): Promise<Outcome> {
  const closers: (() => Promise<void>)[] = [];
  const over = new AbortController();
  const signal = AbortSignal.any([place.signal, over.signal]);
  try {
    const pace = paceOf(options.speed);
    const model = await startModel(pace);
    closers.push(model.close);
    const shop = await startShop(pace);
    closers.push(shop.close);
    const dataDir = await mkdtemp(join(tmpdir(), 'reprise-demo-'));
    closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const reprise = await startReprise({
      ...place,
      modelUrl: `${model.url}/v1`,
      shopUrl: shop.url,
      dataDir,
    });
    closers.push(reprise.close);
    closers.push(async () => over.abort());

    const tally = new Tally();
    const ledger = new Ledger();
    const begun = place.clock.elapsed();
    let done = 0;
    const snapshot = (): Snapshot => ({
      done,
      questions: options.questions,
      elapsedMs: place.clock.elapsed() - begun,
      rows: tally.rows(),
      reached: { ...model.counted, ...shop.counted },
    });
    const showing = every(place.clock, place.screen.everyMs, () => place.screen.update(snapshot()));
    closers.push(async () => showing.cancel());
    const conversations = drawLoad(options.questions, options.seed);
    const around: Surroundings = {
      openai: new OpenAI({ baseURL: `${reprise.url}/v1`, apiKey: 'demo-key', maxRetries: 0 }),
      shopUrl: reprise.url,
      elapsed: () => place.clock.elapsed(),
      onCall(call) {
        tally.record(call);
        ledger.record(call);
      },
      signal,
    };
    const asked = converse(conversations, options.customers, around, () => {
      done += 1;
    });
    // When Reprise dies, its callers see a broken connection first: the better reason is worth a moment.
    await asked.catch(async (thrown: unknown) => {
      await Promise.race([reprise.died, wait(LAST_WORDS_MS, undefined, { signal }).catch(() => undefined)]);
      throw thrown;
    });
    const last = snapshot();
    showing.cancel();
    // What follows is no part of the load, nor of its figures.
    const after: Surroundings = { ...around, onCall: (call) => ledger.record(call) };
    const context = { shop, reprise, ledger, around: after };
    const bestSellers = catalogue();
    const due = SENDERS.flatMap((sender, index) => {
      const article = bestSellers[index];
      return article === undefined ? [] : [{ sender, article }];
    });
    return { last, changes: await changePrices(due, context) };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

const LAST_WORDS_MS = 500;
