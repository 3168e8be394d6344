/** A field of a Protocol Buffers message as it stands on the wire. */
export interface Field {
  readonly number: number;
  /** Of varints and fixed-width numbers the number, of everything else the bytes. */
  readonly value: bigint | Buffer;
}

/** Reads a message's fields, in order (protobuf.dev/programming-guides/encoding). Throws for what is none. */
export function readFields(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at < message.length) {
    const tag = Number(varint());
    fields.push({ number: tag >> 3, value: read(tag & 7) });
  }
  return fields;

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new Error('a varint ends too early');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  function read(wireType: number): bigint | Buffer {
    if (wireType === 0) return varint();
    const length = wireType === 1 ? 8 : wireType === 5 ? 4 : wireType === 2 ? Number(varint()) : -1;
    if (length < 0 || at + length > message.length)
      throw new Error(`a field of type ${wireType} ends too early`);
    const bytes = message.subarray(at, at + length);
    at += length;
    if (wireType === 2) return bytes;
    return length === 8 ? bytes.readBigUInt64LE() : BigInt(bytes.readUInt32LE());
  }
}

/** The values of the fields with this number, as messages or texts. */
export function bytesOf(fields: readonly Field[], number: number): Buffer[] {
  return fields.flatMap((field) =>
    field.number === number && Buffer.isBuffer(field.value) ? field.value : [],
  );
}

/** The last number of the fields with this number; 0 if there is none. */
export function numberOf(fields: readonly Field[], number: number): bigint {
  const found = fields.findLast((field) => field.number === number)?.value;
  return typeof found === 'bigint' ? found : 0n;
}
