import { BriefMap } from '../shared/brief-map.ts';
import type { Comer, Place, Turnstile } from '../upstream/gate.ts';
import type { HubCalls } from './calls.ts';
import type { Wire } from './wire.ts';

/** The calls of a thread that stand at the hub's gates, by numbers. */
export class HubGates {
  readonly #wire: Wire<HubCalls>;
  readonly #comers = new BriefMap<
    number,
    { readonly comer: Comer; readonly place: Place; readonly gate: HubGate }
  >();
  #numbers = 0;

  constructor(wire: Wire<HubCalls>) {
    this.#wire = wire;
  }

  /** The gate of an upstream, which all threads have in common. An `open` one lets everybody in at once, and the hub counts. */
  gateOf(upstream: string, open: boolean): Turnstile {
    const gate: HubGate = new HubGate((comer) => {
      this.#numbers += 1;
      const call = this.#numbers;
      const place = { leave: () => this.#leave(call) };
      this.#comers.set(call, { comer, place, gate });
      this.#wire.tell('enter', { upstream, call, open });
      if (open) comer.turn(place);
      return place;
    }, open);
    return gate;
  }

  /** The call's turn has come. */
  turn(call: number): void {
    const waiting = this.#comers.get(call);
    if (waiting !== undefined && !waiting.gate.open) waiting.comer.turn(waiting.place);
  }

  /** The call's turn will not come: the queue is full, or the call has stood in it for too long. */
  refused(call: number, delayMs: number): void {
    const refused = this.#comers.get(call);
    if (refused === undefined) return;
    this.#comers.delete(call);
    refused.gate.delayMs = delayMs;
    refused.comer.refused();
  }

  #leave(call: number): void {
    if (this.#comers.delete(call)) this.#wire.tell('leave', call);
  }
}

/** A gate at which one asks the hub. */
class HubGate implements Turnstile {
  // The hub knows them, and tells them.
  readonly inside = 0;
  readonly waiting = 0;
  /** It is found out by asking. */
  readonly full = false;
  readonly open: boolean;
  readonly enter: (comer: Comer) => Place;
  delayMs = 0;

  constructor(enter: (comer: Comer) => Place, open: boolean) {
    this.enter = enter;
    this.open = open;
  }
}
