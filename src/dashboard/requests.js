import { badge, byId, element } from './dom.js';
import { count, duration, NOTHING, percent, timeOfDay } from './format.js';
import { listAt, numberAt, textAt } from './json.js';
import { table } from './table.js';

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
      ['Share', 'number'],
    ],
    'No keys yet.',
  );
  /** @type {{ id: number, at: number, event: unknown }[]} */
  #events = [];
  #omitted = byId('recent-omitted', HTMLElement);
  #made = 0;

  /** Takes in an answered request. @param {unknown} event */
  answered(event) {
    this.#made += 1;
    const at = Date.parse(textAt(event, 'at') ?? '') || Date.now();
    this.#events.unshift({ id: this.#made, at, event });
    this.#events.length = Math.min(this.#events.length, MOST_EVENTS);
  }

  /** Shows the requests there were. */
  showRecent() {
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
  }

  /** @param {unknown} figures  what `GET /monitoring/cache` says */
  showKeys(figures) {
    const total = numberAt(figures, 'requests', 'total') ?? 0;
    this.#top(
      listAt(figures, 'top_keys')
        .slice(0, SHOWN_KEYS)
        .map((told) => {
          const [key, requests] = [textAt(told, 'key'), numberAt(told, 'requests')];
          const share = percent(requests === undefined || total === 0 ? undefined : requests / total);
          return {
            key: key ?? NOTHING,
            state: `${requests} ${share}`,
            cells: () => [shortKey(key), count(requests), share],
          };
        }),
    );
  }

  /** @param {number | undefined} number  of requests of the last second that the feed has not told */
  showOmitted(number = 0) {
    this.#omitted.textContent =
      number === 0 ? '' : `There are more than are listed: ${count(number)} in the last second.`;
  }
}

const MOST_EVENTS = 15;
const SHOWN_KEYS = 10;

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
  ['REFRESH', 'refresh'],
  ['RELAY', 'relay'],
  ['ERROR', 'error'],
]);

/**
 * A shown key, of whose digest the beginning tells it from others; all of it is in its title.
 * @param {string | undefined} key
 */
export function shortKey(key) {
  if (key === undefined) return NOTHING;
  const segments = key.replace(/([^/]{10})[^/]*$/, '$1…').split('/');
  // Where it has to be broken, then behind a slash.
  const pieces = segments.flatMap((segment, at) =>
    at === segments.length - 1 ? [segment] : [`${segment}/`, element('wbr')],
  );
  return element('code', { title: key }, ...pieces);
}
