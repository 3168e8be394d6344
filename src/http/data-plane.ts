import type { ServerResponse } from 'node:http';
import type { Events } from '../observe/events.ts';
import { messageOf, RepriseError } from '../shared/errors.ts';
import { deliver, deliverError } from './deliver.ts';
import { newId } from './delivery.ts';
import type { HeadedRequest } from './heads.ts';
import { answer } from './proxy.ts';
import { type ReceiveContext, type Received, receive } from './receive.ts';
import type { ProxyContext } from './refresh.ts';
import { relay } from './relay.ts';
import type { Report } from './report.ts';
import { costOf, type Served } from './served.ts';
import { toldOfTrace, traced } from './traced-request.ts';
import type { TracingContext } from './tracing.ts';

/** What the data plane works with. */
export interface DataPlaneContext extends ReceiveContext, ProxyContext, TracingContext {}

/**
 * Answers one data-plane request. Never rejects: what goes wrong is told to the
 * client, or its connection is destroyed.
 */
export async function serveData(
  context: DataPlaneContext,
  asked: HeadedRequest,
  response: ServerResponse,
): Promise<void> {
  const request = traced(context, asked);
  const began = context.clock.elapsed();
  const requestId = `req_${newId()}`;
  let received: Received | undefined;
  let report: Report | undefined;
  let served: Served | undefined;
  let headMs: number | undefined;
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
      if (delivery.kind !== 'relay') {
        served = delivery.served;
        headMs = context.clock.elapsed() - began;
      }
      await deliver(delivery, response, { requestId, uncacheableDownstream });
    }
  } catch (thrown) {
    const error = known(thrown, context.events);
    if (error.code === 'unauthorized') context.events.emit({ kind: 'refused', at: 'data plane' });
    deliverError(error, response, requestId);
  }
  const call = received?.kind === 'call' ? received.call : undefined;
  context.events.emit({
    kind: 'answered',
    endpoint: received?.endpoint ?? 'unknown',
    type: call?.plan.type ?? (received?.kind === 'relay' ? received.type : undefined),
    upstream: (received?.kind === 'relay' ? received.relay : call)?.upstream.name,
    model: call?.plan.label,
    namespace: call?.directives.namespace,
    method: request.method,
    status: response.statusCode,
    outcome,
    reason: report?.reason ?? (received?.kind === 'relay' ? received.relay.reason : undefined),
    level: report?.level,
    key: report?.key,
    keys: call?.keys ?? [],
    parts: report?.parts,
    ...(served && call ? costOf(served, call.plan.order) : { usage: undefined, spared: undefined }),
    ms: context.clock.elapsed() - began,
    headMs,
    upstreamMs: served?.ownMs(),
    requestId,
    traced: toldOfTrace(request),
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
