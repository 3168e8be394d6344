import { Activity } from './activity.js';
import { Advice } from './advice.js';
import { Entries } from './entries.js';
import { History } from './history.js';
import { numberAt, textAt, valueAt } from './json.js';
import { Overview } from './overview.js';
import { Requests } from './requests.js';
import { Tiers, Types } from './tiers.js';
import { Traffic } from './traffic.js';

/** The parts of the page, each of which shows what the server tells of it. */
export class Panels {
  /** @readonly */
  entries;
  #history = new History();
  #overview = new Overview();
  #traffic = new Traffic();
  #tiers = new Tiers();
  #types = new Types();
  #requests = new Requests();
  #advice = new Advice();
  #activity = new Activity();
  /** @type {unknown} */
  #figures;
  #isDue = false;

  /**
   * @param {import('./api.js').Api} api
   * @param {(thrown: unknown) => string} failed  gives an error in words
   */
  constructor(api, failed) {
    this.entries = new Entries(api, failed);
  }

  /**
   * Shows the figures of `GET /monitoring/cache`, or of an event that brings them.
   * @param {unknown} told
   * @param {boolean} live  whether the feed tells every request
   * @returns {boolean} whether figures are in it
   */
  showFigures(told, live) {
    const figures = valueAt(told, 'figures') ?? told;
    if (valueAt(figures, 'requests') === undefined) return false;
    this.#figures = figures;
    this.#history.look(figures, Date.now(), live);
    this.#overview.showFigures(figures);
    this.#traffic.show(figures, this.#history);
    this.#types.show(figures);
    this.#requests.show(figures);
    this.entries.offerTypes(figures);
    return true;
  }

  /**
   * @param {'levels' | 'efficiency' | 'invalidations'} source
   * @param {unknown} told
   */
  show(source, told) {
    if (source === 'levels') this.#tiers.show(told);
    else if (source === 'invalidations') this.#activity.showInvalidations(told);
    else {
      this.#advice.show(told);
      this.#overview.showScore(told);
    }
  }

  /**
   * Takes in an event of the live feed; of a kind that is not known it takes nothing.
   * @param {unknown} event
   * @param {string} kind
   * @param {() => boolean} isPaused  then it is shown later
   */
  happened(event, kind, isPaused) {
    if (kind === 'answered') {
      this.#history.answered(textAt(event, 'outcome'), numberAt(event, 'ms'));
      this.#requests.answered(event);
    } else if (kind === 'delivery') this.#activity.delivered(event);
    else return;
    if (this.#isDue) return;
    this.#isDue = true;
    // Thousands of requests a second are shown no more often than anybody can read.
    setTimeout(() => {
      this.#isDue = false;
      if (!isPaused()) this.showHappened();
    }, SHOWN_EVERY_MS);
  }

  /** Shows what has been taken in. */
  showHappened() {
    this.#requests.show(this.#figures);
    this.#activity.showDeliveries();
  }

  /** The colours have become others. */
  recolour() {
    this.#traffic.recolour();
  }
}

const SHOWN_EVERY_MS = 400;
