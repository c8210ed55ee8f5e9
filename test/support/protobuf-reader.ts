/** A message of Protocol Buffers as its wire format shows it: values of each field in order. */
export class WireMessage {
  readonly #fields = new Map<number, (bigint | Uint8Array)[]>();

  constructor(bytes: Uint8Array) {
    let at = 0;
    const varint = (): bigint => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = bytes[at++];
        if (byte === undefined) throw new Error('the message ends within a varint');
        value |= BigInt(byte & 127) << shift;
        if (byte < 128) return value;
      }
    };
    const take = (length: number): Uint8Array => {
      if (at + length > bytes.length) throw new Error('the message ends within a field');
      at += length;
      return bytes.subarray(at - length, at);
    };
    while (at < bytes.length) {
      const key = Number(varint());
      const values = this.#fields.get(key >> 3) ?? [];
      this.#fields.set(key >> 3, values);
      if ((key & 7) === 0) values.push(varint());
      else if ((key & 7) === 2) values.push(take(Number(varint())));
      else if ((key & 7) === 5) values.push(take(4));
      else throw new Error(`wire type ${key & 7} is not used`);
    }
  }

  bytes(field: number): Uint8Array[] {
    return (this.#fields.get(field) ?? []).filter((value) => value instanceof Uint8Array);
  }

  texts(field: number): string[] {
    return this.bytes(field).map((value) => new TextDecoder().decode(value));
  }

  messages(field: number): WireMessage[] {
    return this.bytes(field).map((value) => new WireMessage(value));
  }

  /** Signed, as int64 reads them; packed or not. */
  integers(field: number): number[] {
    return (this.#fields.get(field) ?? []).flatMap((value) =>
      typeof value === 'bigint' ? [Number(BigInt.asIntN(64, value))] : unpacked(value),
    );
  }
}

function unpacked(packed: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of packed) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      values.push(Number(BigInt.asIntN(64, value)));
      value = 0n;
      shift = 0n;
    }
  }
  return values;
}
