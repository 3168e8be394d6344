import type { Condition, Effect } from '../cache/condition.ts';
import { isSet, type Node } from '../openai/json.ts';
import { parseJsonPath } from '../openai/json-path.ts';
import { RepriseError } from '../shared/errors.ts';
import { parseGlob } from '../shared/glob.ts';
import { isTag } from '../shared/tag.ts';
import { parseTagTemplate } from '../shared/tag-template.ts';
import { scalarText } from './schemes/place.ts';

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
   * `invalid_request` for one that lacks what it should have, and for one value in its place of which no tag can be made.
   */
  readonly meaning: (payload: Node) => Meant | undefined;
}

/** Makes a rule of its settings, which are checked. */
export function ruleOf({ event, mode, ...settings }: RuleSettings): Rule {
  const glob = parseGlob(event);
  const tags = settings.tags.map(tagsOf);
  const rest = conditionOf(settings);
  return {
    concerns: (name) => glob?.(name) === true,
    meaning(payload) {
      if (tags.length === 0) return { condition: rest, effect: mode };
      const found = [...new Set(tags.flatMap(({ find }) => find(payload)))];
      if (found.length > MOST_TAGS) throw tooManyTags(found.length);
      if (found.length > 0) return { condition: { tags: found, ...rest }, effect: mode };
      // A list may be empty; but an id that is not there is another kind of payload than the rule is for.
      const lacking = tags.find(({ isExpected }) => isExpected);
      if (lacking === undefined) return undefined;
      throw unusable('has nothing', lacking.place);
    },
  };
}

/** More would be no product's update any more, and each costs every entry's judging. */
const MOST_TAGS = 5_000;

/** How the tags of one setting are found in a payload. */
interface Tags {
  readonly find: (payload: Node) => readonly string[];
  /** Whether it is one value, which a payload has to have. */
  readonly isExpected: boolean;
  /** The JSONPath to the values, for messages. */
  readonly place: string;
}

function tagsOf({ tag, json: place = '' }: TagSettings): Tags {
  const template = parseTagTemplate(tag);
  const path = parseJsonPath(place);
  if (path === undefined || template === undefined) return { find: () => [tag], isExpected: false, place };
  return {
    isExpected: path.isSingular,
    place,
    find(payload) {
      const nodes = path.select(payload);
      if (nodes === undefined) throw unusable('is too large to look through', place);
      return nodes.flatMap((node) => {
        const value = valueAt(node, place);
        const found = value === '' ? undefined : template.fill(() => value);
        if (found === undefined || isTag(found)) return found ?? [];
        if (path.isSingular) throw unusable('has what no tag can be made of', place);
        // No entry can have it: of a list it takes nothing from the others, of which entries are to go.
        return [];
      });
    },
  };
}

/** A value as a text. What is empty or `null` says nothing; of a list or a fraction no tag can be made. */
function valueAt(node: Node, place: string): string {
  if (!isSet(node)) return '';
  const text = scalarText(node);
  if (text === undefined) throw unusable(`has ${KINDS[node.kind]}`, place);
  return text;
}

const KINDS = {
  object: 'an object',
  array: 'a list',
  string: 'a text',
  number: 'a fraction',
  literal: 'true or false',
} as const;

function conditionOf({ type, namespace, pattern, model }: Omit<RuleSettings, 'event' | 'mode'>): Condition {
  return {
    ...(type.length > 0 && { types: type }),
    ...(namespace.length > 0 && { namespaces: namespace }),
    ...(pattern.length > 0 && { patterns: pattern }),
    ...(model.length > 0 && { models: model }),
  };
}

function unusable(what: string, place: string): RepriseError {
  return new RepriseError(
    'invalid_request',
    `The payload of this delivery ${what} at ${place}: expected a text of at most 1024 characters or a whole number.`,
  );
}

function tooManyTags(count: number): RepriseError {
  return new RepriseError(
    'invalid_request',
    `The payload of this delivery gives ${count} tags: at most ${MOST_TAGS} can be invalidated at once.`,
  );
}
