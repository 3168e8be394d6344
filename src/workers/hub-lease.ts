import type { Lease } from '../cache/bus.ts';
import type { HubCalls } from './calls.ts';
import type { Wire } from './wire.ts';

/** Asks the hub for the right to fetch what `id` names. What is there meanwhile counts as fetched elsewhere, and over. */
export async function leaseFrom(wire: Wire<HubCalls>, id: string): Promise<Lease> {
  const answer = await wire.ask('lease', id);
  switch (answer) {
    case 'held':
      return { kind: 'held', release: () => wire.tell('release', id) };
    // Whoever asked first gives it back.
    case 'own':
      return { kind: 'held', release: () => {} };
    case 'found':
      return { kind: 'elsewhere', over: async () => {} };
    case 'elsewhere':
      return { kind: 'elsewhere', over: (ms) => wire.ask('over', { id, ms }) };
  }
}
