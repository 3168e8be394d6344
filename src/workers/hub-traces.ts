import type { SharedTraces } from '../cache/shared-traces.ts';
import type { HubCalls } from './calls.ts';
import type { Wire } from './wire.ts';

/** What instances share of traces, as a thread has it of the hub. Where the hub does not answer, nobody knows. */
export function tracesAt(wire: Wire<HubCalls>): Pick<SharedTraces, 'note' | 'told'> {
  return {
    note: (id, tags) => wire.ask('note', { id, tags }).catch(() => undefined),
    told: (ids) => wire.ask('told', ids).catch(() => undefined),
  };
}
