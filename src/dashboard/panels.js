import { Activity } from './activity.js';
import { Advice } from './advice.js';
import { Entries } from './entries.js';
import { numberAt, valueAt } from './json.js';
import { Overview } from './overview.js';
import { Requests } from './requests.js';
import { Models, Tiers, Types } from './tiers.js';
import { Traffic } from './traffic.js';

/** @typedef {'cache' | 'series' | 'levels' | 'efficiency' | 'invalidations'} Source  what the server is asked for */

/** The parts of the page, each of which shows what the server tells of it. */
export class Panels {
  /** @readonly */
  entries;
  #overview = new Overview();
  #traffic;
  #tiers = new Tiers();
  #types = new Types();
  #models = new Models();
  #requests = new Requests();
  #advice = new Advice();
  #activity = new Activity();
  #isDue = false;

  /**
   * @param {import('./api.js').Api} api
   * @param {(thrown: unknown) => string} failed  gives an error in words
   * @param {() => void} onRange  another time of the series is to be shown
   */
  constructor(api, failed, onRange) {
    this.#traffic = new Traffic(onRange);
    this.entries = new Entries(api, failed);
  }

  /**
   * Shows what the server has answered.
   * @param {Source} source
   * @param {unknown} told
   */
  show(source, told) {
    switch (source) {
      case 'cache':
        this.#overview.showFigures(told);
        this.#traffic.show(told);
        this.#types.show(told);
        this.#models.show(told);
        this.#requests.showKeys(told);
        this.entries.offerTypes(told);
        break;
      case 'series':
        this.#traffic.showSeries(told);
        break;
      case 'levels':
        this.#tiers.show(told);
        break;
      case 'efficiency':
        this.#advice.show(told);
        this.#overview.showScore(told);
        break;
      case 'invalidations':
        this.#activity.showInvalidations(told);
        break;
    }
  }

  /** How many minutes of the series are shown. */
  get minutes() {
    return this.#traffic.minutes;
  }

  /** Shows what the live feed says each second. @param {unknown} data */
  showAll(data) {
    this.show('cache', valueAt(data, 'cache'));
    this.show('levels', data);
    this.show('efficiency', valueAt(data, 'efficiency'));
    this.#requests.showOmitted(numberAt(data, 'requests_omitted'));
  }

  /**
   * Takes in that something has happened; of a kind that is not known it takes nothing.
   * @param {import('./feed.js').FeedEvent} event
   * @param {() => boolean} isPaused  then it is shown later
   */
  happened({ kind, data }, isPaused) {
    if (kind === 'request') this.#requests.answered(data);
    else if (kind === 'delivery') this.#activity.delivered(data);
    else return;
    if (this.#isDue) return;
    this.#isDue = true;
    // No more often than anybody can read.
    setTimeout(() => {
      this.#isDue = false;
      if (!isPaused()) this.showHappened();
    }, SHOWN_EVERY_MS);
  }

  /** Shows what has been taken in. */
  showHappened() {
    this.#requests.showRecent();
    this.#activity.showDeliveries();
  }

  /** The colours have become others. */
  recolour() {
    this.#traffic.recolour();
  }
}

const SHOWN_EVERY_MS = 400;
