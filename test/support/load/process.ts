import { connect, type Socket } from 'node:net';
import { cpuTimeOf } from './cpu-time.ts';

// The load generator, a process of its own: answers each message, a `Task`, with an `Achieved`. It writes prepared bytes on
// bare sockets, one request at a time on each, and reads no more of an answer than its status and length.

/** What is to be sent, and for how long. */
export interface Task {
  /** Of the servers, each of which gets its share of the connections. */
  readonly ports: readonly number[];
  /** Their processes, whose CPU time is read as the measurement begins and ends. */
  readonly pids: readonly number[];
  readonly connections: number;
  readonly warmUpMs: number;
  readonly ms: number;
  /** Whole requests, head and body, in base64, by turns: of each connection, or, at a fixed rate, of all together. */
  readonly requests: readonly string[];
  /** How many bytes behind a body's first are blanks, to be other ones in each request; 0 where all is sent as it is. */
  readonly varied: number;
  /** Whether those stand behind a quotation mark and are letters, which makes each request another question. */
  readonly letters?: boolean;
  /**
   * Requests a second, each sent at its time whatever becomes of the others; absent where an answer brings the next. All that was sent
   * is waited for.
   */
  readonly rate?: number;
  /** Whether it sleeps between two looks at the clock, and sends up to a millisecond late, where the servers need its core. */
  readonly sleeps?: boolean;
}

/** What came of it. */
export interface Achieved {
  /** Answers of status 200. */
  readonly answers: number;
  /** What went wrong instead: heads of another status, and connections that broke. */
  readonly errors: readonly string[];
  readonly ms: number;
  readonly cpuMs: number;
  /** Milliseconds from a request's first byte, or from when it was to be sent at a fixed rate, to its answer's last. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

process.on('message', (task: Task) => {
  void run(task).then((achieved) => process.send?.(achieved));
});

async function run(task: Task): Promise<Achieved> {
  const meter = new Meter();
  const requests = task.requests.map((request) => new Request(Buffer.from(request, 'base64'), task));
  const clients = await Promise.all(
    Array.from({ length: task.connections }, (_, at) =>
      Client.open(task.ports[at % task.ports.length] ?? 0, requests, at, meter),
    ),
  );
  const schedule = task.rate === undefined ? undefined : new Schedule(clients, task.rate, task.sleeps);
  if (schedule === undefined) for (const client of clients) client.ask();
  await wait(task.warmUpMs);
  meter.reset();
  const began = performance.now();
  const cpuTime = () => task.pids.reduce((sum, pid) => sum + cpuTimeOf(pid), 0);
  const cpuBefore = cpuTime();
  await wait(task.ms);
  const cpuMs = cpuTime() - cpuBefore;
  const ms = performance.now() - began;
  await schedule?.end();
  const { answers, errors, took } = meter.read();
  for (const client of clients) client.stop();
  took.sort();
  const quantile = (share: number) => took[Math.floor(took.length * share)] ?? Number.NaN;
  const [p50, p99, p999] = [quantile(0.5), quantile(0.99), quantile(0.999)];
  return { answers, errors, ms, cpuMs, p50, p99, p999, max: took.at(-1) ?? Number.NaN };
}

/** How long the last answers are waited for. */
const LAST_ANSWERS_MS = 10_000;

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Counts answers, and the time they took. */
class Meter {
  answers = 0;
  errors: string[] = [];
  readonly #took = new Float64Array(1_000_000);

  reset(): void {
    this.answers = 0;
    this.errors = [];
  }

  answered(ms: number): void {
    this.#took[this.answers % this.#took.length] = ms;
    this.answers += 1;
  }

  read() {
    return { answers: this.answers, errors: this.errors, took: this.#took.slice(0, this.answers) };
  }
}

/** The bytes of a request, of which each that is sent may be spelled anew. */
class Request {
  readonly #bytes: Buffer;
  readonly #varied: number;
  readonly #from: number;
  readonly #one: number;
  readonly #other: number;
  #sent = 0;

  constructor(bytes: Buffer, { varied, letters = false }: Task) {
    this.#bytes = bytes;
    this.#varied = varied;
    this.#from = bytes.indexOf('\r\n\r\n{') + (letters ? 6 : 5);
    [this.#one, this.#other] = letters ? [0x61, 0x62] : [0x20, 0x0a];
    // Each task's questions are its own.
    if (letters) this.#sent = Math.floor(Math.random() * 2 ** 31);
  }

  next(): Buffer {
    this.#sent += 1;
    for (let bit = 0; bit < this.#varied; bit += 1) {
      this.#bytes[this.#from + bit] = (this.#sent >>> bit) & 1 ? this.#other : this.#one;
    }
    return this.#bytes;
  }
}

/** When requests are to be sent at a fixed rate: on any connection that is free, or as soon as one is. */
class Schedule {
  readonly #all: number;
  /** The one that has been free for longest is last. */
  readonly #free: Client[];
  readonly #began = performance.now();
  readonly #every: number;
  readonly #sleeps: boolean;
  /** How many are to have been sent by now, and how many have been. */
  #due = 0;
  #sent = 0;
  /** Called when no connection waits for an answer any more; undefined before the end. */
  #ended: (() => void) | undefined;

  constructor(clients: readonly Client[], rate: number, sleeps = false) {
    this.#all = clients.length;
    this.#free = [...clients];
    this.#every = 1_000 / rate;
    this.#sleeps = sleeps;
    for (const client of clients) {
      client.whenAnswered = () => {
        this.#free.unshift(client);
        this.#send();
      };
    }
    this.#go();
  }

  /** Nothing more is to be sent. Resolves when all that was has been answered, or is not going to be. */
  async end(): Promise<void> {
    const answered = new Promise<void>((resolve) => {
      this.#ended = resolve;
    });
    this.#send();
    await Promise.race([answered, wait(LAST_ANSWERS_MS)]);
  }

  #go(): void {
    if (this.#ended !== undefined) return;
    this.#due = Math.floor((performance.now() - this.#began) / this.#every);
    this.#send();
    // A timer of Node's comes up to a millisecond late.
    if (this.#sleeps) setTimeout(() => this.#go(), 1);
    else setImmediate(() => this.#go());
  }

  #send(): void {
    while (this.#sent < this.#due && this.#free.length > 0) {
      this.#sent += 1;
      this.#free.pop()?.ask(this.#began + this.#sent * this.#every, this.#sent);
    }
    if (this.#free.length === this.#all) this.#ended?.();
  }
}

/** One connection. It asks again as soon as it has been answered, unless told otherwise. */
class Client {
  whenAnswered = () => this.ask();
  readonly #socket: Socket;
  readonly #requests: readonly Request[];
  readonly #meter: Meter;
  #at: number;
  #asked = 0;
  /** Bytes of the answer still to come; undefined before its head is read. */
  #left: number | undefined;
  #head = '';
  #stopped = false;

  static open(port: number, requests: readonly Request[], at: number, meter: Meter): Promise<Client> {
    return new Promise((resolve, reject) => {
      const read = (bytes: number, buffer: Uint8Array) => {
        client.#read(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
        return true;
      };
      const onread = { buffer: Buffer.allocUnsafeSlow(65_536), callback: read };
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, () => resolve(client));
      const client = new Client(socket, requests, at, meter);
      socket.on('error', reject);
      socket.on('close', () => {
        if (!client.#stopped) meter.errors.push('a connection broke');
      });
    });
  }

  private constructor(socket: Socket, requests: readonly Request[], at: number, meter: Meter) {
    this.#socket = socket;
    this.#requests = requests;
    this.#meter = meter;
    this.#at = at;
  }

  /** Sends the next request, or that of the number `at`, which was to be sent at `when`. */
  ask(when = performance.now(), at = this.#at + 1): void {
    this.#at = at;
    this.#asked = when;
    this.#socket.write(this.#requests[at % this.#requests.length]?.next() ?? '');
  }

  stop(): void {
    this.#stopped = true;
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    if (this.#left === undefined) {
      const end = bytes.indexOf('\r\n\r\n');
      this.#head += bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
      if (end === -1) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(this.#head)?.[1];
      if (length === undefined || !this.#head.startsWith('HTTP/1.1 200')) this.#meter.errors.push(this.#head);
      this.#left = Number(length ?? 0) - (bytes.length - end - 4);
      this.#head = '';
    } else {
      this.#left -= bytes.length;
    }
    if (this.#left > 0 || this.#stopped) return;
    this.#left = undefined;
    this.#meter.answered(performance.now() - this.#asked);
    this.whenAnswered();
  }
}
