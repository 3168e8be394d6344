/** Something an operator should look at. */
export interface Alert {
  readonly id: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly message: string;
}

/** What tells whether there is something to look at. */
export interface AlertRule<Seen> {
  readonly id: string;
  readonly severity: Alert['severity'];
  /**
   * Why there is, in words for an operator; undefined if there is not. Where `raised` says that it has been found before, a rule asks
   * for more before it says that it is over.
   */
  readonly check: (seen: Seen, raised: boolean) => string | undefined;
}

/** An alert that stands. */
export interface Raised extends Alert {
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Looks in a row that have to agree before an alert is raised, and before it is cleared. */
const TO_RAISE = 2;
const TO_CLEAR = 3;

/** Raises alerts and clears them, neither by a single look: what comes and goes is told once. */
export class Alerts<Seen> {
  readonly #watched: readonly Watched<Seen>[];
  readonly #tell: (alert: Raised, state: 'raised' | 'cleared') => void;

  constructor(rules: readonly AlertRule<Seen>[], tell: (alert: Raised, state: 'raised' | 'cleared') => void) {
    this.#watched = rules.map((rule) => ({ rule, raised: undefined, contrary: 0 }));
    this.#tell = tell;
  }

  /** Those that stand, in the order of their rules. */
  get raised(): readonly Raised[] {
    return this.#watched.flatMap(({ raised }) => raised ?? []);
  }

  /** Has every rule look; `now` in milliseconds since the epoch. */
  look(seen: Seen, now: number): void {
    for (const watched of this.#watched) this.#lookAt(watched, seen, now);
  }

  #lookAt(watched: Watched<Seen>, seen: Seen, now: number): void {
    const { rule, raised } = watched;
    const message = rule.check(seen, raised !== undefined);
    const { id, severity } = rule;
    if ((message !== undefined) === (raised !== undefined)) {
      watched.contrary = 0;
      if (raised !== undefined && message !== undefined) watched.raised = { ...raised, message };
      return;
    }
    watched.contrary += 1;
    if (message !== undefined && watched.contrary >= TO_RAISE) {
      watched.raised = { id, severity, message, since: now };
      watched.contrary = 0;
      this.#tell(watched.raised, 'raised');
    } else if (raised !== undefined && watched.contrary >= TO_CLEAR) {
      watched.raised = undefined;
      watched.contrary = 0;
      this.#tell(raised, 'cleared');
    }
  }
}

interface Watched<Seen> {
  readonly rule: AlertRule<Seen>;
  raised: Raised | undefined;
  /** Looks in a row that said the contrary. */
  contrary: number;
}
