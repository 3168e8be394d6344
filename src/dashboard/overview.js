import { badge, byId, element, show } from './dom.js';
import { bytes, count, duration, NOTHING, percent, span, usd } from './format.js';
import { fieldsAt, latencyAt, numberAt, textAt } from './json.js';

/** The figures that tell whether the cache earns its keep. */
export class Overview {
  #tiles = byId('tiles', HTMLElement);
  #facts = byId('facts', HTMLElement);
  #upstreams = byId('upstreams', HTMLElement);
  /** @type {unknown} */
  #figures;
  /** @type {number | undefined} */
  #score;

  /** @param {unknown} figures  what `GET /monitoring/cache` says */
  showFigures(figures) {
    this.#figures = figures;
    this.#facts.textContent = [
      `Profile ${profileName(textAt(figures, 'profile'))}`,
      `up for ${span(numberAt(figures, 'uptime_s'))}`,
      ...(fieldsAt(figures, 'types').length > 0 ? [`${bytes(heldBytes(figures))} held`] : []),
    ].join(' · ');
    document.title = `${percent(numberAt(figures, 'hit_rate'))} · Reprise`;
    this.#show();
    show(
      this.#upstreams,
      fieldsAt(figures, 'upstreams').map(([name, upstream]) => {
        const state = textAt(upstream, 'state') ?? 'unknown';
        return {
          key: name,
          state,
          make: () => element('li', {}, badge(`${name}: ${state}`, STATES.get(state) ?? 'plain')),
        };
      }),
      () => element('li', {}, badge('no upstream is told of', 'plain')),
    );
  }

  /** @param {unknown} efficiency  what `GET /monitoring/cache/efficiency` says */
  showScore(efficiency) {
    this.#score = numberAt(efficiency, 'score');
    this.#show();
  }

  #show() {
    const figures = this.#figures;
    const [requests, saved] = [
      numberAt(figures, 'requests', 'total'),
      numberAt(figures, 'saved', 'requests'),
    ];
    const [hit, miss] = ['hit', 'miss'].map((kind) => latencyAt(figures, 'latency_ms', kind, 'p50'));
    const [prompt, completion] = ['prompt', 'completion'].map((kind) =>
      numberAt(figures, 'saved', `${kind}_tokens`),
    );
    const tokens =
      prompt === undefined && completion === undefined ? undefined : (prompt ?? 0) + (completion ?? 0);
    const tiles = [
      ['hit-rate', 'Hit rate', percent(numberAt(figures, 'hit_rate')), `of ${count(requests)} requests`],
      ['saved-usd', 'Money saved', usd(numberAt(figures, 'saved', 'usd')), `${count(saved)} calls not made`],
      ['saved-tokens', 'Tokens saved', count(tokens), `${count(prompt)} in, ${count(completion)} out`],
      [
        'saved-time',
        'Waiting saved',
        duration(numberAt(figures, 'saved', 'upstream_ms')),
        'of upstream time',
      ],
      ['latency', 'A hit takes', duration(hit), `a miss ${duration(miss)}`],
      ['score', 'Score', count(this.#score), 'of 100; see the advice'],
      ...shadowTile(figures),
    ];
    show(
      this.#tiles,
      tiles.map(([key = '', label = '', value = '', note = '']) => ({
        key,
        state: `${value}\t${note}`,
        make: () =>
          element(
            'div',
            { class: 'tile', id: `tile-${key}` },
            element('dt', {}, label),
            element('dd', { class: 'figure' }, value),
            element('dd', { class: 'note' }, note),
          ),
      })),
      () => element('div'),
    );
  }
}

/** What types in mode `shadow` would save, where there are such: nothing is served for them. @param {unknown} figures */
function shadowTile(figures) {
  const [calls = 0, money = 0] = ['requests', 'usd'].map((field) =>
    numberAt(figures, 'saved', 'shadow', field),
  );
  if (calls === 0) return [];
  const value = money === 0 ? `${count(calls)} calls` : usd(money);
  return [['saved-shadow', 'Would be saved', value, `${count(calls)} calls of types in mode shadow`]];
}

const STATES = new Map([
  ['up', 'good'],
  ['failing', 'warning'],
  ['down', 'critical'],
]);

/** Of a profile in a file the file's name. @param {string | undefined} profile */
function profileName(profile = NOTHING) {
  return profile.replace(/^.*[\\/]/, '').replace(/\.ya?ml$/, '');
}

/** @param {unknown} figures */
function heldBytes(figures) {
  return fieldsAt(figures, 'types').reduce((sum, [, type]) => sum + (numberAt(type, 'bytes') ?? 0), 0);
}
