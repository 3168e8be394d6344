import { byId, element } from './dom.js';
import { shortKey } from './requests.js';

/**
 * Asks whether something is to be done to entries. It cannot be undone, so they are shown first.
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.text
 * @param {readonly string[]} question.sample  keys of some of the entries
 * @param {string | undefined} question.act  what the button says that does it; undefined where there is nothing to do
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, sample, act }) {
  const dialog = byId('confirm', HTMLDialogElement);
  const yes = byId('confirm-yes', HTMLButtonElement);
  byId('confirm-title', HTMLElement).textContent = title;
  byId('confirm-text', HTMLElement).textContent = text;
  byId('confirm-sample', HTMLElement).replaceChildren(
    ...sample.map((key) => element('li', {}, shortKey(key))),
  );
  yes.textContent = act ?? '';
  yes.hidden = act === undefined;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}
