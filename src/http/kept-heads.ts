import type { ServerResponse } from 'node:http';
import type { Rendering } from '../endpoints/endpoint.ts';
import type { Envelope } from './answer-headers.ts';
import { ageOf, cacheStatusOf, type Report } from './report.ts';

/**
 * The head of an answer that is given again and again, as Node wrote it the first time. Node checks and joins every line of every
 * head, which costs as much as all that a hit is looked up and judged with (measured). Of one that it has made, no more is put in
 * anew than what is of one moment or one request: digits, words of ours and a date.
 *
 * A head is handed over where Node keeps those that it has made itself, in `_header`. That is none of its documented fields. A
 * Node that does without it, or writes something else there, is one with which no head is kept.
 */
export class KeptHead {
  #like: Pick<Report, 'outcome' | 'level' | 'key'> | undefined;
  /** The head's text, parted where what varies was taken out: age and status, the request's id, the date. */
  #parts: readonly string[] = [];
  #age = -1;
  #ttl = -1;
  #second = -1;
  #upToId = '';
  #fromId = '';

  /** Writes the head, if it is kept and what is to be said is the same. */
  write(response: ServerResponse & Written, report: Report, { requestId }: Envelope): boolean {
    const text = isPlain(response) ? this.text(report, requestId) : undefined;
    if (text === undefined) return false;
    response._header = text;
    return true;
  }

  /** The head for this report, of an answer on a connection that goes on; undefined where none like it is kept. */
  text(report: Report, requestId: string): string | undefined {
    const like = this.#like;
    if (like === undefined || report.outcome !== like.outcome || report.level !== like.level)
      return undefined;
    if (report.key !== like.key) return undefined;
    const age = wholeSeconds(report.ageMs);
    const ttl = wholeSeconds(report.ttlMs);
    const second = wholeSeconds(Date.now());
    if (age !== this.#age || ttl !== this.#ttl || second !== this.#second) {
      const [toMoment, toId, toDate, rest] = this.#parts;
      this.#upToId = `${toMoment}${momentOf(report)}${toId}`;
      this.#fromId = `${toDate}${new Date(second * 1000).toUTCString()}${rest}`;
      this.#age = age;
      this.#ttl = ttl;
      this.#second = second;
    }
    return this.#upToId + requestId + this.#fromId;
  }

  /** Keeps the head that has just been written for this report. */
  learnFrom(response: ServerResponse & Written, report: Report, { requestId }: Envelope): void {
    const text = response._header;
    if (typeof text === 'string' && response.statusCode === 200 && isPlain(response))
      this.learn(text, report, requestId);
  }

  /** Keeps a head, of status 200 and on a connection that goes on, that says this report. */
  learn(text: string, report: Report, requestId: string): void {
    const [, date = ''] = /\r\nDate: ([^\r]+)\r\n/.exec(text) ?? [];
    const parts = partedBy(text, [momentOf(report), requestId, date]);
    if (parts === undefined || !text.endsWith('\r\n\r\n')) return;
    this.#like = { outcome: report.outcome, level: report.level, key: report.key };
    this.#parts = parts;
    this.#age = -1;
  }
}

/** What Node has of a head that it has made: its text. */
interface Written {
  _header?: unknown;
}

const kept = new WeakMap<Rendering, KeptHead>();

/** Has the head of an answer kept for as long as the answer itself. */
export function keepHeadOf(rendering: Rendering): void {
  if (!kept.has(rendering)) kept.set(rendering, new KeptHead());
}

/** Where the head of an answer is kept; undefined for one that is not given again. */
export function keptHeadOf(rendering: Rendering): KeptHead | undefined {
  return kept.get(rendering);
}

/** Whether nothing is said on an answer but what belongs to it: no CORS headers, say, and that its connection goes on. */
function isPlain(response: ServerResponse): boolean {
  return response.shouldKeepAlive && response.getHeaderNames().length === 0;
}

/** The lines of a head that are of one moment. */
function momentOf(report: Report): string {
  return `age: ${ageOf(report)}\r\ncache-status: ${cacheStatusOf(report)}\r\n`;
}

/** The text around those that vary, each of which must stand in it once and in this order; else undefined. */
function partedBy(text: string, varying: readonly string[]): string[] | undefined {
  const parts: string[] = [];
  let rest = text;
  for (const some of varying) {
    const [before = '', after, ...more] = some === '' ? [] : rest.split(some);
    if (after === undefined || more.length > 0) return undefined;
    parts.push(before);
    rest = after;
  }
  return [...parts, rest];
}

function wholeSeconds(ms = 0): number {
  return Math.floor(ms / 1000);
}
