import { confirm } from './confirm.js';
import { button, byId, element, timeElement } from './dom.js';
import { bytes, count, NOTHING } from './format.js';
import { fieldsAt, listAt, numberAt, textAt, valueAt } from './json.js';
import { shortKey } from './requests.js';
import { table } from './table.js';

/** @typedef {'purge' | 'expire'} Mode */
/** @typedef {Readonly<Record<string, string | readonly string[]>>} Condition  as `POST /cache/invalidate` takes it */

/** What the cache holds: a search, and what can be done to what it finds. */
export class Entries {
  #api;
  #failed;
  #form = byId('search', HTMLFormElement);
  #type = byId('search-type', HTMLSelectElement);
  #status = byId('entries-status', HTMLElement);
  #more = byId('entries-more', HTMLButtonElement);
  #rows = table(
    byId('entries-table', HTMLElement),
    'Entries',
    [
      ['Key', 'wide'],
      ['Model or route'],
      ['Tags', 'wide'],
      ['Stored'],
      ['Fresh until'],
      ['Kept until'],
      ['Size', 'number'],
      ['Actions'],
    ],
    'No entry is like that. Leave a field empty to search for more.',
  );
  /** What has been searched for, by field; the fields may have been changed since. @type {Map<string, string>} */
  #searched = new Map();
  /** @type {unknown[]} */
  #found = [];
  /** @type {string | undefined} */
  #cursor;
  /** How many pages have been asked for: of what is not the last any more nothing is shown. */
  #pages = 0;
  /** Whether an invalidation is being asked about, or carried out: what is confirmed is the one that is shown. */
  #isAsking = false;

  /**
   * @param {import('./api.js').Api} api
   * @param {(thrown: unknown) => string} failed  gives an error in words for who reads them
   */
  constructor(api, failed) {
    this.#api = api;
    this.#failed = failed;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.search();
    });
    this.#more.addEventListener('click', () => void this.#page(this.#cursor));
    for (const mode of /** @type {const} */ (['purge', 'expire'])) {
      byId(`${mode}-found`, HTMLButtonElement).addEventListener(
        'click',
        () => void this.#invalidateFound(mode),
      );
    }
  }

  /** The types that can be searched for. @param {unknown} figures  what `GET /monitoring/cache` says */
  offerTypes(figures) {
    const names = fieldsAt(figures, 'types').map(([name]) => name);
    const offered = [...this.#type.options].map(({ value }) => value);
    for (const name of names) {
      if (!offered.includes(name)) this.#type.append(element('option', { value: name }, name));
    }
  }

  /** Searches by what the fields say. */
  async search() {
    this.#searched = new Map();
    for (const [name, value] of new FormData(this.#form)) {
      const text = String(value).trim();
      if (text !== '') this.#searched.set(name, text);
    }
    await this.#page(undefined);
  }

  /** @param {string | undefined} cursor */
  async #page(cursor) {
    this.#pages += 1;
    const number = this.#pages;
    await this.#trying(async () => {
      const query = { ...Object.fromEntries(this.#searched), limit: '25', cursor: cursor ?? '' };
      const page = await this.#api.get('monitoring/cache/entries', query);
      if (number !== this.#pages) return;
      this.#found = [...(cursor === undefined ? [] : this.#found), ...listAt(page, 'entries')];
      this.#cursor = textAt(page, 'cursor');
      this.#show();
      const shown = `${entriesIn(this.#found.length, false)} shown`;
      this.#tell(this.#cursor === undefined ? `${shown}.` : `${shown}; there are more.`);
    });
  }

  #show() {
    const { activeElement: focused } = document;
    this.#more.hidden = this.#cursor === undefined;
    this.#rows(
      this.#found.map((entry) => {
        const key = textAt(entry, 'key') ?? NOTHING;
        return { key, state: JSON.stringify(entry), cells: () => this.#cells(key, entry) };
      }),
    );
    // Who goes through the page by keys would begin at its top again.
    const isGone = focused?.isConnected === false || (focused === this.#more && this.#more.hidden);
    if (isGone) this.#status.focus({ preventScroll: true });
  }

  /**
   * @param {string} key
   * @param {unknown} entry
   */
  #cells(key, entry) {
    const tags = listAt(entry, 'tags').map((tag) => element('li', {}, String(tag)));
    const action = (/** @type {Mode} */ mode, /** @type {string} */ label) =>
      button(label, () => void this.#invalidate(mode, { keys: [key] }, 'this entry'), {
        'aria-label': `${label} ${key}`,
        class: 'small',
      });
    return [
      shortKey(key),
      textAt(entry, 'model') ?? NOTHING,
      tags.length === 0 ? NOTHING : element('ul', { class: 'tags' }, ...tags),
      timeElement(textAt(entry, 'born')),
      timeElement(textAt(entry, 'fresh_until')),
      timeElement(textAt(entry, 'keep_until')),
      bytes(numberAt(entry, 'size_bytes')),
      element('div', { class: 'actions' }, action('expire', 'Expire'), action('purge', 'Purge')),
    ];
  }

  /** @param {Mode} mode */
  async #invalidateFound(mode) {
    const condition = Object.fromEntries(
      [...this.#searched].map(([name, value]) => (name === 'tag' ? ['tags', [value]] : [name, value])),
    );
    if (Object.keys(condition).length === 0) {
      this.#tell(
        `Search for a type, tag, pattern or namespace first: what is to be ${DONE[mode]} has to be said.`,
      );
      return;
    }
    await this.#invalidate(mode, condition, 'what this search finds');
  }

  /**
   * Says first what would be done, and does it when that is confirmed.
   * @param {Mode} mode
   * @param {Condition} condition
   * @param {string} what
   */
  async #invalidate(mode, condition, what) {
    if (this.#isAsking) return;
    this.#isAsking = true;
    await this.#trying(async () => {
      const dry = await this.#api.post('cache/invalidate', { ...condition, mode, dry_run: true });
      const matched = entriesIn(numberAt(dry, 'matched'), valueAt(dry, 'at_least') === true);
      const nothing = numberAt(dry, 'matched') === 0;
      const confirmed = await confirm({
        title: `${mode === 'purge' ? 'Purge' : 'Expire'} ${what}?`,
        text: nothing
          ? 'No entry is like that any more.'
          : `${matched} would be ${DONE[mode]}. ${MEANING[mode]}`,
        sample: listAt(dry, 'sample').slice(0, 5).map(String),
        act: nothing ? undefined : `${mode === 'purge' ? 'Purge' : 'Expire'} ${matched}`,
      });
      if (!confirmed) return;
      const done = await this.#api.post('cache/invalidate', { ...condition, mode });
      await this.#page(undefined);
      this.#tell(`${entriesIn(numberAt(done, 'invalidated'), false)} ${DONE[mode]}.`);
    });
    this.#isAsking = false;
  }

  /** @param {() => Promise<void>} work */
  async #trying(work) {
    try {
      await work();
    } catch (thrown) {
      this.#tell(this.#failed(thrown));
    }
  }

  /** @param {string} text */
  #tell(text) {
    this.#status.textContent = text;
  }
}

const DONE = { purge: 'purged', expire: 'expired' };

const MEANING = {
  purge: 'They are never served again; the next request for each goes to the upstream.',
  expire: 'They are served only while the upstream fails.',
};

/** @param {number | undefined} number @param {boolean} atLeast */
function entriesIn(number, atLeast) {
  return `${atLeast ? 'at least ' : ''}${count(number)} ${number === 1 ? 'entry' : 'entries'}`;
}
