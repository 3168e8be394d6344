import { badge, byId, element } from './dom.js';
import { count, duration, NOTHING, percent, timeOfDay } from './format.js';
import { listAt, numberAt, textAt } from './json.js';
import { table } from './table.js';

/** @typedef {{ key: string, requests: number, hits: number | undefined }} KeyCount  how often it was asked for, and served; where that is known */

/** The requests that have just been answered, and the keys that are asked for most. */
export class Requests {
  #recent = table(
    byId('recent', HTMLElement),
    'Recent requests',
    [
      ['Time'],
      ['Outcome'],
      ['Why'],
      ['Level'],
      ['Endpoint'],
      ['Status', 'number'],
      ['Took', 'number'],
      ['Key', 'wide'],
    ],
    'Nothing has been asked since this page was opened. With the live feed on, each request appears here as it is answered.',
  );
  #top = table(
    byId('top-keys', HTMLElement),
    'Keys that are asked for most',
    [
      ['Key', 'wide'],
      ['Requests', 'number'],
      ['Hit rate', 'number'],
    ],
    'No keys yet.',
  );
  /** @type {{ id: number, at: number, event: unknown }[]} */
  #events = [];
  /** @type {Map<string, KeyCount>} */
  #keys = new Map();
  #made = 0;

  /** Takes in an answered request. @param {unknown} event */
  answered(event) {
    this.#made += 1;
    const at = Date.parse(textAt(event, 'at') ?? '') || Date.now();
    this.#events.unshift({ id: this.#made, at, event });
    this.#events.length = Math.min(this.#events.length, MOST_EVENTS);
    const key = textAt(event, 'key');
    if (key === undefined) return;
    const counted = this.#keys.get(key) ?? { key, requests: 0, hits: 0 };
    counted.requests += 1;
    if (SERVED.has(textAt(event, 'outcome') ?? '')) counted.hits = (counted.hits ?? 0) + 1;
    // Asked for last is last: when there are too many, the one that was not asked for longest goes.
    this.#keys.delete(key);
    this.#keys.set(key, counted);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > MOST_KEYS && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** @param {unknown} figures  what `GET /monitoring/cache` says */
  show(figures) {
    this.#recent(
      this.#events.map(({ id, at, event }) => ({
        key: String(id),
        cells: () => [
          timeOfDay(at),
          outcomeBadge(textAt(event, 'outcome')),
          textAt(event, 'reason') ?? NOTHING,
          textAt(event, 'level') ?? NOTHING,
          textAt(event, 'endpoint') ?? NOTHING,
          String(numberAt(event, 'status') ?? NOTHING),
          duration(numberAt(event, 'ms')),
          shortKey(textAt(event, 'key')),
        ],
      })),
    );
    const told = listAt(figures, 'top_keys').map((item) => ({
      key: textAt(item, 'key') ?? NOTHING,
      requests: numberAt(item, 'requests') ?? 0,
      hits: numberAt(item, 'hits'),
    }));
    const keys = told.length > 0 ? told : [...this.#keys.values()];
    this.#top(
      keys
        .toSorted((one, other) => other.requests - one.requests)
        .slice(0, SHOWN_KEYS)
        .map(({ key, requests, hits }) => ({
          key,
          state: `${requests} ${hits}`,
          cells: () => [
            shortKey(key),
            count(requests),
            percent(requests === 0 || hits === undefined ? undefined : hits / requests),
          ],
        })),
    );
  }
}

const MOST_EVENTS = 15;
const MOST_KEYS = 1_000;
const SHOWN_KEYS = 10;
const SERVED = new Set(['HIT', 'STALE', 'COALESCED']);

/** @param {string | undefined} outcome  the word of `x-cache` */
function outcomeBadge(outcome = NOTHING) {
  return badge(outcome.toLowerCase(), DOTS.get(outcome) ?? 'bypass');
}

const DOTS = new Map([
  ['HIT', 'hit'],
  ['COALESCED', 'coalesced'],
  ['STALE', 'stale'],
  ['PARTIAL', 'partial'],
  ['MISS', 'miss'],
  ['REFRESH', 'miss'],
  ['ERROR', 'error'],
]);

/**
 * A shown key, of whose digest the beginning tells it from others; all of it is in its title.
 * @param {string | undefined} key
 */
export function shortKey(key) {
  if (key === undefined) return NOTHING;
  return element('code', { title: key }, key.replace(/([^/]{10})[^/]*$/, '$1…'));
}
