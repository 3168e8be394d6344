import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../shared/clock.ts';
import type { Soon } from '../shared/soon.ts';
import type { FoundOut } from './asked.ts';
import { HeadBytes, type KnownRequest } from './head-bytes.ts';
import type { HeadedRequest } from './heads.ts';

/** A request that came whole on a connection, and begins like one that came before; and what has been found out of it so far. */
export interface DueRequest extends FoundOut {
  readonly request: KnownRequest;
  readonly body: Buffer;
  /** Monotonic milliseconds at which it had come. */
  readonly came: number;
  caller: FoundOut['caller'];
  asked: FoundOut['asked'];
}

/** An answer as it goes out. */
export interface Written {
  /** In Latin-1, through the empty line. */
  readonly head: string;
  readonly body: Buffer;
  /** To be called once it is written. */
  readonly told: () => void;
}

/** What a lane works with. */
export interface LaneContext {
  readonly clock: Clock;
  /**
   * The answer to a request, if it is here; notes in it what is found out on the way. Never throws nor rejects: what is wrong with one
   * is found again where it is told.
   */
  readonly answer: (due: DueRequest) => Soon<Written | undefined>;
}

/** What the connections of one lane have in common. */
export interface LaneOptions extends LaneContext {
  /** Bytes of a body that may be written at once. */
  readonly maxBody: number;
  /** Whether requests are still welcome. */
  readonly isOpen: () => boolean;
  /** Milliseconds in which a client has to take something of an answer that waits for it. */
  readonly writeMs: () => number;
  /** Has what is due on a connection answered, once all that came with it is read. */
  readonly soon: (connection: LaneConnection) => void;
  /** Told of an answer that the system did not take at once, and that is sent when `sent` resolves. */
  readonly onUnsent: (sent: Promise<void>) => void;
}

/** What Node is reading or answering: all bytes that it is given between two moments at which nothing is under way. */
interface Turn {
  readonly first: Buffer;
  /** Whether they begin with a head that is known. */
  readonly isKnown: boolean;
  /** How many bytes it has been given. */
  given: number;
  /** How many are of the one request that they begin with; not a number where that cannot be told. */
  expected: number | undefined;
}

/** One connection of a lane. */
export class LaneConnection {
  readonly #options: LaneOptions;
  readonly #socket: Socket;
  readonly #give: (bytes: Buffer) => void;
  /** The heads that came lately, the last one first. */
  #heads: readonly HeadBytes[] = [];
  /** Undefined where Node has nothing to do: only then bytes are looked at. */
  #turn: Turn | undefined;
  #due: Due | undefined;
  /** A known head whose body has not come with it. */
  #held: { readonly bytes: Buffer; readonly timer: Timer } | undefined;
  /** What came behind a request whose answer is being read, or waits for the client to take it. */
  readonly #behind: Buffer[] = [];
  #isUnsent = false;
  #found: FoundOut | undefined;
  /** An answer that the socket has, corked, and then one that nobody has been told of yet. */
  #ready: Written | undefined;

  /** `give` hands bytes to Node. */
  constructor(options: LaneOptions, socket: Socket, give: (bytes: Buffer) => void) {
    this.#options = options;
    this.#socket = socket;
    this.#give = give;
  }

  /** Takes what came. */
  readonly take = (bytes: Buffer): void => {
    if (this.#due !== undefined || this.#isUnsent) {
      this.#socket.pause();
      this.#behind.push(bytes);
      return;
    }
    const held = this.#release();
    const come = held === undefined ? bytes : Buffer.concat([held, bytes]);
    if (this.#turn === undefined) this.#look(come, held === undefined);
    else this.#hand(come, false);
  };

  /** Nothing more is to come: Node, which ends a connection where nothing is under way, has to know what is. */
  readonly end = (): void => {
    const due = this.#due;
    const bytes = due?.bytes ?? this.#release();
    this.#due = undefined;
    this.#found = due;
    if (bytes !== undefined) this.#hand(bytes, true);
    if (!this.#isUnsent) this.#goOn();
  };

  /** Finds the answer to what is due, and has it ready to be sent, or has Node answer. One that has to be waited for goes its own way. */
  find(): void {
    const due = this.#due;
    if (due === undefined) return;
    const answer = this.#options.answer(due);
    if (answer instanceof Promise)
      void answer.then((late) => {
        this.#prepare(due, late);
        this.send();
        this.tell();
      });
    else this.#prepare(due, answer);
  }

  /** Sends what was found. */
  send(): void {
    if (this.#ready === undefined) return;
    this.#socket.uncork();
    if (this.#socket.writableLength > 0) this.#awaitSent();
  }

  /** Tells of what was sent, and goes on. */
  tell(): void {
    const sent = this.#ready;
    this.#ready = undefined;
    if (sent === undefined) return;
    if (!this.#isUnsent) this.#goOn();
    try {
      sent.told();
    } catch (thrown) {
      // As in the data plane: a defect of who is told, behind the answer.
      void Promise.reject(thrown);
    }
  }

  /** Node has read a head; `request` is absent for one that is none of the data plane's. Gives what was found out of it before. */
  began(
    incoming: IncomingMessage,
    response: ServerResponse,
    request: HeadedRequest | undefined,
  ): FoundOut | undefined {
    const turn = this.#turn;
    if (turn === undefined) return undefined;
    if (turn.expected !== undefined) {
      // Another one, sent behind the first: which bytes are whose is Node's to know.
      turn.expected = Number.NaN;
      return undefined;
    }
    const headEnd = turn.first.indexOf(END_OF_HEAD) + END_OF_HEAD.length;
    const { 'transfer-encoding': coding, 'content-length': length = '0' } = incoming.headers;
    turn.expected =
      headEnd < END_OF_HEAD.length || coding !== undefined ? Number.NaN : headEnd + Number(length);
    if (request !== undefined && !turn.isKnown) this.#learn(request, turn.first.subarray(0, headEnd));
    response.on('close', () => {
      // All of it has come, and nothing else: what comes next begins another.
      if (incoming.complete && turn.given === turn.expected) this.#turn = undefined;
    });
    const found = this.#found;
    this.#found = undefined;
    return found;
  }

  /** Leaves the connection to others. */
  leave(): void {
    this.#socket.off('data', this.take);
    this.#socket.off('end', this.end);
  }

  /** Looks at bytes with which a request begins. */
  #look(bytes: Buffer, mayHold: boolean): void {
    for (const head of this.#heads) {
      const body = head.bodyIn(bytes);
      if (body === undefined) continue;
      if (this.#heads[0] !== head) this.#remember(head);
      if (bytes.length === body.end && this.#options.isOpen()) {
        const came = this.#options.clock.elapsed();
        this.#due = {
          request: head.request,
          body: bytes.subarray(body.start),
          came,
          caller: undefined,
          asked: undefined,
          bytes,
        };
        this.#options.soon(this);
      } else if (bytes.length < body.end && mayHold && body.end <= MOST_HELD) this.#hold(bytes);
      else this.#hand(bytes, true);
      return;
    }
    this.#hand(bytes, false);
  }

  #prepare(due: Due, answer: Written | undefined): void {
    const socket = this.#socket;
    // Node has been given it meanwhile.
    if (this.#due !== due) return;
    this.#due = undefined;
    // Nobody is there to be told.
    if (!socket.writable) return;
    if (answer === undefined || answer.body.length > this.#options.maxBody) {
      this.#found = due;
      this.#hand(due.bytes, true);
      this.#goOn();
      return;
    }
    this.#ready = answer;
    socket.cork();
    socket.write(answer.head, 'latin1');
    socket.write(answer.body);
  }

  /** Takes what came behind a request that is through, or Node's. */
  #goOn(): void {
    if (this.#behind.length === 0) return;
    this.#socket.resume();
    this.take(Buffer.concat(this.#behind.splice(0)));
  }

  /** Who takes no answer is asked for no more requests, and cut as soon as one that takes none of Node's. */
  #awaitSent(): void {
    const socket = this.#socket;
    const idleMs = socket.timeout ?? 0;
    this.#isUnsent = true;
    socket.pause();
    socket.setTimeout(this.#options.writeMs());
    const { promise, resolve } = Promise.withResolvers<void>();
    // Also called where the connection breaks.
    socket.write('', () => {
      this.#isUnsent = false;
      resolve();
      if (socket.destroyed) return;
      socket.setTimeout(idleMs);
      socket.resume();
      this.#goOn();
    });
    this.#options.onUnsent(promise);
  }

  /** Waits a moment for the body: many clients send it on its own. */
  #hold(bytes: Buffer): void {
    const timer = this.#options.clock.after(HOLD_MS, () => {
      this.#held = undefined;
      this.#hand(bytes, true);
    });
    this.#held = { bytes, timer };
  }

  #release(): Buffer | undefined {
    const held = this.#held;
    this.#held = undefined;
    held?.timer.cancel();
    return held?.bytes;
  }

  #hand(bytes: Buffer, isKnown: boolean): void {
    // Node's parser may be another connection's by now.
    if (this.#socket.destroyed) return;
    this.#turn ??= { first: bytes, isKnown, given: 0, expected: undefined };
    this.#turn.given += bytes.length;
    this.#give(bytes);
  }

  #learn(request: HeadedRequest, bytes: Buffer): void {
    const head = HeadBytes.of(request, bytes);
    if (head !== undefined) this.#remember(head);
  }

  #remember(head: HeadBytes): void {
    this.#heads = [head, ...this.#heads.filter((other) => other !== head).slice(0, MOST_HEADS - 1)];
  }
}

type Due = DueRequest & { readonly bytes: Buffer };

const END_OF_HEAD = '\r\n\r\n';
/** As many as an assistant uses in turn: chat, embeddings, a search. */
const MOST_HEADS = 4;
/** Bytes of a request that is waited for; what is longer comes in many pieces. */
const MOST_HELD = 65_536;
const HOLD_MS = 20;
