import { RepriseError } from '../../../src/shared/errors.ts';
import type { Sink, UpstreamCall, UpstreamClient } from '../../../src/upstream/client.ts';
import { chatChunks } from '../../support/chat-completions.ts';

/** How a call ends. */
export type Ending = 'answered' | 'failed' | 'broken';

/** A call that waits for its answer. */
export class PendingCall {
  /** Its number: what it is answered with says it. */
  readonly number: number;
  readonly #call: UpstreamCall;
  readonly #sink: Sink;
  #begun = false;

  constructor(number: number, call: UpstreamCall, sink: Sink) {
    this.number = number;
    this.#call = call;
    this.#sink = sink;
  }

  /** Sends the head, and of a stream the first event; true if that was still to be done. */
  begin(): boolean {
    if (this.#begun) return false;
    this.#begun = true;
    const [, product] = this.#call.path.split('/catalog/');
    this.#sink.head(200, [
      ['content-type', this.#streams ? 'text/event-stream' : 'application/json'],
      ...(product === undefined ? [] : [['cache-tag', `product:${product}`] as const]),
    ]);
    if (this.#streams) this.#sink.data(Buffer.from(this.#events[0] ?? ''));
    return true;
  }

  /** Sends what is left of it. */
  end(ending: Ending): void {
    if (ending === 'failed' && !this.#begun) {
      this.#sink.head(500, [['content-type', 'application/json']]);
      this.#sink.data(Buffer.from('{"error":{}}'));
      this.#sink.end();
      return;
    }
    this.begin();
    // Of a page nobody can tell that it is not whole, unless its connection breaks.
    if (ending !== 'answered' && this.#call.path.includes('/catalog/')) {
      this.#sink.error(new RepriseError('upstream_unreachable', 'The connection broke.'));
      return;
    }
    const [, ...events] = this.#events;
    if (ending !== 'answered') this.#sink.data(Buffer.from(this.#streams ? (events[0] ?? '') : '{'));
    else this.#sink.data(Buffer.from(this.#streams ? events.join('') : this.#json()));
    this.#sink.end();
  }

  get #asked(): Record<string, unknown> {
    return Buffer.isBuffer(this.#call.body) ? JSON.parse(this.#call.body.toString()) : {};
  }

  get #streams(): boolean {
    return this.#asked.stream === true;
  }

  get #events(): readonly string[] {
    if (!this.#streams) return [];
    return chatChunks({ ...this.#asked, model: `call ${this.number}` }).map(
      (data) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`,
    );
  }

  #json(): string {
    const { path } = this.#call;
    const call = `call ${this.number}`;
    const [, query] = path.split('/search?q=');
    if (path.includes('/catalog/')) return JSON.stringify({ call });
    if (query !== undefined) return JSON.stringify({ call, products: [...new Set(['0', query])] });
    if (path.endsWith('/embeddings')) {
      const { input } = this.#asked;
      const texts = Array.isArray(input) ? input : [input];
      const data = texts.map((_, index) => ({ object: 'embedding', index, embedding: [this.number, 1] }));
      const usage = { prompt_tokens: texts.length, total_tokens: texts.length };
      return JSON.stringify({ object: 'list', data, model: 'e', usage });
    }
    const message = { role: 'assistant', content: call, refusal: null };
    return JSON.stringify({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    });
  }
}

/** An upstream whose calls wait until a test lets them end. */
export class HeldUpstream implements UpstreamClient {
  readonly #pending: PendingCall[] = [];
  readonly #onCall: (call: UpstreamCall) => number;

  /** `onCall` is told of each call as it is sent, and gives its number. */
  constructor(onCall: (call: UpstreamCall) => number) {
    this.#onCall = onCall;
  }

  send(call: UpstreamCall, sink: Sink) {
    const pending = new PendingCall(this.#onCall(call), call, sink);
    this.#pending.push(pending);
    queueMicrotask(() => sink.begin?.());
    return { abort: () => this.#forget(pending), pause() {}, resume() {} };
  }

  /** The `at`-th of the calls under way, counted around. */
  at(at: number): PendingCall | undefined {
    return this.#pending[at % Math.max(1, this.#pending.length)];
  }

  /** Ends a call. */
  end(pending: PendingCall, ending: Ending): void {
    this.#forget(pending);
    pending.end(ending);
  }

  async close(): Promise<void> {}

  #forget(pending: PendingCall): void {
    const at = this.#pending.indexOf(pending);
    if (at >= 0) this.#pending.splice(at, 1);
  }
}
