/**
 * `bytes` in memory of their own. A view keeps alive all of the buffer it looks into: a 2 KB slice of a socket's read
 * buffer or of Node's pool costs many times its length.
 */
export function exact(bytes: Uint8Array): Buffer {
  if (bytes.byteLength === bytes.buffer.byteLength) {
    return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, 0, bytes.byteLength);
  }
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  copy.set(bytes);
  return copy;
}
