import type { ToldElsewhere } from '../composing/shared-lineage.ts';
import type { HubCalls } from './calls.ts';
import type { Wire } from './wire.ts';

/** What instances share of traces, as a thread has it of the hub. Where the hub does not answer, nobody knows. */
export function tracesAt(wire: Wire<HubCalls>): ToldElsewhere {
  return {
    note: (id, tags) => wire.ask('note', { id, tags }).catch(() => undefined),
    told: (ids) => wire.ask('told', ids).catch(() => undefined),
  };
}
