import type { Fleet } from '../fleet.ts';
import { chat } from '../http.ts';
import type { ServerProcess } from '../server/process.ts';
import { LoadGenerator, onTheWire } from './generator.ts';
import type { Achieved } from './process.ts';

/** Requests a second that a fleet is sent where the machine can hold it. */
const RATE = 1_000;
const LEAST_RATE = 100;
/** Milliseconds in which nearly all are answered where it does, how long that is looked at, and how often. */
const UNHURT_MS = 40;
const LOOK_MS = 1_000;
const LOOKS = 4;
/** How often it is looked at most while code is being compiled, and what share of its time is gained as long as that goes on. */
const WARMING_LOOKS = 6;
const GAINED = 0.8;
const CONNECTIONS = 96;

/** A fleet of processes under a load of hits, misses and batches of vectors, half of each of them known, whatever becomes of their answers. */
export class FleetLoad implements Disposable {
  readonly #fleet: Fleet<ServerProcess>;
  readonly #generator = new LoadGenerator();
  #rate: number;
  #asked = 0;

  private constructor(fleet: Fleet<ServerProcess>, rate: number) {
    this.#fleet = fleet;
    this.#rate = rate;
  }

  /** Finds the greatest rate, up to `most` (requests a second), that the machine holds with nothing out of order. */
  static async on(fleet: Fleet<ServerProcess>, most = RATE): Promise<FleetLoad> {
    const load = new FleetLoad(fleet, most);
    let p99 = await load.#warmedUp();
    while (p99 >= UNHURT_MS && load.#rate > LEAST_RATE) {
      load.#rate /= 2;
      p99 = (await load.runUnhurt(LOOK_MS, 2)).p99;
    }
    return load;
  }

  /** In how many milliseconds nearly all are answered at this rate once code is compiled. */
  async #warmedUp(): Promise<number> {
    let best = Number.POSITIVE_INFINITY;
    for (let look = 0; look < WARMING_LOOKS; look += 1) {
      const { p99 } = await this.run(LOOK_MS);
      if (p99 < UNHURT_MS || p99 > GAINED * best) return p99;
      best = p99;
    }
    return best;
  }

  /** Requests a second. */
  get rate(): number {
    return this.#rate;
  }

  /** As {@link run}, of a while in which the machine holds it, if there is one soon. */
  async runUnhurt(ms: number, looks = LOOKS): Promise<Achieved> {
    let achieved = await this.run(ms);
    for (let look = 1; look < looks && achieved.p99 >= UNHURT_MS; look += 1) achieved = await this.run(ms);
    return achieved;
  }

  /** Sends requests for so long, and waits for their answers. Rejects if one of them fails. */
  async run(ms: number): Promise<Achieved> {
    const { instances } = this.#fleet;
    const count = Math.ceil((this.#rate * ms) / 1_000) + LOOK_MS;
    return await this.#generator.run({
      ports: instances.map(({ url }) => Number(new URL(url).port)),
      pids: instances.map(({ pid }) => pid),
      connections: CONNECTIONS,
      warmUpMs: 0,
      ms,
      rate: this.#rate,
      sleeps: true,
      requests: Array.from({ length: count }, () => this.#next().toString('base64')),
      varied: 0,
    });
  }

  /** Of eight requests two are of questions that nobody has asked, and one is a batch. */
  #next(): Buffer {
    this.#asked += 1;
    const turn = this.#asked % 8;
    if (turn === 7) {
      const input = Array.from({ length: 16 }, (_, at) =>
        at % 2 === 0 ? `known ${at}` : `${this.#asked} ${at}`,
      );
      return onTheWire(
        '/v1/embeddings',
        JSON.stringify({ model: 'e', encoding_format: 'base64', input }),
        80,
      );
    }
    const question = turn === 2 || turn === 5 ? `new ${this.#asked}` : `known ${this.#asked % 20}`;
    return onTheWire('/v1/chat/completions', JSON.stringify(chat(question)), 80);
  }

  [Symbol.dispose](): void {
    this.#generator.close();
  }
}
