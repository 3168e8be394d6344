import { isTag, MAX_TAGS } from '../shared/tag.ts';

/** Why it is not known for sure which tags something has; shown in `x-cache-reason`. */
export type TagProblem = 'tags-unreadable' | 'too-many-tags';

/** The tags that something has, each once, or why that is not known: what is not known whole is never kept. */
export type TagsRead =
  | { readonly ok: true; readonly tags: readonly string[] }
  | { readonly ok: false; readonly problem: TagProblem };

/** Brings tags from several sources together. */
export class TagCollector {
  readonly #tags = new Set<string>();
  #failure: Extract<TagsRead, { ok: false }> | undefined;

  /** Takes one more. A text that is no tag makes the whole unreadable, and one too many too many: none is left out. */
  add(tag: string): void {
    if (this.#tags.has(tag)) return;
    if (!isTag(tag)) this.unreadable();
    else if (this.#tags.size < MAX_TAGS) this.#tags.add(tag);
    else this.fail('too-many-tags');
  }

  /** Takes several; undefined where they could not be read. */
  addAll(tags: readonly string[] | undefined): void {
    if (tags === undefined) this.unreadable();
    else for (const tag of tags) this.add(tag);
  }

  /** Says that a source could not be read. */
  unreadable(): void {
    this.fail('tags-unreadable');
  }

  /** Says that it comes to nothing, whatever else is taken. */
  fail(problem: TagProblem): void {
    this.#failure ??= { ok: false, problem };
  }

  /** Whether it comes to nothing. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** What it has come to. */
  get read(): TagsRead {
    return this.#failure ?? { ok: true, tags: [...this.#tags] };
  }
}

/** What is collected. */
export function collected(collect: (into: TagCollector) => void): TagsRead {
  const collector = new TagCollector();
  collect(collector);
  return collector.read;
}
