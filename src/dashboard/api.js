import { textAt, valueAt } from './json.js';

/** The server has refused the token, or wants one. */
export class Refused extends Error {}

/** The server has answered with an error; the message is its own. */
export class Failed extends Error {}

/** There was no answer. */
export class Unreachable extends Error {}

/** The root of the server, seen from this file: a reverse proxy may have put a prefix before it. */
const ROOT = new URL('..', import.meta.url);
const KEPT = 'reprise-admin-token';

/** The control plane's calls, with the token of this tab. It is sent as a header only: URLs are logged and kept. */
export class Api {
  /** @returns {boolean} whether there is a token */
  get hasToken() {
    return sessionStorage.getItem(KEPT) !== null;
  }

  /** Whether the server answers nobody without a token; not where that cannot be told. @returns {Promise<boolean>} */
  async wantsToken() {
    const told = await this.get('dashboard/sign-in.json').catch(() => undefined);
    return valueAt(told, 'required') === true;
  }

  /** Keeps a token until the tab is closed. Throws Refused for what no header can hold. @param {string} token */
  signIn(token) {
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Refused();
    sessionStorage.setItem(KEPT, token);
  }

  /** Forgets the token. */
  signOut() {
    sessionStorage.removeItem(KEPT);
  }

  /**
   * What a GET answers, as JSON.
   * @param {string} path  without a slash before it
   * @param {Readonly<Record<string, string>>} query  an empty value is left out
   * @returns {Promise<unknown>}
   */
  async get(path, query = {}) {
    const said = Object.entries(query).filter(([, value]) => value !== '');
    const tail = said.length === 0 ? '' : `?${new URLSearchParams(said)}`;
    return await (await this.#ask(path + tail)).json();
  }

  /**
   * What a POST of JSON answers.
   * @param {string} path
   * @param {object} body
   * @returns {Promise<unknown>}
   */
  async post(path, body) {
    const sent = {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    };
    return await (await this.#ask(path, sent)).json();
  }

  /**
   * An answer that goes on.
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<ReadableStream<Uint8Array<ArrayBuffer>>>}
   */
  async stream(path, signal) {
    const answer = await this.#ask(path, { signal, headers: { accept: 'text/event-stream' } });
    if (answer.body === null) throw new Failed('The live feed is empty.');
    return answer.body;
  }

  /**
   * @param {string} path
   * @param {RequestInit} sent
   */
  async #ask(path, sent = {}) {
    const headers = new Headers(sent.headers);
    const token = sessionStorage.getItem(KEPT);
    if (token !== null) headers.set('authorization', `Bearer ${token}`);
    const answer = await fetch(new URL(path, ROOT), { ...sent, headers, cache: 'no-store' }).catch(
      (cause) => {
        throw new Unreachable('The server does not answer.', { cause });
      },
    );
    if (answer.ok) return answer;
    const told = textAt(await answer.json().catch(() => undefined), 'error', 'message');
    if (answer.status === 401) throw new Refused(told);
    throw new Failed(told ?? `The server answered ${answer.status}.`);
  }
}
