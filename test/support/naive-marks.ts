import type { Condition } from '../../src/cache/condition.ts';
import type { Tagged } from '../../src/cache/entry.ts';
import type { Mark, Standing, Subject } from '../../src/cache/mark.ts';
import { parseGlob } from '../../src/shared/glob.ts';
import { segmentOf } from '../../src/shared/shown-key.ts';

/** What marks mean, as simply as it can be said: all are kept, and each subject is held against every one of them. */
export class NaiveMarks {
  readonly #marks: Mark[] = [];

  add(mark: Mark): void {
    this.#marks.push(mark);
  }

  standing(subject: Subject, more: readonly Tagged[] = []): Standing {
    const asked = { ...subject, tags: [...subject.tags, ...more] };
    const effects = new Set(this.#marks.filter((mark) => concerns(mark, asked)).map(({ effect }) => effect));
    if (effects.has('purge')) return 'purged';
    return effects.has('expire') ? 'expired' : 'alive';
  }
}

/** Whether a mark concerns a subject: what is meant, and was asked for before, or written from what was. */
export function concerns({ condition, stamp }: Mark, { key, stamp: began, tags }: Subject): boolean {
  if (condition === undefined) return [began, ...tags.map(([, at]) => at)].some((at) => at <= stamp);
  const { tags: named, ...rest } = condition;
  const before =
    named === undefined ? began <= stamp : tags.some(([tag, at]) => named.includes(tag) && at <= stamp);
  return before && fulfils(key.shown, rest);
}

/** Whether a shown key fulfils each of these lists. */
function fulfils(shown: string, { keys, patterns, types, namespaces, models }: Condition): boolean {
  const [type, namespace, model] = shown.split('/');
  const has = (names: readonly string[] | undefined, segment: string | undefined) =>
    names === undefined || names.some((name) => segmentOf(name) === segment);
  return (
    (keys === undefined || keys.includes(shown)) &&
    (patterns === undefined || patterns.some((pattern) => parseGlob(pattern)?.(shown) === true)) &&
    has(types, type) &&
    has(namespaces, namespace) &&
    has(models, model)
  );
}
