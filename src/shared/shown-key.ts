/** A shown key's readable segments, percent-encoded as they stand in it. */
export interface Place {
  readonly type: string;
  readonly namespace: string;
  /** The model, or the route's name. */
  readonly label: string;
}

/** The shown key of what lies at `place` under `id`: `type/namespace/label/id`. */
export function shownKey({ type, namespace, label }: Place, id: string): string {
  return `${type}/${namespace}/${label}/${id}`;
}

/** The place in a shown key. */
export function placeOf(shown: string): Place {
  const [type = '', namespace = '', label = ''] = shown.split('/', 3);
  return { type, namespace, label };
}

// A model's name comes from outside and goes into a header. Names of real models are shorter.
const LONGEST_NAME = 128;
// RFC 3986 §2.3: the usual ones, which stay as they are.
const UNRESERVED = /^[\w.-]+$/;

/**
 * A name as a segment; `-` for what no address keeps as one: an empty one, since `//` is refused in targets, and the dot
 * segments, which clients take away also where they are encoded (RFC 3986 §5.2.4, URL Standard).
 */
export function segmentOf(name: string): string {
  if (name === '' || name === '.' || name === '..') return '-';
  if (name.length <= LONGEST_NAME && UNRESERVED.test(name)) return name;
  return encodeURIComponent(name.slice(0, LONGEST_NAME).toWellFormed());
}
