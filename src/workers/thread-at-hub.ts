import { extname } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { OnFailure } from '../shared/background.ts';
import type { HubCalls, ThreadCalls } from './calls.ts';
import type { Start } from './start.ts';
import { Wire } from './wire.ts';

/** What the hub has of a thread that answers requests. */
export class Thread {
  readonly number: number;
  readonly wire: Wire<ThreadCalls>;
  /** Resolves when it takes requests; rejects with why it never will. */
  readonly begun: Promise<void>;
  /** Resolves when it is gone, with why if that was not asked for. */
  readonly gone: Promise<string>;
  readonly #worker: Worker;
  readonly #began = Promise.withResolvers<void>();

  /** Starts one that may ask for what `callsFor` gives it. */
  constructor(start: Omit<Start, 'port'>, callsFor: (thread: Thread) => HubCalls, onFailure: OnFailure) {
    this.number = start.number;
    this.begun = this.#began.promise;
    const { port1, port2 } = new MessageChannel();
    this.wire = new Wire<ThreadCalls>(port1, callsFor(this), onFailure);
    this.wire.unref();
    const workerData: Start = { ...start, port: port2 };
    this.#worker = new Worker(FILE, {
      workerData,
      transferList: [port2],
      name: `reprise worker ${start.number}`,
    });
    const gone = Promise.withResolvers<string>();
    let why = 'it ended';
    this.#worker.on('error', (thrown) => {
      why = thrown instanceof Error ? thrown.message : String(thrown);
      this.#began.reject(thrown);
    });
    this.#worker.on('exit', () => {
      // What it said last may not have been received: that an entry has another tag, or is to be forgotten.
      this.wire.drain();
      this.#began.reject(new Error(why));
      this.wire.close();
      gone.resolve(why);
    });
    this.gone = gone.promise;
  }

  /** It takes requests. */
  began(): void {
    this.#began.resolve();
  }

  /** Ends it at once. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

// The source runs as it is; what is published is compiled.
const FILE = new URL(`./thread${extname(import.meta.url)}`, import.meta.url);
