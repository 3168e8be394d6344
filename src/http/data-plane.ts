import type { ServerResponse } from 'node:http';
import type { Events } from '../observe/events.ts';
import { messageOf, RepriseError } from '../shared/errors.ts';
import { deliver, deliverError } from './deliver.ts';
import { newId } from './delivery.ts';
import { answer } from './proxy.ts';
import { type ReceiveContext, type Received, receive } from './receive.ts';
import type { ProxyContext } from './refresh.ts';
import { relay } from './relay.ts';
import type { Report } from './report.ts';
import type { Request } from './request.ts';

/** What the data plane works with. */
export interface DataPlaneContext extends ReceiveContext, ProxyContext {
  readonly events: Events;
}

/**
 * Answers one data-plane request. Never rejects: what goes wrong is told to the
 * client, or its connection is destroyed.
 */
export async function serveData(
  context: DataPlaneContext,
  request: Request,
  response: ServerResponse,
): Promise<void> {
  const began = context.clock.elapsed();
  const requestId = `req_${newId()}`;
  let received: Received | undefined;
  let report: Report | undefined;
  let outcome = 'ERROR';
  try {
    received = await receive(context, request);
    const { uncacheableDownstream } = received.kind === 'call' ? received.call : received.relay;
    if (received.kind === 'relay') {
      const { relay: work } = received;
      if (work.writes === undefined) await relay(work, response, requestId);
      else {
        await context.storeWrites.around(work.writes, (answered) =>
          relay(work, response, requestId, answered),
        );
      }
      outcome = received.type === undefined ? 'RELAY' : 'BYPASS';
    } else {
      const delivery = await answer(context, received.call, (leave) => {
        if (response.destroyed) leave();
        else response.once('close', leave);
      });
      report = delivery.report;
      outcome = report.outcome;
      await deliver(delivery, response, { requestId, uncacheableDownstream });
    }
  } catch (thrown) {
    deliverError(known(thrown, context.events), response, requestId);
  }
  context.events.emit({
    kind: 'answered',
    endpoint: received?.endpoint ?? 'unknown',
    type: received?.kind === 'call' ? received.call.plan.type : received?.type,
    method: request.method,
    status: response.statusCode,
    outcome,
    reason: report?.reason ?? (received?.kind === 'relay' ? received.relay.reason : undefined),
    level: report?.level,
    key: report?.key,
    ms: context.clock.elapsed() - began,
    requestId,
  });
}

/** What was thrown as an error a client can be told of; a defect of ours is logged, and the client learns no details. */
function known(thrown: unknown, events: Events): RepriseError {
  if (thrown instanceof RepriseError) return thrown;
  events.emit({ kind: 'background-failed', label: 'request', message: messageOf(thrown) });
  return new RepriseError('internal_error', 'Something is wrong in the proxy itself; its log says what.', {
    cause: thrown,
  });
}
