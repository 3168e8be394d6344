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
  dialog.showModal();
  // Not `close`, which is a task of its own: whoever is quick would click again before it, and not be asked. These are
  // the two ways to close a dialog (HTML, 4.11.4), and both say so while it closes.
  return new Promise((resolve) => {
    dialog.oncancel = () => resolve(false);
    dialog.onsubmit = ({ submitter }) => resolve(submitter === yes);
  });
}
