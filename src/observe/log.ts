import type { Clock } from '../shared/clock.ts';
import type { Answered, Event } from './events.ts';
import { GatheredLines } from './gathered-lines.ts';

/** From the most talkative to none at all. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** How a log line looks: `json` one object a line, `text` for people. */
export type LogFormat = 'json' | 'text';

type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

const DELIVERY_LEVEL = {
  accepted: 'info',
  duplicate: 'info',
  unmatched: 'info',
  refused: 'warn',
  failed: 'error',
} as const;

/** How to log. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Whether every request has a line. */
  readonly requests: boolean;
  readonly clock: Clock;
  /** Given whole lines, of one turn of the event loop as many as there are. */
  readonly write: (lines: string) => void;
  /** How many bytes of what was written are not read yet. If absent all is. */
  readonly unread?: () => number;
}

/** The most that waits for who reads the log. What comes on top of it is dropped, and counted: a log must not fill the memory. */
const MOST_UNREAD = 1_000_000;

/** Writes one line an event: never a prompt, an answer or a credential, only what {@link Event} names. */
export class Log {
  readonly #rank: number;
  readonly #format: LogFormat;
  readonly #requests: boolean;
  readonly #clock: Clock;
  readonly #lines: GatheredLines;
  readonly #unread: () => number;
  #dropped = 0;

  constructor(options: LogOptions) {
    this.#rank = RANK[options.level];
    this.#format = options.format;
    this.#requests = options.requests;
    this.#clock = options.clock;
    this.#lines = new GatheredLines(options.write);
    this.#unread = options.unread ?? (() => 0);
  }

  /** Logs `event` at the level that fits it. */
  readonly take = (event: Event): void => {
    switch (event.kind) {
      case 'answered': {
        if (this.#requests) this.line('info', 'answered', fieldsOf(event));
        break;
      }
      case 'delivery': {
        const { kind, ...fields } = event;
        this.line(DELIVERY_LEVEL[event.outcome], kind, fields);
        break;
      }
      case 'degraded':
        this.line('warn', 'degraded', { what: event.what, why: event.why });
        break;
      case 'recovered':
        this.line('info', 'recovered', { what: event.what, why: event.why });
        break;
      case 'invalidated': {
        const { kind, dryRun, tags, ...fields } = event;
        this.line('info', kind, { ...fields, dry_run: dryRun, tags: tags.join(', ') || undefined });
        break;
      }
      case 'refused':
        // Whoever guesses keys should not fill the log: the alert on refusals says how many there are.
        this.line('debug', 'refused', { at: event.at });
        break;
      case 'alert':
        this.line(event.state === 'raised' ? 'warn' : 'info', `alert ${event.state}`, {
          id: event.id,
          severity: event.severity,
          what: event.message,
        });
        break;
      case 'background-failed':
        this.line('error', 'background work failed', { label: event.label, error: event.message });
        break;
    }
  };

  /** Logs a message with its fields: a warning or an error at once, with all that came before it. */
  line(level: Exclude<LogLevel, 'silent'>, message: string, fields: Fields = {}): void {
    if (RANK[level] < this.#rank) return;
    if (this.#unread() > MOST_UNREAD) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) {
      const lines = this.#dropped;
      this.#dropped = 0;
      this.line('warn', 'dropped: nobody read the log', { lines });
    }
    const time = new Date(this.#clock.now()).toISOString();
    const line = (this.#format === 'json' ? asJson : asText)(time, level, message, fields);
    this.#lines.add(`${line}\n`);
    if (RANK[level] >= RANK.warn) this.flush();
  }

  /** Writes what waits for the end of the turn: to be called before the process ends. */
  flush(): void {
    this.#lines.flush();
  }
}

function asJson(time: string, level: LogLevel, message: string, fields: Fields): string {
  return JSON.stringify({ time, level, message, ...fields });
}

function asText(time: string, level: LogLevel, message: string, fields: Fields): string {
  const words = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${/[\s"]/.test(String(value)) ? JSON.stringify(value) : value}`);
  return [time, level.toUpperCase().padEnd(5), message, ...words].join(' ');
}

/** What is logged of a request: nothing of what was asked or answered, and nothing of who did. */
function fieldsOf(event: Answered): Fields {
  const { usage, spared } = event;
  return {
    endpoint: event.endpoint,
    type: event.type,
    method: event.method,
    status: event.status,
    outcome: event.outcome,
    reason: event.reason,
    // `level` is the line's own.
    tier: event.level,
    key: event.key,
    parts: event.parts && `${event.parts.hits}/${event.parts.total}`,
    ms: Math.round(event.ms * 10) / 10,
    prompt_tokens: usage?.promptTokens,
    completion_tokens: usage?.completionTokens,
    saved_tokens: spared?.usage && spared.usage.promptTokens + spared.usage.completionTokens,
    request_id: event.requestId,
    trace_id: event.traced?.span.traceId,
  };
}
