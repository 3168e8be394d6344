import { readTrace } from '../policy/directives.ts';
import { orElse, type Soon, whenThere } from '../shared/soon.ts';
import { answerWith, type Envelope } from './answer-headers.ts';
import { answeredEvent } from './answered.ts';
import type { Call } from './call.ts';
import type { DataPlaneContext } from './data-plane.ts';
import type { Delivery } from './delivery.ts';
import { keptHeadOf } from './kept-heads.ts';
import type { DueRequest, LaneContext, Written } from './lane-connection.ts';
import { answerFromHere } from './proxy.ts';
import { keptAliveHead } from './raw-answer.ts';
import { callFor, whatIsAsked } from './receive.ts';
import { newRequestId } from './request-id.ts';

/** Answers requests with what this instance holds, just as the data plane does, to which it leaves all that takes more than that. */
export function answeringAtOnce(context: DataPlaneContext): LaneContext {
  return {
    clock: context.clock,
    answer(due) {
      return orElse(
        () => new Search(context, due).run(),
        () => undefined,
      );
    },
  };
}

/** The search for one request's answer. */
class Search {
  readonly #context: DataPlaneContext;
  readonly #due: DueRequest;

  constructor(context: DataPlaneContext, due: DueRequest) {
    this.#context = context;
    this.#due = due;
  }

  /** Throws, or rejects with, whatever is wrong with the request. */
  run(): Soon<Written | undefined> {
    const context = this.#context;
    const due = this.#due;
    const { request, body } = due;
    const caller = context.access.identify(request.head.header);
    due.caller = caller;
    const { found } = request.head.place;
    const header = caller.visible(request.header);
    // One that is too large is refused whatever is in it; what a trace is told others may have to be told first.
    if (found === undefined || body.length > context.maxBody || readTrace(header) !== undefined)
      return undefined;
    // What a body is unpacked to takes room, until the request is answered: here nothing is.
    const isPacked = header('content-encoding') !== undefined;
    const asked = isPacked
      ? context.askedLately.find(request.head, body)
      : whatIsAsked(context, request, found, { header, body });
    if (asked === undefined || asked instanceof Promise) return undefined;
    due.asked = asked;
    const received = callFor(context, request, found, asked, { caller, trace: undefined, body });
    if (received instanceof Promise || received.kind !== 'call') return undefined;
    const { call } = received;
    return whenThere(answerFromHere(context, call), (delivery) => this.#written(call, delivery));
  }

  #written(call: Call, delivery: Delivery | undefined): Written | undefined {
    if (delivery?.kind !== 'whole') return undefined;
    const { rendering, report } = delivery;
    const requestId = newRequestId();
    const head = headOf(delivery, { requestId, uncacheableDownstream: call.uncacheableDownstream });
    if (head === undefined) return undefined;
    const { clock, events } = this.#context;
    const { request, came } = this.#due;
    const told = () =>
      events.emit(
        answeredEvent({
          method: request.method,
          endpoint: request.head.place.found?.binding.endpoint.name,
          call,
          passed: undefined,
          report,
          served: delivery.served,
          status: rendering.status,
          outcome: report.outcome,
          ms: clock.elapsed() - came,
          headMs: undefined,
          requestId,
          traced: undefined,
        }),
      );
    return { head, body: rendering.body, told };
  }
}

/** The head of an answer on a connection that goes on; undefined for one that has to be Node's. */
function headOf(
  { rendering, report }: Extract<Delivery, { readonly kind: 'whole' }>,
  envelope: Envelope,
): string | undefined {
  const kept = keptHeadOf(rendering);
  const text = kept?.text(report, envelope.requestId);
  if (text !== undefined) return text;
  // Those of other statuses may go without a body.
  if (rendering.status !== 200) return undefined;
  const headers = answerWith([], rendering.headers, report, envelope);
  headers.push('content-length', String(rendering.body.length));
  const written = keptAliveHead(200, headers);
  if (written !== undefined) kept?.learn(written, report, envelope.requestId);
  return written;
}
