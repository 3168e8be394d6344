import { Api, Refused, Unreachable } from './api.js';
import { byId } from './dom.js';
import { follow } from './feed.js';
import { Panels } from './panels.js';
import { switchTheme } from './theme-switch.js';

const TICK_MS = 2_000;
/** Every how many ticks that is asked which changes slowly, and that which has a new point each minute. */
const SLOW_TICKS = 5;
const MINUTE_TICKS = 30;
const SOON_MS = 300;
/** The feed tells figures each second. */
const TOLD_MS = 3_500;

/** @typedef {import('./panels.js').Source} Source */

/** Who is signed in, and what comes from the server meanwhile. */
class App {
  #api = new Api();
  #panels = new Panels(
    this.#api,
    (thrown) => this.#failed(thrown),
    () => void this.#ask(['series']),
  );
  /** Ends what runs while somebody is signed in. */
  #running = new AbortController();
  #live = false;
  #paused = false;
  #ticks = 0;
  /** When figures came last, by themselves or asked for; in milliseconds since the page was opened. */
  #figuresAt = Number.NEGATIVE_INFINITY;
  /** Whether invalidations are to be asked for soon. */
  #isDue = false;
  /** What went wrong with the latest question for each. @type {Map<Source, unknown>} */
  #problems = new Map();

  constructor() {
    switchTheme(byId('theme', HTMLButtonElement), () => this.#panels.recolour());
    byId('sign-in-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#signIn();
    });
    byId('sign-out', HTMLButtonElement).addEventListener('click', () => {
      this.#api.signOut();
      this.#stop('');
    });
    byId('pause', HTMLButtonElement).addEventListener('click', () => this.#pause());
  }

  /** Opens the page for who may see it: with the token of this tab, or without any where the server wants none. */
  async start() {
    this.#running = new AbortController();
    const { signal } = this.#running;
    if (!this.#api.hasToken && (await this.#api.wantsToken())) {
      this.#stop('');
      return;
    }
    await this.#ask(['cache']);
    if (signal.aborted) return;
    byId('sign-in', HTMLElement).hidden = true;
    byId('app', HTMLElement).hidden = false;
    byId('sign-out', HTMLElement).hidden = !this.#api.hasToken;
    void this.#ask(['series', 'levels', 'efficiency', 'invalidations']);
    void this.#panels.entries.search();
    void follow({
      open: () => this.#api.stream('monitoring/events', signal),
      onEvent: (event) => this.#take(event),
      onState: (live) => {
        this.#live = live;
        this.#tellState();
      },
      signal,
    });
    const ticking = setInterval(() => void this.#tick(), TICK_MS);
    signal.addEventListener('abort', () => clearInterval(ticking));
  }

  async #signIn() {
    const field = byId('token', HTMLInputElement);
    try {
      this.#api.signIn(field.value.trim());
      field.value = '';
      await this.start();
      if (!this.#running.signal.aborted) byId('content', HTMLElement).focus({ preventScroll: true });
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  /** @param {string} why  in words; empty where nobody needs to be told */
  #stop(why) {
    this.#running.abort();
    this.#problems.clear();
    byId('app', HTMLElement).hidden = true;
    byId('sign-in', HTMLElement).hidden = false;
    byId('sign-in-problem', HTMLElement).textContent = why;
    this.#state('plain', 'Signed out');
    byId('token', HTMLInputElement).focus();
  }

  #pause() {
    this.#paused = !this.#paused;
    const button = byId('pause', HTMLButtonElement);
    button.textContent = this.#paused ? 'Resume' : 'Pause';
    this.#tellState();
    if (this.#paused) return;
    this.#panels.showHappened();
    void this.#ask(ALL);
  }

  async #tick() {
    if (this.#paused || document.hidden) return;
    this.#ticks += 1;
    const isSlow = this.#ticks % SLOW_TICKS === 0;
    // Where the feed is on and tells the figures, nobody has to ask for them.
    const isTold = this.#live && performance.now() - this.#figuresAt < TOLD_MS;
    /** @type {Source[]} */
    const sources = isTold ? [] : isSlow ? ['cache', 'levels', 'efficiency'] : ['cache'];
    if (isSlow) sources.push('invalidations');
    if (this.#ticks % MINUTE_TICKS === 0) sources.push('series');
    await this.#ask(sources);
  }

  /** @param {import('./feed.js').FeedEvent} event */
  #take(event) {
    if (event.kind === 'figures') {
      this.#figuresAt = performance.now();
      this.#problems.clear();
      this.#tellProblems();
      if (!this.#paused) this.#panels.showAll(event.data);
    } else if (event.kind === 'invalidation') this.#askForInvalidations();
    else this.#panels.happened(event, () => this.#paused);
  }

  /** A thousand of them in a second are one question. */
  #askForInvalidations() {
    if (this.#isDue || this.#paused) return;
    this.#isDue = true;
    setTimeout(() => {
      this.#isDue = false;
      void this.#ask(['invalidations']);
    }, SOON_MS);
  }

  /** Asks for figures, and shows them. @param {readonly Source[]} sources */
  async #ask(sources) {
    const { signal } = this.#running;
    const asked = sources.map(async (source) => {
      try {
        const figures = await this.#api.get(...this.#questionFor(source));
        if (signal.aborted) return;
        this.#problems.delete(source);
        this.#panels.show(source, figures);
      } catch (thrown) {
        if (!signal.aborted) this.#problems.set(source, thrown);
      }
    });
    await Promise.all(asked);
    if (!signal.aborted) this.#tellProblems();
  }

  /** @param {Source} source @returns {[path: string, query?: Readonly<Record<string, string>>]} */
  #questionFor(source) {
    return source === 'series' ? [PATHS.series, { minutes: String(this.#panels.minutes) }] : [PATHS[source]];
  }

  #tellProblems() {
    const words = new Set([...this.#problems.values()].map((thrown) => this.#failed(thrown)));
    const notice = byId('notice', HTMLElement);
    const text = [...words].join(' ');
    // What is said again is not read out again.
    if (notice.textContent !== text) notice.textContent = text;
    this.#tellState();
  }

  /**
   * Gives an error in words; who is refused has to sign in.
   * @param {unknown} thrown
   * @returns {string}
   */
  #failed(thrown) {
    if (thrown instanceof Unreachable) return 'The server does not answer. Trying again every few seconds.';
    if (!(thrown instanceof Refused)) return thrown instanceof Error ? thrown.message : String(thrown);
    const had = this.#api.hasToken || byId('token', HTMLInputElement).value !== '';
    this.#api.signOut();
    this.#stop(
      had
        ? 'The token was refused. It is what the server was started with as REPRISE_ADMIN_TOKEN; check that you copied all of it.'
        : '',
    );
    return '';
  }

  #tellState() {
    if (this.#running.signal.aborted) return;
    if ([...this.#problems.values()].some((thrown) => thrown instanceof Unreachable))
      this.#state('critical', 'Offline');
    else if (this.#paused) this.#state('warning', 'Paused');
    else if (this.#live) this.#state('good', 'Live');
    else this.#state('plain', 'Every 2 s');
  }

  /** @param {string} tone @param {string} word */
  #state(tone, word) {
    byId('state-dot', HTMLElement).className = `dot ${tone}`;
    byId('state-word', HTMLElement).textContent = word;
  }
}

/** @type {Readonly<Record<Source, string>>} */
const PATHS = {
  cache: 'monitoring/cache',
  series: 'monitoring/cache/series',
  levels: 'monitoring/cache/levels',
  efficiency: 'monitoring/cache/efficiency',
  invalidations: 'monitoring/invalidations?limit=30',
};

const ALL = /** @type {const} */ (['cache', 'series', 'levels', 'efficiency', 'invalidations']);

await new App().start();
