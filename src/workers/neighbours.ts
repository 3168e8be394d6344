import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Claim, OtherThreads, OwnerLine, Wish } from '../http/other-threads.ts';
import type { HubCalls } from './calls.ts';
import { followerLine, ownerLine } from './thread-line.ts';
import type { Wire } from './wire.ts';

/** The other threads of this instance, found through the hub; each line between two of them is their own. */
export class Neighbours implements OtherThreads {
  readonly #wire: Wire<HubCalls>;
  /** Lines of those that follow a fetch of this thread. */
  readonly #following = new Set<MessagePort>();
  #take: ((wish: Wish, line: OwnerLine) => void) | undefined;
  #onIdle: (() => void) | undefined;

  constructor(wire: Wire<HubCalls>) {
    this.#wire = wire;
  }

  async claim(id: string, past: number): Promise<Claim> {
    // Where the hub is gone everybody fetches.
    const answer = await this.#wire.ask('claim', { id, past }).catch(() => ({ held: 0, again: false }));
    if ('held' in answer) {
      const { held, again } = answer;
      return { kind: 'held', again, release: () => this.#wire.tell('release', held) };
    }
    const { there: number } = answer;
    return { kind: 'there', number, follow: (wish) => this.#follow(number, wish) };
  }

  listen(take: (wish: Wish, line: OwnerLine) => void): void {
    this.#take = take;
  }

  /** The hub brings one that would follow a fetch of this thread. */
  readonly follow = ({ wish, port }: { readonly wish: Wish; readonly port: MessagePort }): void => {
    this.#following.add(port);
    port.on('close', () => {
      this.#following.delete(port);
      if (this.#following.size === 0) this.#onIdle?.();
    });
    if (this.#take === undefined) port.close();
    else this.#take(wish, ownerLine(port));
  };

  /** Resolves when nobody follows a fetch of this thread. */
  async idle(): Promise<void> {
    if (this.#following.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #follow(number: number, wish: Wish) {
    const { port1, port2 } = new MessageChannel();
    this.#wire.tell('follow', { number, wish, port: port2 });
    return followerLine(port1);
  }
}
