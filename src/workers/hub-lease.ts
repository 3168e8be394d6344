import type { Given } from '../http/leases.ts';
import type { HubCalls } from './calls.ts';
import type { Wire } from './wire.ts';

/** Asks the hub for the right to fetch what `id` names. Where the hub is gone everybody has it. */
export async function leaseFrom(wire: Wire<HubCalls>, id: string): Promise<Given> {
  const answer = await wire.ask('lease', id).catch(() => ({ held: 0, again: false }));
  return 'held' in answer
    ? { kind: 'held', again: answer.again, release: () => wire.tell('release', answer.held) }
    : {
        kind: 'elsewhere',
        over: (ms) => wire.ask('over', { lease: answer.elsewhere, ms }).catch(() => undefined),
      };
}
