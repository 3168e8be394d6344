import type { Clock } from '../shared/clock.ts';
import type { Event } from './events.ts';

/** From the most talkative to none at all. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** How a log line looks: `json` one object a line, `text` for people. */
export type LogFormat = 'json' | 'text';

type Fields = Readonly<Record<string, string | number | undefined>>;

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

const DELIVERY_LEVEL = {
  accepted: 'info',
  duplicate: 'info',
  unmatched: 'info',
  refused: 'warn',
  failed: 'error',
} as const;

/** Writes one line an event: never a prompt, an answer or a credential, only what {@link Event} names. */
export class Log {
  readonly #rank: number;
  readonly #format: LogFormat;
  readonly #clock: Clock;
  readonly #write: (line: string) => void;

  constructor(options: { level: LogLevel; format: LogFormat; clock: Clock; write: (line: string) => void }) {
    this.#rank = RANK[options.level];
    this.#format = options.format;
    this.#clock = options.clock;
    this.#write = options.write;
  }

  /** Logs `event` at the level that fits it. */
  readonly take = (event: Event): void => {
    switch (event.kind) {
      case 'answered': {
        // The one event of which there are thousands a second.
        if (RANK.debug < this.#rank) return;
        const { kind, ms, level, requestId, ...fields } = event;
        // `level` is the line's own.
        const rounded = Math.round(ms * 10) / 10;
        this.line('debug', kind, { ...fields, tier: level, ms: rounded, request_id: requestId });
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
      case 'background-failed':
        this.line('error', 'background work failed', { label: event.label, error: event.message });
        break;
    }
  };

  /** Logs a message with its fields. */
  line(level: Exclude<LogLevel, 'silent'>, message: string, fields: Fields = {}): void {
    if (RANK[level] < this.#rank) return;
    const time = new Date(this.#clock.now()).toISOString();
    if (this.#format === 'json') {
      this.#write(`${JSON.stringify({ time, level, message, ...fields })}\n`);
      return;
    }
    const words = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${/[\s"]/.test(String(value)) ? JSON.stringify(value) : value}`);
    this.#write(`${[time, level.toUpperCase().padEnd(5), message, ...words].join(' ')}\n`);
  }
}
