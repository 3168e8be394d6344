/** What an upstream takes, beside what is sent to it by name. */
export interface Offer {
  /** Endpoint names; every one if absent. */
  readonly serves?: readonly string[] | undefined;
  /** Model names in which `*` stands for any characters; every one if absent. */
  readonly models?: readonly string[] | undefined;
}

/**
 * The first of `offers` that takes a call of `endpoint`; undefined if none does. An offer that names neither endpoints
 * nor models takes nothing by itself. `model` is asked only where an offer depends on it.
 */
export function choose<O extends Offer>(
  offers: readonly O[],
  endpoint: string,
  model: () => string | undefined,
): O | undefined {
  return offers.find(({ serves, models }) => {
    if (serves === undefined && models === undefined) return false;
    if (serves !== undefined && !serves.includes(endpoint)) return false;
    if (models === undefined) return true;
    const name = model();
    return name !== undefined && models.some((pattern) => matches(pattern, name));
  });
}

/** Whether `name` is what `pattern` says, in which `*` stands for any characters. Linear in both. */
function matches(pattern: string, name: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return name === head;
  if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) return false;
  // Leftmost matches never rule out a later one: no backtracking is needed.
  let at = head.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= name.length - tail.length;
}
