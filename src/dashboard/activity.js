import { badge, byId, timeElement } from './dom.js';
import { count, fromNow, NOTHING, timeOfDay } from './format.js';
import { fieldsAt, listAt, numberAt, textAt, valueAt } from './json.js';
import { table } from './table.js';

/** Invalidations, and deliveries to webhooks. */
export class Activity {
  #invalidations = table(
    byId('invalidations', HTMLElement),
    'Invalidations',
    [['When'], ['By'], ['What', 'wide'], ['How'], ['Matched', 'number'], ['Invalidated', 'number']],
    'Nothing has been invalidated yet.',
  );
  #deliveries = table(
    byId('deliveries', HTMLElement),
    'Deliveries to webhooks',
    [['When'], ['Webhook'], ['Event'], ['Outcome'], ['Invalidated', 'number'], ['Why', 'wide']],
    'No delivery has come since this page was opened.',
  );
  /** @type {{ id: number, at: number, event: unknown }[]} */
  #events = [];
  #made = 0;

  /** @param {unknown} log  what `GET /monitoring/invalidations` says */
  showInvalidations(log) {
    this.#invalidations(
      listAt(log, 'invalidations').map((record) => {
        const at = textAt(record, 'at');
        return {
          key: textAt(record, 'id') ?? NOTHING,
          state: fromNow(at),
          cells: () => [
            timeElement(at),
            textAt(record, 'by') ?? NOTHING,
            conditionText(record),
            (textAt(record, 'mode') ?? NOTHING) + (valueAt(record, 'dry_run') === true ? ', dry run' : ''),
            count(numberAt(record, 'matched')),
            count(numberAt(record, 'invalidated')),
          ],
        };
      }),
    );
  }

  /** Takes in a delivery, as the live feed tells it. @param {unknown} event */
  delivered(event) {
    this.#made += 1;
    this.#events.unshift({ id: this.#made, at: Date.parse(textAt(event, 'at') ?? '') || Date.now(), event });
    this.#events.length = Math.min(this.#events.length, MOST_EVENTS);
  }

  /** Shows the deliveries there were. */
  showDeliveries() {
    this.#deliveries(
      this.#events.map(({ id, at, event: told }) => ({
        key: String(id),
        cells: () => [
          timeOfDay(at),
          textAt(told, 'webhook') ?? NOTHING,
          textAt(told, 'event') ?? NOTHING,
          outcomeBadge(textAt(told, 'outcome')),
          count(numberAt(told, 'invalidated')),
          textAt(told, 'why') ?? NOTHING,
        ],
      })),
    );
  }
}

const MOST_EVENTS = 30;

/** @param {string | undefined} word */
function outcomeBadge(word = NOTHING) {
  return badge(word, DOTS.get(word) ?? 'plain');
}

const DOTS = new Map([
  ['accepted', 'good'],
  ['refused', 'warning'],
  ['failed', 'critical'],
]);

/** What an invalidation meant: `tags product:7, product:8`. @param {unknown} record */
function conditionText(record) {
  const parts = fieldsAt(record, 'condition').map(
    ([name, members]) => `${name} ${[members].flat().join(', ')}`,
  );
  const omitted = numberAt(record, 'omitted') ?? 0;
  if (omitted > 0) parts.push(`and ${count(omitted)} more`);
  return parts.length === 0 ? 'everything' : parts.join('; ');
}
