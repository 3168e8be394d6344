import type { TagTemplate } from '../shared/tag-template.ts';
import type { TextPattern } from '../shared/text-pattern.ts';
import type { TagCollector } from './tags.ts';

/** A tag for each match of a pattern in a request's text. */
export interface TextRule {
  readonly pattern: TextPattern;
  /** Its names are the pattern's groups. */
  readonly template: TagTemplate;
}

// One search takes up to 30 ns for each character and instruction (measured); to find all matches can take many.
const MOST_WORK = 50_000_000;
const PATIENCE_MS = 100;

/**
 * Reads the text of one request, in one go or in several, with all rules. It does not keep everybody else waiting: a text that
 * would take too long counts as one that cannot be read.
 */
export class TextReader {
  readonly #rules: readonly TextRule[];
  readonly #elapsed: () => number;
  readonly #deadline: number;
  #work = 0;

  /** `elapsed` gives monotonic milliseconds. */
  constructor(rules: readonly TextRule[], elapsed: () => number) {
    this.#rules = rules;
    this.#elapsed = elapsed;
    this.#deadline = elapsed() + PATIENCE_MS;
  }

  /** Collects what these pieces of text say; undefined where they cannot be read. */
  read(texts: readonly string[] | undefined, into: TagCollector): void {
    if (texts === undefined) into.unreadable();
    else for (const rule of this.#rules) for (const text of texts) this.#search(text, rule, into);
  }

  #search(text: string, { pattern, template }: TextRule, into: TagCollector): void {
    this.#work += text.length * pattern.size;
    if (this.#work > MOST_WORK) into.unreadable();
    if (into.failed) return;
    for (const match of pattern.matches(text)) {
      const tag = template.fill((group) => match[Number(group)]);
      if (tag !== undefined) into.add(tag);
      if (this.#elapsed() > this.#deadline) into.unreadable();
      if (into.failed) return;
    }
  }
}
