import { element, show } from './dom.js';
import { NOTHING } from './format.js';

/**
 * A column: its label, and whether it holds figures, which stand below each other.
 * @typedef {readonly [label: string, kind?: 'number' | 'wide']} Column
 */

/**
 * A row: what tells it from others, and its cells, in the order of the columns.
 * @typedef {object} Row
 * @property {string} key
 * @property {readonly (string | Node)[] | (() => readonly (string | Node)[])} cells  a function where cells are not only texts
 * @property {string} [state]  what the cells are made from, where they are a function
 */

/**
 * A table in `host`; gives what shows rows in it. Roles are said, since on a narrow screen its rows are laid out as cards, and
 * browsers then no longer take it for a table.
 * @param {HTMLElement} host
 * @param {string} label
 * @param {readonly Column[]} columns
 * @param {string} empty  what is said where there are no rows
 * @returns {(rows: readonly Row[]) => void}
 */
export function table(host, label, columns, empty) {
  const head = element(
    'tr',
    { role: 'row' },
    ...columns.map(([name, kind]) =>
      element('th', { role: 'columnheader', scope: 'col', class: kind }, name),
    ),
  );
  const body = element('tbody', { role: 'rowgroup' });
  host.append(
    element(
      'table',
      { role: 'table', 'aria-label': label },
      element('thead', { role: 'rowgroup' }, head),
      body,
    ),
  );
  const nothing = () =>
    element(
      'tr',
      { role: 'row', class: 'empty' },
      element('td', { role: 'cell', colspan: String(columns.length) }, empty),
    );
  const rows = (/** @type {Row} */ { cells }) =>
    element(
      'tr',
      { role: 'row' },
      ...(typeof cells === 'function' ? cells() : cells).map((cell, at) => {
        const [name = '', kind] = columns[at] ?? [];
        const none = cell === NOTHING ? '' : undefined;
        return element('td', { role: 'cell', class: kind, 'data-label': name, 'data-none': none }, cell);
      }),
    );
  const fill = (/** @type {readonly Row[]} */ shown) =>
    show(
      body,
      shown.map((row) => ({
        key: row.key,
        state: row.state ?? (typeof row.cells === 'function' ? '' : row.cells.join('\t')),
        make: () => rows(row),
      })),
      nothing,
    );
  fill([]);
  return fill;
}
