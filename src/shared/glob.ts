/** What {@link parseGlob} takes, in words for a message. */
export const GLOB_EXPECTED =
  'a pattern of at most 512 characters, with * and ? within a segment, ** across segments and {a,b} (not nested, at most 64 alternatives)';

/** Tells whether a text, taken whole, is what a pattern says. */
export type Glob = (text: string) => boolean;

/**
 * Reads a pattern over texts whose segments are parted by `/`: `*` any characters of one segment, `?` one of them, `**` any
 * characters, `{a,b}` one of several. Undefined for what is no such pattern. Matching keeps the set of places in the pattern
 * where the text could be (Thompson, CACM 11(6), 1968): its time is linear in the text, whatever the pattern.
 */
export function parseGlob(pattern: string): Glob | undefined {
  if (pattern.length > MAX_LENGTH) return undefined;
  const pieces = read(pattern);
  if (pieces === undefined) return undefined;
  const places: Place[] = [];
  const end = place(places, { takes: NOTHING, next: -1, also: [] });
  const start = compile(places, pieces, end);
  return matcher(places, start, end);
}

const MAX_LENGTH = 512;
const MAX_ALTERNATIVES = 64;

/** What a place takes of the text: a character, or one of these. */
type Takes = string | typeof NOTHING | typeof IN_SEGMENT | typeof ANY;
const NOTHING = 0;
const IN_SEGMENT = 1;
const ANY = 2;

/** A place in a pattern. */
interface Place {
  readonly takes: Takes;
  /** The place after what it takes. */
  readonly next: number;
  /** The places that are as good as this one. */
  readonly also: readonly number[];
}

type Piece =
  | { readonly kind: 'one'; readonly takes: Takes }
  | { readonly kind: 'many'; readonly takes: Takes }
  | { readonly kind: 'either'; readonly options: readonly (readonly Piece[])[] };

// In this order: braces whole, both kinds of stars, any other character.
const PIECE = /\{([^{}]*)\}|(\*\*)|(\*)|(\?)|([^{}])/gsu;

function read(pattern: string): readonly Piece[] | undefined {
  const pieces: Piece[] = [];
  let length = 0;
  let alternatives = 0;
  for (const [whole, choice, across, within, single, character] of pattern.matchAll(PIECE)) {
    length += whole.length;
    if (choice !== undefined) {
      const options = choice.split(',').map((option) => read(option) ?? []);
      alternatives += options.length;
      pieces.push({ kind: 'either', options });
    } else if (across !== undefined) pieces.push({ kind: 'many', takes: ANY });
    else if (within !== undefined) pieces.push({ kind: 'many', takes: IN_SEGMENT });
    else if (single !== undefined) pieces.push({ kind: 'one', takes: IN_SEGMENT });
    else if (character !== undefined) pieces.push({ kind: 'one', takes: character });
  }
  // What was passed over is a brace without its other half.
  return length === pattern.length && alternatives <= MAX_ALTERNATIVES ? pieces : undefined;
}

/** Adds the places of `pieces`, which lead to `end`; gives the first. */
function compile(places: Place[], pieces: readonly Piece[], end: number): number {
  return pieces.reduceRight((next, piece) => compileOne(places, piece, next), end);
}

function compileOne(places: Place[], piece: Piece, next: number): number {
  switch (piece.kind) {
    case 'one':
      return place(places, { takes: piece.takes, next, also: [] });
    case 'many':
      return place(places, { takes: piece.takes, next: places.length, also: [next] });
    case 'either': {
      const also = piece.options.map((option) => compile(places, option, next));
      return place(places, { takes: NOTHING, next: -1, also });
    }
  }
}

function place(places: Place[], added: Place): number {
  return places.push(added) - 1;
}

/** Matching takes no memory of its own for each character: a place notes the last step at which it was reached. */
function matcher(places: readonly Place[], start: number, end: number): Glob {
  const noted = new Float64Array(places.length);
  let step = 0;
  /** Adds a place, and all that are as good as it. */
  const reach = (into: Place[], at: number) => {
    const reached = places[at];
    if (reached === undefined || noted[at] === step) return;
    noted[at] = step;
    into.push(reached);
    for (const same of reached.also) reach(into, same);
  };
  return (text) => {
    step += 1;
    let here: Place[] = [];
    reach(here, start);
    for (const character of text) {
      step += 1;
      const reached: Place[] = [];
      for (const spot of here) if (takes(spot.takes, character)) reach(reached, spot.next);
      if (reached.length === 0) return false;
      here = reached;
    }
    return noted[end] === step;
  };
}

function takes(taken: Takes, character: string): boolean {
  if (taken === ANY) return true;
  if (taken === IN_SEGMENT) return character !== '/';
  return taken === character;
}
