/** CRC-32 as in zip and gzip (reflected polynomial 0xEDB88320), a chunk at a time. */

const TABLE = makeTable();

function makeTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    table[byte] = value;
  }
  return table;
}

/** The checksum of `bytes`, or of what came before them and them, given the checksum `before`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let value = ~before;
  for (let i = 0; i < bytes.length; i++) {
    value = (TABLE[(value ^ (bytes[i] as number)) & 255] as number) ^ (value >>> 8);
  }
  return ~value >>> 0;
}
