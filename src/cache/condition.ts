import { parseGlob } from '../shared/glob.ts';
import { isRecord } from '../shared/plain.ts';
import { placeOf, segmentOf } from '../shared/shown-key.ts';

/** Which entries are meant: those that fulfil every list that is there; of one list any member will do. Never empty. */
export interface Condition {
  /** Shown keys (`type/namespace/label/digest`). */
  readonly keys?: readonly string[] | undefined;
  /** Globs over the shown key, as `shared/glob.ts` reads them. */
  readonly patterns?: readonly string[] | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly types?: readonly string[] | undefined;
  readonly namespaces?: readonly string[] | undefined;
  /** The third segment of the shown key, decoded: a model, or a route's name. */
  readonly models?: readonly string[] | undefined;
}

/**
 * What becomes of the entries meant: `purge` they are never served again; `expire` from now on only when the upstream fails,
 * and never for stale-while-revalidate.
 */
export type Effect = 'purge' | 'expire';

/** Whether a shown key fulfils all of a condition that is not about tags. */
export function byKey({ keys, patterns, types, namespaces, models }: Condition): (shown: string) => boolean {
  const globs = patterns?.map((pattern) => parseGlob(pattern) ?? (() => false));
  const segments = (names: readonly string[] | undefined) => names && new Set(names.map(segmentOf));
  const [ofTypes, ofNamespaces, ofModels] = [segments(types), segments(namespaces), segments(models)];
  const ofKeys = keys && new Set(keys);
  return (shown) => {
    const place = placeOf(shown);
    return (
      (ofTypes?.has(place.type) ?? true) &&
      (ofNamespaces?.has(place.namespace) ?? true) &&
      (ofModels?.has(place.label) ?? true) &&
      (ofKeys?.has(shown) ?? true) &&
      (globs?.some((glob) => glob(shown)) ?? true)
    );
  };
}

const LISTS: ReadonlySet<string> = new Set(['keys', 'patterns', 'tags', 'types', 'namespaces', 'models']);

/** Whether what was read from somewhere is a condition. */
export function isCondition(value: unknown): value is Condition {
  if (!isRecord(value)) return false;
  const lists = Object.entries(value);
  return lists.length > 0 && lists.every(([name, list]) => LISTS.has(name) && areTexts(list));
}

/** Whether what was read from somewhere is a list of texts. */
export function areTexts(list: unknown): list is readonly string[] {
  return Array.isArray(list) && list.every((member) => typeof member === 'string');
}
