/** What {@link parseTagTemplate} takes, in words for a message. */
export const TAG_TEMPLATE_EXPECTED =
  'a tag of at most 256 characters, with {names} in braces, such as "product:{id}"';

/** A tag with names in braces in it, for which values stand in. */
export interface TagTemplate {
  /** The names, in order; a number names a group of a pattern. */
  readonly names: readonly string[];
  /** The tag with these values; undefined where there is none for one of the names. */
  fill(valueOf: (name: string) => string | undefined): string | undefined;
}

/** Reads a template such as `product:{id}`; undefined for what is none. */
export function parseTagTemplate(text: string): TagTemplate | undefined {
  if (text.length > MAX_LENGTH || !WHOLE.test(text)) return undefined;
  const pieces = [...text.matchAll(PIECE)].map(([literal, name]) => ({ literal, name }));
  return {
    names: pieces.flatMap(({ name }) => name ?? []),
    fill(valueOf) {
      let tag = '';
      for (const { literal, name } of pieces) {
        const text = name === undefined ? literal : valueOf(name);
        if (text === undefined) return undefined;
        tag += text;
      }
      return tag;
    },
  };
}

const MAX_LENGTH = 256;
const PIECE = /\{([A-Za-z_][A-Za-z0-9_]*|\d{1,2})\}|[^{}]+/g;
const WHOLE = /^(?:\{(?:[A-Za-z_][A-Za-z0-9_]*|\d{1,2})\}|[^{}\p{Cc}])+$/u;
