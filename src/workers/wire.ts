import { MessagePort, receiveMessageOnPort, type Transferable } from 'node:worker_threads';
import type { OnFailure } from '../shared/background.ts';
import { BriefMap } from '../shared/brief-map.ts';
import { messageOf } from '../shared/errors.ts';

/** What one side of a wire can be asked, by name. */
export type Calls = Readonly<Record<string, (said: never) => unknown>>;

type Said<Theirs extends Calls, Name extends keyof Theirs> = Parameters<Theirs[Name]>[0];
type Answer<Theirs extends Calls, Name extends keyof Theirs> = Awaited<ReturnType<Theirs[Name]>>;

/** A call; with a number where an answer is waited for. */
interface Call {
  readonly name: string;
  readonly said: unknown;
  readonly number?: number;
}

type Message =
  | Call
  | { readonly answers: number; readonly answer: unknown }
  | { readonly answers: number; readonly error: string };

/**
 * Calls between two threads, over a message port: carried out in the order in which they were made. What is said is copied, but for
 * its `bytes` and its `port`, which change hands.
 */
export class Wire<Theirs extends Calls> {
  readonly #port: MessagePort;
  readonly #mine: Calls;
  readonly #onFailure: OnFailure;
  readonly #asked = new BriefMap<number, PromiseWithResolvers<unknown>>();
  #numbers = 0;
  #closed = false;

  /** `mine` is what the other side may ask of this one; `onFailure` is told of what fails that nobody waits for. */
  constructor(port: MessagePort, mine: Calls, onFailure: OnFailure) {
    this.#port = port;
    this.#mine = mine;
    this.#onFailure = onFailure;
    port.on('message', (message: Message) => this.#receive(message));
    port.on('close', () => this.#end());
  }

  /** Has something done on the other side. */
  tell<Name extends keyof Theirs & string>(name: Name, said: Said<Theirs, Name>): void {
    this.#post({ name, said }, said);
  }

  /** The same, and resolves with the answer. Rejects where it fails there, or the other side goes away. */
  ask<Name extends keyof Theirs & string>(
    name: Name,
    said: Said<Theirs, Name>,
  ): Promise<Answer<Theirs, Name>> {
    this.#numbers += 1;
    const asked = Promise.withResolvers<unknown>();
    if (this.#closed) asked.reject(new Error(GONE));
    else this.#asked.set(this.#numbers, asked);
    this.#post({ name, said, number: this.#numbers }, said);
    return asked.promise as Promise<Answer<Theirs, Name>>;
  }

  /** Receives, now, all that the other side has sent up to now. */
  drain(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (received === undefined) return;
      this.#receive(received.message);
    }
  }

  /** Lets a thread or a process end although the wire is there. */
  unref(): void {
    this.#port.unref();
  }

  /** Ends it, for both sides. */
  close(): void {
    this.#port.close();
    this.#end();
  }

  #receive(message: Message): void {
    if ('name' in message) this.#carryOut(message);
    else this.#settle(message);
  }

  #settle(message: Exclude<Message, Call>): void {
    const asked = this.#asked.get(message.answers);
    this.#asked.delete(message.answers);
    if ('error' in message) asked?.reject(new Error(message.error));
    else asked?.resolve(message.answer);
  }

  #carryOut({ name, said, number }: Call): void {
    const failed = (thrown: unknown) => {
      if (number === undefined) this.#onFailure(`between threads: ${name}`, messageOf(thrown));
      else this.#answer(number, { error: messageOf(thrown) });
    };
    const done = (answer: unknown) => this.#answer(number, { answer });
    try {
      const answer = this.#mine[name]?.(said as never);
      if (answer instanceof Promise) answer.then(done, failed);
      else done(answer);
    } catch (thrown) {
      failed(thrown);
    }
  }

  #answer(
    answers: number | undefined,
    said: { readonly answer: unknown } | { readonly error: string },
  ): void {
    if (answers === undefined) return;
    this.#post({ answers, ...said }, 'answer' in said ? said.answer : undefined);
  }

  #post(message: Message, said: unknown): void {
    const things = handedOver(said);
    if (!this.#closed) this.#port.postMessage(message, things);
    // Who is at its other end would wait for ever.
    else for (const thing of things) if (thing instanceof MessagePort) thing.close();
  }

  #end(): void {
    this.#closed = true;
    for (const { reject } of this.#asked.values()) reject(new Error(GONE));
    this.#asked.clear();
  }
}

const GONE = 'the other thread is gone';

function handedOver(said: unknown): Transferable[] {
  if (typeof said !== 'object' || said === null) return [];
  const things: Transferable[] = [];
  if ('bytes' in said && said.bytes instanceof ArrayBuffer) things.push(said.bytes);
  if ('port' in said && said.port instanceof MessagePort) things.push(said.port);
  return things;
}
