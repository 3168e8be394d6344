/**
 * What Snappy packed (its format_description.txt: the length, then literals and copies of what came before). Throws a
 * RangeError where `packed` is no such thing, or says that it holds more than `maxLength` bytes.
 */
export function unsnap(packed: Buffer, maxLength: number): Buffer {
  let at = 0;
  const number = (bytes: number) => {
    const value = packed.readUIntLE(at, bytes);
    at += bytes;
    return value;
  };
  let length = 0;
  for (let unit = 1, more = true; more; unit *= 128) {
    const byte = number(1);
    length += (byte & 0x7f) * unit;
    more = byte >= 0x80;
  }
  if (length > maxLength) throw new RangeError(`${length} bytes`);
  const raw = Buffer.alloc(length);
  let written = 0;
  while (at < packed.length) {
    const tag = number(1);
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const size = 1 + (short < 60 ? short : number(short - 59));
      if (at + size > packed.length || written + size > length) throw new RangeError('literal');
      packed.copy(raw, written, at, at + size);
      at += size;
      written += size;
      continue;
    }
    const size = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    const offset = kind === 1 ? ((tag >> 5) << 8) | number(1) : number(kind === 2 ? 2 : 4);
    if (offset === 0 || offset > written || written + size > length) throw new RangeError('copy');
    // Byte by byte: a copy may reach into what it writes.
    for (const end = written + size; written < end; written++)
      raw.writeUInt8(raw.readUInt8(written - offset), written);
  }
  if (written !== length) throw new RangeError('cut short');
  return raw;
}
