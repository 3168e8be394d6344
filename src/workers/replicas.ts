import type { Entry, Tagged } from '../cache/entry.ts';
import { Graves } from '../cache/graves.ts';
import type { Watch } from '../cache/listed.ts';
import type { Mark, Standing, Subject } from '../cache/mark.ts';
import { Marks } from '../cache/marks.ts';
import { MemoryTier } from '../cache/memory.ts';
import { type Inherited, Lineage } from '../policy/lineage.ts';
import type { StampedTag } from '../policy/told.ts';
import { Verifications } from '../policy/verifications.ts';
import type { Clock } from '../shared/clock.ts';
import type { Bulletin } from './bulletin.ts';

// What every thread has of its own and all are to agree on. Each knows what it is told by its own requests at once, tells the
// others, and listens to them before it answers. What it hears goes to the same method of the class above.

/** The marks of the thread that makes them. */
export class PublishedMarks extends Marks {
  readonly #bulletin: Pick<Bulletin, 'post'>;

  constructor(bulletin: Pick<Bulletin, 'post'>) {
    super();
    this.#bulletin = bulletin;
  }

  override add(mark: Mark): void {
    super.add(mark);
    this.#bulletin.post({ kind: 'mark', mark });
  }

  override retire(oldest: number): void {
    super.retire(oldest);
    this.#bulletin.post({ kind: 'retire', oldest });
  }
}

/** The marks of the others. */
export class FollowedMarks extends Marks {
  readonly #bulletin: Pick<Bulletin, 'catchUp'>;

  constructor(bulletin: Pick<Bulletin, 'catchUp'>) {
    super();
    this.#bulletin = bulletin;
  }

  override get latest(): number {
    this.#bulletin.catchUp();
    return super.latest;
  }

  override get latestTag(): number {
    this.#bulletin.catchUp();
    return super.latestTag;
  }

  override standing(subject: Subject, more?: readonly Tagged[]): Standing {
    this.#bulletin.catchUp();
    return super.standing(subject, more);
  }
}

/** L1 of a thread: what is looked up there is the last that any thread has said to be there. */
export class FollowedMemory extends MemoryTier {
  readonly #bulletin: Pick<Bulletin, 'catchUp'>;

  constructor(
    bulletin: Pick<Bulletin, 'catchUp'>,
    limits: ConstructorParameters<typeof MemoryTier>[0],
    clock: Clock,
    watch: Watch,
  ) {
    super(limits, clock, watch);
    this.#bulletin = bulletin;
  }

  override get(...asked: Parameters<MemoryTier['get']>): Entry | undefined {
    this.#bulletin.catchUp();
    return super.get(...asked);
  }
}

/** Which entries were removed, by whichever thread. */
export class SharedGraves extends Graves {
  readonly #bulletin: Bulletin;

  constructor(bulletin: Bulletin, clock: Clock) {
    super(clock);
    this.#bulletin = bulletin;
  }

  override note(id: string): void {
    super.note(id);
    this.#bulletin.post({ kind: 'removed', ids: [id] });
  }

  override has(id: string): boolean {
    this.#bulletin.catchUp();
    return super.has(id);
  }

  /** Another thread has removed it. */
  hear(id: string): void {
    super.note(id);
  }
}

/** What traces have been told, by whichever thread. */
export class SharedLineage extends Lineage {
  readonly #bulletin: Bulletin;

  constructor(bulletin: Bulletin, clock: Clock) {
    super(clock);
    this.#bulletin = bulletin;
  }

  override note(owner: string, id: string, tags: readonly StampedTag[]): void {
    super.note(owner, id, tags);
    if (tags.length > 0) this.#bulletin.post({ kind: 'traced', owner, id, tags });
  }

  override inherited(owner: string, id: string): Inherited {
    this.#bulletin.catchUp();
    return super.inherited(owner, id);
  }

  /** Another thread has noted this. */
  hear(owner: string, id: string, tags: readonly StampedTag[]): void {
    super.note(owner, id, tags);
  }
}

/** Which credentials are verified, by the calls of whichever thread. */
export class SharedVerifications extends Verifications {
  readonly #bulletin: Bulletin;

  constructor(bulletin: Bulletin, ttlMs: number, clock: Clock) {
    super(ttlMs, clock);
    this.#bulletin = bulletin;
  }

  override holds(credential: string, realm: string): boolean {
    this.#bulletin.catchUp();
    return super.holds(credential, realm);
  }

  override answered(credential: string, realm: string | undefined, status: number): void {
    super.answered(credential, realm, status);
    // Of calls that belong to no realm only a refusal is of consequence.
    if (realm !== undefined || status === 401)
      this.#bulletin.post({ kind: 'verified', credential, realm, status });
  }

  /** Another thread has been told this. */
  hear(credential: string, realm: string | undefined, status: number): void {
    super.answered(credential, realm, status);
  }
}
