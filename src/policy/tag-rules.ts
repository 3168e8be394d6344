import type { Node, ObjectNode } from '../openai/json.ts';
import { type JsonPath, parseJsonPath } from '../openai/json-path.ts';
import { isHeaderText } from '../shared/tag.ts';
import { parseTagTemplate, type TagTemplate } from '../shared/tag-template.ts';
import { parseTextPattern } from '../shared/text-pattern.ts';
import type { HeaderOf } from './access.ts';
import type { Headers } from './answer-tags.ts';
import type { TagCollector } from './tags.ts';
import { TextReader, type TextRule } from './text-rules.ts';

/** Where a rule can look, beside the path: in the answer's JSON and headers, and in the request's query, JSON, headers and text. */
export const TAG_SOURCES = ['json', 'header', 'query', 'request', 'request_header', 'text'] as const;

/**
 * A rule as it is written down: a tag of the path's variables (`product:{id}`), or one of `{value}`, each thing that is found
 * in the one place that is named (for a text: of `{1}`, what a group of the pattern took).
 */
export type TagRule =
  | string
  | ({ readonly tag: string } & { readonly [Source in (typeof TAG_SOURCES)[number]]?: string | undefined });

/** What rules can look at in a request. */
export interface TaggedRequest {
  /** The path's variables. */
  readonly params: ReadonlyMap<string, string>;
  /** The query as sent, without `?`. */
  readonly query: string;
  readonly header: HeaderOf;
  /** The body's JSON; `none` where there is no body, `unreadable` where it is something else. Read only if a rule asks. */
  readonly json: () => ObjectNode | 'none' | 'unreadable';
}

type Collect<Source> = (source: Source, into: TagCollector) => void;

/** The rules that apply to one kind of request. A rule that finds nothing gives no tag; one that cannot read fails the whole. */
export class TagRules {
  readonly #elapsed: () => number;
  readonly #request: Collect<TaggedRequest>[] = [];
  readonly #texts: TextRule[] = [];
  readonly #headers: Collect<Headers>[] = [];
  readonly #bodies: Collect<Node>[] = [];

  /** `elapsed` gives monotonic milliseconds: a text is not looked through for ever. Throws for rules that are none. */
  constructor(rules: readonly TagRule[], elapsed: () => number) {
    this.#elapsed = elapsed;
    for (const rule of rules) this.#compile(rule);
  }

  /** Whether any of them reads the request's text. */
  get readsText(): boolean {
    return this.#texts.length > 0;
  }

  /** Whether any of them reads the answer's body. */
  get readsBody(): boolean {
    return this.#bodies.length > 0;
  }

  /** Whether any of them reads something of the answer. */
  get readsAnswer(): boolean {
    return this.readsBody || this.#headers.length > 0;
  }

  /** Collects what a request says, but for its text. */
  ofRequest(request: TaggedRequest, into: TagCollector): void {
    for (const collect of this.#request) collect(request, into);
  }

  /** A reader for the text of one request. */
  textReader(): TextReader {
    return new TextReader(this.#texts, this.#elapsed);
  }

  /** Collects what an answer's headers say. */
  ofHeaders(headers: Headers, into: TagCollector): void {
    for (const collect of this.#headers) collect(headers, into);
  }

  /** Collects what an answer's body says; undefined where it is not JSON. */
  ofBody(root: Node | undefined, into: TagCollector): void {
    if (this.readsBody && root === undefined) into.unreadable();
    else if (root !== undefined) for (const collect of this.#bodies) collect(root, into);
  }

  #compile(rule: TagRule): void {
    if (typeof rule === 'string') {
      const template = must(parseTagTemplate(rule), rule);
      this.#request.push(({ params }, into) => put(template, (name) => params.get(name), into));
      return;
    }
    const template = must(parseTagTemplate(rule.tag), rule.tag);
    const putAll = (values: readonly string[], into: TagCollector) => {
      for (const value of values) {
        if (into.failed) return;
        put(template, (name) => (name === 'value' ? value : undefined), into);
      }
    };
    const putLines = (values: readonly string[], into: TagCollector) => {
      if (values.every(isHeaderText)) putAll(values, into);
      else into.unreadable();
    };
    const { query, request_header: requestHeader, header } = rule;
    if (query !== undefined) {
      this.#request.push((request, into) => putAll(new URLSearchParams(request.query).getAll(query), into));
    }
    if (requestHeader !== undefined) {
      const name = requestHeader.toLowerCase();
      this.#request.push((request, into) => {
        const value = request.header(name);
        if (value !== undefined) putLines([value], into);
      });
    }
    if (header !== undefined) {
      const name = header.toLowerCase();
      this.#headers.push((headers, into) => {
        putLines(
          headers.filter(([known]) => known === name).map(([, value]) => value),
          into,
        );
      });
    }
    if (rule.json !== undefined) {
      this.#bodies.push(selecting(must(parseJsonPath(rule.json), rule.json), putAll));
    }
    if (rule.request !== undefined) {
      const collect = selecting(must(parseJsonPath(rule.request), rule.request), putAll);
      this.#request.push((request, into) => {
        const json = request.json();
        if (json === 'unreadable') into.unreadable();
        else if (json !== 'none') collect(json, into);
      });
    }
    if (rule.text !== undefined) {
      this.#texts.push({ pattern: must(parseTextPattern(rule.text), rule.text), template });
    }
  }
}

function must<T>(parsed: T | undefined, written: string): T {
  if (parsed === undefined) throw new Error(`${written} cannot be used in a rule for tags`);
  return parsed;
}

function put(
  template: TagTemplate,
  valueFor: (name: string) => string | undefined,
  into: TagCollector,
): void {
  const tag = template.fill(valueFor);
  if (tag !== undefined) into.add(tag);
}

/** Collects the values that a path selects. */
function selecting(
  path: JsonPath,
  putAll: (values: readonly string[], into: TagCollector) => void,
): Collect<Node> {
  return (root, into) => {
    const nodes = path.select(root);
    const values: string[] = [];
    for (const node of nodes ?? []) {
      const value = spelled(node);
      if (value === undefined) return into.unreadable();
      values.push(value);
    }
    if (nodes === undefined) into.unreadable();
    else putAll(values, into);
  };
}

/** A value as text: a number with all its digits, if it is a whole one. Nothing else has one spelling only. */
function spelled(node: Node): string | undefined {
  switch (node.kind) {
    case 'string':
      return node.value;
    case 'number':
      return WHOLE.test(node.raw) ? node.raw : undefined;
    case 'literal':
      return node.value === null ? undefined : String(node.value);
    default:
      return undefined;
  }
}

const WHOLE = /^(?:0|-?[1-9]\d*)$/;
