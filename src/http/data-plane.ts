import type { ServerResponse } from 'node:http';
import type { Events } from '../observe/events.ts';
import { messageOf, RepriseError } from '../shared/errors.ts';
import { onceRead } from '../shared/once-read.ts';
import { orElse, type Soon, whenThere } from '../shared/soon.ts';
import { answeredEvent } from './answered.ts';
import type { FoundOut } from './asked.ts';
import type { BodyRoom, Room } from './body-room.ts';
import type { Call } from './call.ts';
import { deliver, deliverError } from './deliver.ts';
import type { Delivery } from './delivery.ts';
import { defect } from './errors.ts';
import type { HeadedRequest } from './heads.ts';
import { answer } from './proxy.ts';
import { type ReceiveContext, type Received, receive } from './receive.ts';
import type { ProxyContext } from './refresh.ts';
import { relay } from './relay.ts';
import type { Report } from './report.ts';
import { newRequestId } from './request-id.ts';
import type { Served } from './served.ts';
import { toldOfTrace, traced } from './traced-request.ts';
import type { TracingContext } from './tracing.ts';
import type { VectorStoreWrites } from './vector-store-writes.ts';

/** What the data plane works with. */
export interface DataPlaneContext extends ReceiveContext, ProxyContext, TracingContext {
  readonly storeWrites: VectorStoreWrites;
  readonly bodies: BodyRoom;
}

/**
 * Answers data-plane requests: each once all that came with its head is read, so that its body, as a rule, need not be waited for.
 * A hit then is answered without a promise. Never throws: what goes wrong is told to the client, or its connection is destroyed.
 */
export function dataPlane(
  context: DataPlaneContext,
): (request: HeadedRequest, response: ServerResponse, known?: FoundOut) => void {
  const run = (serving: Serving) => {
    try {
      serving.run();
    } catch (thrown) {
      // A defect of who listens to what is told, after the answer: told like all others, and nobody else’s request.
      void Promise.reject(thrown);
    }
  };
  const answerOne = onceRead(run);
  return (request, response, known) => {
    const serving = new Serving(context, request, response, known);
    // What was looked at before is read: its body comes in this very turn.
    if (known === undefined) answerOne(serving);
    else queueMicrotask(() => run(serving));
  };
}

/** One request on its way to its answer. */
class Serving {
  readonly #context: DataPlaneContext;
  readonly #request: HeadedRequest;
  readonly #response: ServerResponse;
  readonly #known: FoundOut | undefined;
  readonly #began: number;
  readonly #requestId = newRequestId();
  readonly #room: Room;
  #received: Received | undefined;
  #report: Report | undefined;
  #served: Served | undefined;
  #headMs: number | undefined;
  #outcome = 'ERROR';

  constructor(
    context: DataPlaneContext,
    request: HeadedRequest,
    response: ServerResponse,
    known: FoundOut | undefined,
  ) {
    this.#context = context;
    this.#request = traced(context, request);
    this.#response = response;
    this.#known = known;
    this.#began = context.clock.elapsed();
    this.#room = context.bodies.open();
  }

  run(): void {
    const answered = orElse(
      () =>
        whenThere(receive(this.#context, this.#request, this.#room, this.#known), (received) =>
          this.#answer(received),
        ),
      (thrown) => this.#fail(thrown),
    );
    void whenThere(answered, () => this.#tell());
  }

  #answer(received: Received): Soon<void> {
    this.#received = received;
    if (received.kind === 'relay') return this.#relay(received);
    const response = this.#response;
    const delivery = answer(this.#context, received.call, (leave) => {
      if (response.destroyed) leave();
      else response.once('close', leave);
    });
    return whenThere(delivery, (found) => this.#deliver(found, received.call));
  }

  async #relay({ relay: work, type }: Extract<Received, { kind: 'relay' }>): Promise<void> {
    const forward = (answered?: () => Promise<void>) =>
      relay(work, this.#response, this.#requestId, answered);
    if (work.writes === undefined) await forward();
    else await this.#context.storeWrites.around(work.writes, forward);
    this.#outcome = type === undefined ? 'RELAY' : 'BYPASS';
  }

  #deliver(delivery: Delivery, { uncacheableDownstream }: Call): Soon<void> {
    this.#report = delivery.report;
    this.#outcome = delivery.report.outcome;
    const delivered = deliver(delivery, this.#response, {
      requestId: this.#requestId,
      uncacheableDownstream,
    });
    if (delivery.kind !== 'relay') {
      this.#served = delivery.served;
      // What is not through at once has begun; what is, with its head.
      if (delivered instanceof Promise) this.#headMs = this.#context.clock.elapsed() - this.#began;
    }
    return delivered;
  }

  #fail(thrown: unknown): void {
    const { events } = this.#context;
    const error = known(thrown, events);
    if (error.code === 'unauthorized') events.emit({ kind: 'refused', at: 'data plane' });
    deliverError(error, this.#response, this.#requestId);
  }

  #tell(): void {
    this.#room.leave();
    const received = this.#received;
    this.#context.events.emit(
      answeredEvent({
        method: this.#request.method,
        endpoint: received?.endpoint,
        call: received?.kind === 'call' ? received.call : undefined,
        passed: received?.kind === 'relay' ? received : undefined,
        report: this.#report,
        served: this.#served,
        status: this.#response.statusCode,
        outcome: this.#outcome,
        ms: this.#context.clock.elapsed() - this.#began,
        headMs: this.#headMs,
        requestId: this.#requestId,
        traced: toldOfTrace(this.#request),
      }),
    );
  }
}

/** What was thrown as an error a client can be told of; a defect of ours is logged, and the client learns no details. */
function known(thrown: unknown, events: Events): RepriseError {
  if (thrown instanceof RepriseError) return thrown;
  events.emit({ kind: 'background-failed', label: 'request', message: messageOf(thrown) });
  return defect(thrown);
}
