import { badge, byId, element, show } from './dom.js';
import { bytes, duration, fromNow, NOTHING, percent, span } from './format.js';
import { fieldsAt, listAt, textAt } from './json.js';

/** What is wrong now, and what could be better. */
export class Advice {
  #alerts = byId('alerts', HTMLElement);
  #findings = byId('findings', HTMLElement);

  /** @param {unknown} efficiency  what `GET /monitoring/cache/efficiency` says */
  show(efficiency) {
    show(
      this.#alerts,
      listAt(efficiency, 'alerts').map((alert) => {
        const [since, message] = [textAt(alert, 'since'), textAt(alert, 'message') ?? NOTHING];
        const began = since === undefined ? undefined : `began ${fromNow(since)}`;
        return {
          key: textAt(alert, 'id') ?? message,
          state: JSON.stringify([alert, began]),
          make: () =>
            element(
              'li',
              { class: 'alert' },
              severity(alert),
              element('span', { class: 'message' }, message),
              element('span', { class: 'note', title: since }, began),
            ),
        };
      }),
      () => element('li', { class: 'calm' }, 'No alerts: everything is as it should be.'),
    );
    show(
      this.#findings,
      listAt(efficiency, 'findings').map((finding, at) => ({
        key: String(at),
        state: JSON.stringify(finding),
        make: () => findingElement(finding),
      })),
      () =>
        element('li', { class: 'calm' }, 'Nothing to change. Advice appears once there is evidence for it.'),
    );
  }
}

/** @param {unknown} finding */
function findingElement(finding) {
  const type = textAt(finding, 'type');
  const evidence = fieldsAt(finding, 'evidence').map(([name, value]) =>
    element('div', {}, element('dt', {}, words(name)), element('dd', {}, figure(name, value))),
  );
  return element(
    'li',
    { class: 'finding' },
    element(
      'p',
      { class: 'recommendation' },
      severity(finding),
      textAt(finding, 'recommendation') ?? NOTHING,
    ),
    element(
      'p',
      { class: 'note' },
      [textAt(finding, 'id'), type].filter((part) => part !== undefined).join(' · '),
    ),
    evidence.length === 0 ? undefined : element('dl', { class: 'evidence' }, ...evidence),
  );
}

/** @param {unknown} value */
function severity(value) {
  const word = textAt(value, 'severity') ?? 'info';
  return badge(word, SEVERITIES.get(word) ?? 'plain');
}

const SEVERITIES = new Map([
  ['critical', 'critical'],
  ['error', 'critical'],
  ['warning', 'warning'],
  ['warn', 'warning'],
]);

const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 3 });

/** A field's name as people read it; units stand behind the figure. @param {string} name */
function words(name) {
  return name.replace(/_(?:s|ms|bytes)$/, '').replaceAll('_', ' ');
}

/**
 * A figure of the evidence, in the unit that its name says.
 * @param {string} name
 * @param {unknown} value
 * @returns {string}
 */
function figure(name, value) {
  if (Array.isArray(value)) return value.map((item) => figure(name, item)).join(', ');
  if (typeof value === 'object' && value !== null) {
    return fieldsAt(value)
      .map(([inner, one]) => `${words(inner)} ${figure(name, one)}`)
      .join(' · ');
  }
  if (typeof value !== 'number') return String(value);
  if (/(?:^|_)(?:share|rate|ratio|hit_rate_at)(?:_|$)/.test(name)) return percent(value);
  if (/_ms$/.test(name)) return duration(value);
  if (/_s$/.test(name)) return span(value);
  return /(?:^|_)bytes$/.test(name) ? bytes(value) : number.format(value);
}
