import { dateAndTime, fromNow } from './format.js';

/** @typedef {string | Node | undefined} Child  Undefined is left out. */

/**
 * An element. Texts become text nodes, never markup: keys and tags come from whoever sends requests.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Readonly<Record<string, string | undefined>>} attributes  an undefined one is left out
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(attribute, value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/**
 * The element of the page with this id. Throws where there is none, or one of another kind.
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {{ new (): Kind }} kind
 * @returns {Kind}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/**
 * A button that does something.
 * @param {string} label
 * @param {() => void} act
 * @param {Readonly<Record<string, string | undefined>>} attributes
 */
export function button(label, act, attributes = {}) {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', act);
  return made;
}

/**
 * Something of a list that is shown anew all the time.
 * @typedef {object} Item
 * @property {string} key  tells it from the others
 * @property {string} state  while this is the same its element stays, and with it the focus
 * @property {() => HTMLElement} make
 */

/**
 * Makes the children of `parent` those of `items`, or `empty` in words where there are none.
 * @param {HTMLElement} parent
 * @param {readonly Item[]} items
 * @param {() => HTMLElement} empty
 */
export function show(parent, items, empty) {
  const shown = items.length > 0 ? items : [{ key: '', state: '', make: empty }];
  const before = new Map([...parent.children].map((child) => [MARKS.get(child), child]));
  const after = shown.map(({ key, state, make }) => {
    const mark = `${key}\n${state}`;
    const made = before.get(mark) ?? make();
    MARKS.set(made, mark);
    return made;
  });
  const stays =
    after.length === parent.children.length && after.every((child, at) => child === parent.children[at]);
  if (!stays) parent.replaceChildren(...after);
}

/**
 * What the children of lists were made from.
 * @type {WeakMap<Element, string>}
 */
const MARKS = new WeakMap();

/**
 * A bar that is full to `share` of 1, in words `value`.
 * @param {string} label
 * @param {number | undefined} share
 * @param {string} value
 */
export function gauge(label, share, value) {
  const bar = element('span', { class: 'gauge-bar' });
  const full = Math.max(0, Math.min(1, share ?? 0));
  bar.style.setProperty('--share', `${full * 100}%`);
  const made = element(
    'div',
    { class: 'gauge', role: 'meter', 'aria-label': label, 'aria-valuetext': value },
    bar,
  );
  made.setAttribute('aria-valuemin', '0');
  made.setAttribute('aria-valuemax', '100');
  made.setAttribute('aria-valuenow', String(Math.round(full * 100)));
  if (full >= 0.9) made.dataset.high = '';
  return made;
}

/**
 * A word with a dot in the colour of its tone; the word says it too, for who cannot tell the colours.
 * @param {string} word
 * @param {string} tone  a colour's name in the style sheet
 */
export function badge(word, tone) {
  return element('span', { class: 'badge' }, element('span', { class: `dot ${tone}` }), word);
}

/** A moment, as long ago as it is; the date when pointed at. @param {string | undefined} at  as ISO 8601 has it */
export function timeElement(at) {
  return element('time', { datetime: at, title: dateAndTime(at) }, fromNow(at));
}
