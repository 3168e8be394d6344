/** How a caller wants its vectors, the API's `encoding_format`: JSON numbers, or base64 of float32 little-endian. */
export type Encoding = 'float' | 'base64';

/**
 * The vector an upstream gave as `embedding`, whichever of the two encodings it chose: its raw float32 little-endian
 * bytes in a buffer of exactly that size. Undefined for what is no vector: an empty one, members that are no numbers or
 * too large for float32, text that is not the one canonical base64 (RFC 4648 section 4) of whole float32s.
 */
export function vectorFrom(embedding: unknown): Buffer | undefined {
  if (typeof embedding === 'string') return vectorFromBase64(embedding);
  if (Array.isArray(embedding)) return vectorFromNumbers(embedding);
  return undefined;
}

/**
 * The JSON text of a vector in this encoding. As numbers it is every float32 printed as the double it equals; a negative
 * zero keeps its sign, and NaN and the infinities, which JSON cannot say, are `null`.
 */
export function vectorText(vector: Buffer, encoding: Encoding): string {
  if (encoding === 'base64') return `"${vector.toString('base64')}"`;
  const view = viewOf(vector);
  let text = '';
  for (let at = 0; at < view.byteLength; at += FLOAT_BYTES) {
    text += `${at === 0 ? '[' : ','}${numberText(view.getFloat32(at, true))}`;
  }
  return `${text}]`;
}

/** Whether every member is a finite number. A model that gives NaN is broken: its answer may be shown, not kept. */
export function isFiniteVector(vector: Buffer): boolean {
  const view = viewOf(vector);
  for (let at = 0; at < view.byteLength; at += FLOAT_BYTES) {
    if (!Number.isFinite(view.getFloat32(at, true))) return false;
  }
  return true;
}

/** How many numbers a vector of so many bytes holds. */
export function dimensionsOf(vector: Buffer): number {
  return vector.length / FLOAT_BYTES;
}

const FLOAT_BYTES = 4;

/**
 * Rounding the JSON number to float32 gives back the upstream's own float32, whether it printed the shortest decimal that
 * is unique among float32s or the double of the same value.
 */
function vectorFromNumbers(values: readonly unknown[]): Buffer | undefined {
  if (values.length === 0) return undefined;
  const vector = Buffer.allocUnsafeSlow(values.length * FLOAT_BYTES);
  const view = viewOf(vector);
  let at = 0;
  for (const value of values) {
    if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) return undefined;
    view.setFloat32(at, value, true);
    at += FLOAT_BYTES;
  }
  return vector;
}

function vectorFromBase64(text: string): Buffer | undefined {
  if (text.length === 0 || text.length % 4 !== 0) return undefined;
  const size = (text.length / 4) * 3 - paddingOf(text);
  if (size % FLOAT_BYTES !== 0) return undefined;
  // Not Buffer.from: it would cut small vectors out of its shared pool.
  const vector = Buffer.allocUnsafeSlow(size);
  // Node's decoder skips what is not base64; encoding again and comparing is strict, and faster than a pattern.
  if (vector.write(text, 'base64') !== size || vector.toString('base64') !== text) return undefined;
  return vector;
}

function paddingOf(text: string): number {
  if (text.endsWith('==')) return 2;
  return text.endsWith('=') ? 1 : 0;
}

// The float32s are little-endian on every machine, so a Float32Array, which follows the platform, will not do.
function viewOf(vector: Buffer): DataView {
  return new DataView(vector.buffer, vector.byteOffset, vector.byteLength);
}

function numberText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  return Number.isFinite(value) ? String(value) : 'null';
}
