/**
 * What stands at a path inside JSON. A server of another version may leave a field out or have it otherwise: then there is
 * nothing, and the page says "–" rather than break.
 * @param {unknown} value
 * @param {readonly string[]} path
 * @returns {unknown}
 */
export function valueAt(value, ...path) {
  let found = value;
  for (const name of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.getOwnPropertyDescriptor(found, name)?.value;
  }
  return found;
}

/**
 * @param {unknown} value
 * @param {readonly string[]} path
 * @returns {number | undefined}
 */
export function numberAt(value, ...path) {
  const found = valueAt(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

/**
 * @param {unknown} value
 * @param {readonly string[]} path
 * @returns {string | undefined}
 */
export function textAt(value, ...path) {
  const found = valueAt(value, ...path);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/**
 * @param {unknown} value
 * @param {readonly string[]} path
 * @returns {readonly unknown[]}
 */
export function listAt(value, ...path) {
  const found = valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/**
 * The fields of an object, in its order.
 * @param {unknown} value
 * @param {readonly string[]} path
 * @returns {readonly [string, unknown][]}
 */
export function fieldsAt(value, ...path) {
  const found = valueAt(value, ...path);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? Object.entries(found) : [];
}

/**
 * A percentile of durations; none where there were no durations, of which the server says 0.
 * @param {unknown} value
 * @param {readonly string[]} path
 */
export function latencyAt(value, ...path) {
  return numberAt(value, ...path.slice(0, -1), 'count') === 0 ? undefined : numberAt(value, ...path);
}
