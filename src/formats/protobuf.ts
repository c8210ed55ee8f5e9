/** Byte strings from this size on are kept by reference until the end instead of being copied at each level. */
const largeBytes = 4096;

/** Writes the few wire types of Protocol Buffers that an ONNX file needs. */
export class ProtobufWriter {
  readonly #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #tail = new Uint8Array(256);
  #tailLength = 0;

  /** A varint field: integers, enums, booleans. Negative integers take ten bytes, as int64 asks. */
  integer(field: number, value: number): this {
    this.#varint(field << 3);
    return this.#varint(value);
  }

  /** A 32-bit float field. */
  float(field: number, value: number): this {
    this.#varint((field << 3) | 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#copy(bytes);
  }

  /** @param value must not change before the message is finished */
  bytes(field: number, value: Uint8Array): this {
    this.#varint((field << 3) | 2);
    this.#varint(value.length);
    return value.length < largeBytes ? this.#copy(value) : this.#refer(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  message(field: number, value: ProtobufWriter): this {
    this.#varint((field << 3) | 2);
    this.#varint(value.length);
    for (const chunk of value.#chunks) {
      if (chunk.length < largeBytes) this.#copy(chunk);
      else this.#refer(chunk);
    }
    return this.#copy(value.#tail.subarray(0, value.#tailLength));
  }

  /** Packed repeated integers. */
  integers(field: number, values: readonly number[]): this {
    const packed = new ProtobufWriter();
    for (const value of values) packed.#varint(value);
    return this.message(field, packed);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#chunkBytes + this.#tailLength;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of [...this.#chunks, this.#tail.subarray(0, this.#tailLength)]) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  #varint(value: number): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.#byte(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    return this.#byte(Number(rest));
  }

  #byte(value: number): this {
    this.#reserve(1);
    this.#tail[this.#tailLength++] = value;
    return this;
  }

  #copy(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#tail.set(bytes, this.#tailLength);
    this.#tailLength += bytes.length;
    return this;
  }

  #refer(bytes: Uint8Array): this {
    if (this.#tailLength > 0) {
      this.#chunks.push(this.#tail.subarray(0, this.#tailLength));
      this.#chunkBytes += this.#tailLength;
      this.#tail = new Uint8Array(256);
      this.#tailLength = 0;
    }
    this.#chunks.push(bytes);
    this.#chunkBytes += bytes.length;
    return this;
  }

  #reserve(more: number): void {
    if (this.#tailLength + more <= this.#tail.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#tail.length, this.#tailLength + more));
    grown.set(this.#tail.subarray(0, this.#tailLength));
    this.#tail = grown;
  }
}
