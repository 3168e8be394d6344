import type { Condition, Effect } from '../cache/condition.ts';
import { compileJsonPath, type JsonPath } from '../openai/json-path.ts';
import { RepriseError } from '../shared/errors.ts';
import { parseGlob } from '../shared/glob.ts';
import { wholeText } from './schemes/place.ts';

/** What an event means: which entries, and what becomes of them. */
export interface RuleSettings {
  /** A glob over the event's name. */
  readonly event: string;
  readonly tags: readonly TagSettings[];
  readonly type: readonly string[];
  readonly namespace: readonly string[];
  readonly pattern: readonly string[];
  readonly model: readonly string[];
  readonly mode: Effect;
}

/** A tag: a text, in which `{value}` stands for each value that a JSONPath finds in the payload. */
export interface TagSettings {
  readonly tag: string;
  readonly json?: string | undefined;
}

/** What one rule makes of a delivery. */
export interface Meant {
  readonly condition: Condition;
  readonly effect: Effect;
}

/** A rule, ready for deliveries. */
export interface Rule {
  readonly concerns: (event: string) => boolean;
  /**
   * What is meant by a payload; undefined if it has no value for any of the rule's tags, and need not have one. Throws
   * `invalid_request` for one that lacks what it should have, and for a value of which no tag can be made.
   */
  readonly meaning: (payload: unknown) => Meant | undefined;
}

/** Makes a rule of its settings, which are checked. */
export function ruleOf({ event, mode, ...settings }: RuleSettings): Rule {
  const glob = parseGlob(event);
  const templates = settings.tags.map(templateOf);
  const rest = conditionOf(settings);
  // A list may be empty; an id that is not there is another kind of payload than the rule is for.
  const expected = settings.tags.find(({ json = '' }) => compileJsonPath(json)?.isSingular === true)?.json;
  return {
    concerns: (name) => glob?.(name) === true,
    meaning(payload) {
      if (templates.length === 0) return { condition: rest, effect: mode };
      const tags = [...new Set(templates.flatMap((template) => template(payload)))];
      if (tags.length > MAX_TAGS) throw tooMany(tags.length);
      if (tags.length > 0) return { condition: { tags, ...rest }, effect: mode };
      if (expected === undefined) return undefined;
      throw unusable(expected, 'has nothing');
    },
  };
}

/** More would be no product's update any more, and each costs every entry's judging. */
const MAX_TAGS = 5_000;
const MAX_TAG_LENGTH = 1_024;

type Template = (payload: unknown) => readonly string[];

function templateOf({ tag, json }: TagSettings): Template {
  const path = json === undefined ? undefined : compileJsonPath(json);
  if (path === undefined) return () => [tag];
  return (payload) =>
    valuesAt(path, payload, json ?? '').map((value) => tag.replaceAll('{value}', () => value));
}

/** The values at a path, as texts. What is empty or `null` says nothing; of a list or a fraction no tag can be made. */
function valuesAt(path: JsonPath, payload: unknown, json: string): string[] {
  return path.values(payload).flatMap((value) => {
    if (value === null || value === '') return [];
    const text = typeof value === 'string' ? value : wholeText(value);
    if (text === undefined) throw unusable(json, `holds ${kindOf(value)}`);
    if (text.length > MAX_TAG_LENGTH) throw unusable(json, `holds ${text.length} characters`);
    return [text];
  });
}

function conditionOf({ type, namespace, pattern, model }: Omit<RuleSettings, 'event' | 'mode'>): Condition {
  return {
    ...(type.length > 0 && { types: type }),
    ...(namespace.length > 0 && { namespaces: namespace }),
    ...(pattern.length > 0 && { patterns: pattern }),
    ...(model.length > 0 && { models: model }),
  };
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `${String(value)}`;
}

function unusable(json: string, what: string): RepriseError {
  return new RepriseError(
    'invalid_request',
    `The payload of this delivery ${what} at ${json}: expected a text of at most ${MAX_TAG_LENGTH} characters or a whole number.`,
  );
}

function tooMany(count: number): RepriseError {
  return new RepriseError(
    'invalid_request',
    `The payload of this delivery gives ${count} tags: at most ${MAX_TAGS} can be invalidated at once.`,
  );
}
