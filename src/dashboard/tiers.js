import { badge, byId, element, gauge, show } from './dom.js';
import { bytes, count, duration, NOTHING, percent, span, usd } from './format.js';
import { LOOKED_UP, OUTCOMES } from './history.js';
import { fieldsAt, latencyAt, listAt, numberAt, textAt, valueAt } from './json.js';
import { table } from './table.js';

/** The tiers, how full they are and how they do. */
export class Tiers {
  #host = byId('tier-cards', HTMLElement);

  /** @param {unknown} levels  what `GET /monitoring/cache/levels` says */
  show(levels) {
    const tiers = listAt(levels, 'levels').map((level) => ({
      key: textAt(level, 'level') ?? NOTHING,
      state: JSON.stringify(level),
      make: () => tierElement(level),
    }));
    const bus = valueAt(levels, 'bus');
    const instances = { key: 'instances', state: JSON.stringify(bus), make: () => instancesElement(bus) };
    show(this.#host, bus === undefined ? tiers : [...tiers, instances], () =>
      element('p', { class: 'calm' }, 'No tier has told its figures yet.'),
    );
  }
}

/** The types of the profile. */
export class Types {
  #rows = table(
    byId('types-table', HTMLElement),
    'Types, their lifetimes and what became of their requests',
    [
      ['Type'],
      ['Lifetime', 'number'],
      ['Hit rate', 'number'],
      ['Hits', 'number'],
      ['Partial', 'number'],
      ['Stale', 'number'],
      ['Coalesced', 'number'],
      ['Misses', 'number'],
      ['Bypassed', 'number'],
      ['Entries', 'number'],
      ['Size', 'number'],
    ],
    'No request of any type yet.',
  );

  /** @param {unknown} figures  what `GET /monitoring/cache` says */
  show(figures) {
    this.#rows(
      fieldsAt(figures, 'types').map(([name, type]) => ({
        key: name,
        cells: [
          [name, ...modeOf(type)].join(' · '),
          span(numberAt(type, 'ttl_s')),
          hitRateOf(type),
          ...['hits', 'partial', 'stale', 'coalesced', 'misses', 'bypassed', 'entries'].map((field) =>
            count(numberAt(type, field)),
          ),
          bytes(numberAt(type, 'bytes')),
        ],
      })),
    );
  }
}

/** How a type is cached, where that is not as usual. @param {unknown} type */
function modeOf(type) {
  const mode = textAt(type, 'mode') ?? 'on';
  return mode === 'on' ? [] : [mode];
}

/** The models and routes that are asked for most, and what each has saved. */
export class Models {
  #rows = table(
    byId('models-table', HTMLElement),
    'Models and routes, and what was saved on each',
    [
      ['Model or route', 'wide'],
      ['Requests', 'number'],
      ['Hit rate', 'number'],
      ['Calls saved', 'number'],
      ['Tokens saved', 'number'],
      ['Waiting saved', 'number'],
      ['Money saved', 'number'],
    ],
    'No model or route has been asked yet.',
  );

  /** @param {unknown} figures  what `GET /monitoring/cache` says */
  show(figures) {
    const models = fieldsAt(figures, 'models')
      .map(([name, line]) => ({ name, line, requests: requestsOf(line) }))
      .sort((one, other) => other.requests - one.requests)
      .slice(0, SHOWN_MODELS);
    this.#rows(
      models.map(({ name, line, requests }) => {
        const saved = (/** @type {string} */ field) => numberAt(line, 'saved', field);
        return {
          key: name,
          cells: [
            name,
            count(requests),
            hitRateOf(line),
            count(saved('requests')),
            some((saved('prompt_tokens') ?? 0) + (saved('completion_tokens') ?? 0), count),
            some(saved('upstream_ms'), duration),
            some(saved('usd'), usd),
          ],
        };
      }),
    );
  }
}

const SHOWN_MODELS = 10;

/**
 * A figure of what there need not be any: a search has no tokens, and not every model has a price.
 * @param {number | undefined} value
 * @param {(value: number) => string} format
 */
const some = (value, format) => (value === undefined || value === 0 ? NOTHING : format(value));

/** How many requests a line of the figures counts. @param {unknown} line @param {readonly string[]} fields */
function requestsOf(line, fields = OUTCOMES) {
  return fields.reduce((sum, field) => sum + (numberAt(line, field) ?? 0), 0);
}

/** The hit rate of a line, where the cache was asked at all. @param {unknown} line */
function hitRateOf(line) {
  return requestsOf(line, LOOKED_UP) === 0 ? NOTHING : percent(numberAt(line, 'hit_rate'));
}

/** @param {unknown} level */
function tierElement(level) {
  const name = (textAt(level, 'level') ?? NOTHING).toUpperCase();
  const n = (/** @type {string[]} */ ...path) => numberAt(level, ...path);
  const facts = [
    ['Hit rate', percent(n('hit_rate'))],
    ['Hits', count(n('hits'))],
    ['Misses', count(n('misses'))],
    ['Promotions', count(n('promotions'))],
    ['Evictions', count(n('evictions'))],
    ['Expirations', count(n('expirations'))],
    ['Read, p50', duration(micros(latencyAt(level, 'latency_us', 'p50')))],
    ['Read, p99', duration(micros(latencyAt(level, 'latency_us', 'p99')))],
  ];
  return element(
    'article',
    { class: 'card tier', id: `tier-${name.toLowerCase()}` },
    element('h3', {}, name, element('span', { class: 'note' }, textAt(level, 'kind') ?? '')),
    textAt(level, 'state') === 'degraded'
      ? element('p', {}, badge(`degraded: ${textAt(level, 'reason') ?? NOTHING}`, 'warning'))
      : undefined,
    // What lies in a Redis nobody counts.
    ...(textAt(level, 'kind') === 'redis'
      ? []
      : [
          fill(`${name} entries`, 'Entries', n('entries'), n('max_entries'), count),
          fill(`${name} bytes`, 'Size', n('bytes'), n('max_bytes'), bytes),
        ]),
    factList(facts),
  );
}

/**
 * The instances that share entries and invalidations.
 * @param {unknown} bus
 */
function instancesElement(bus) {
  const n = (/** @type {string[]} */ ...path) => numberAt(bus, ...path);
  const instances = listAt(bus, 'instances');
  const facts = [
    ...instances.map((one) => [textAt(one, 'name') ?? NOTHING, textAt(one, 'version') ?? NOTHING]),
    ['Purge reaches all, p50', duration(latencyAt(bus, 'lag_ms', 'p50'))],
    ['Purge reaches all, p99', duration(latencyAt(bus, 'lag_ms', 'p99'))],
    ['Announced', count(n('published'))],
    ['Applied', count(n('applied'))],
    ['Still to be announced', count(n('waiting'))],
    ['Outages', count(n('outages'))],
    ['Fetched for all', count(n('leases', 'held'))],
    ['Waited for others', count(n('leases', 'waited'))],
  ];
  return element(
    'article',
    { class: 'card tier', id: 'instances' },
    element('h3', {}, 'Instances', element('span', { class: 'note' }, count(instances.length))),
    factList(facts),
  );
}

/** @param {readonly (readonly string[])[]} facts  names and values */
function factList(facts) {
  return element(
    'dl',
    { class: 'facts' },
    ...facts.map(([label = '', value = '']) =>
      element('div', {}, element('dt', {}, label), element('dd', {}, value)),
    ),
  );
}

/**
 * How full something is, in words and as a gauge; only in words where it has no bound.
 * @param {string} name
 * @param {string} label
 * @param {number | undefined} held
 * @param {number | undefined} bound
 * @param {(value: number | undefined) => string} format
 */
function fill(name, label, held, bound, format) {
  const bounded = held !== undefined && bound !== undefined && bound > 0;
  const value = bounded ? `${format(held)} of ${format(bound)}` : format(held);
  return element(
    'div',
    { class: 'fill' },
    element(
      'div',
      { class: 'fill-label' },
      element('span', {}, label),
      element('span', { class: 'value' }, value),
    ),
    bounded ? gauge(name, held / bound, value) : undefined,
  );
}

/** @param {number | undefined} value  in microseconds; gives milliseconds */
const micros = (value) => (value === undefined ? undefined : value / 1_000);
