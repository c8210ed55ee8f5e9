/** Writes zips field by field, so that any field can lie. */

import { crc32 } from '../../src/formats/crc32.ts';

export interface RawEntry {
  readonly name: string | Uint8Array;
  /** As it stands in the file: packed already where the method says so. */
  readonly packed?: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly checksum?: number;
  readonly packedBytes?: number;
  readonly bytes?: number;
  /** Unix mode in the upper half. */
  readonly attributes?: number;
  /** In the directory; the entry is written where it falls. */
  readonly offset?: number;
  /** In the local header, where it differs from the directory. */
  readonly localName?: string;
  readonly localBytes?: number;
  /** Sizes and offset in a zip64 extra field. */
  readonly isWide?: boolean;
}

export interface RawEnd {
  readonly entries?: number;
  readonly directoryOffset?: number;
  readonly directoryBytes?: number;
  readonly comment?: Uint8Array;
  /** Counts and places in a zip64 record, which begins here where that is a number. */
  readonly zip64?: true | number;
}

const UTF8_FLAG = 0x800;
const encoder = new TextEncoder();

export function rawZip(entries: readonly RawEntry[], end: RawEnd = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const entry of entries) {
    const packed = entry.packed ?? new Uint8Array(0);
    const name = typeof entry.name === 'string' ? encoder.encode(entry.name) : entry.name;
    const localName = entry.localName === undefined ? name : encoder.encode(entry.localName);
    const wide = entry.isWide === true;
    const fits = (value: number): number => (wide ? 0xffffffff : value);
    const common = (nameBytes: number, bytes: number, extraBytes: number): Uint8Array =>
      fields(
        [2, 20],
        [2, entry.flags ?? UTF8_FLAG],
        [2, entry.method ?? 0],
        [4, 0],
        [4, entry.checksum ?? crc32(packed)],
        [4, fits(entry.packedBytes ?? packed.length)],
        [4, fits(bytes)],
        [2, nameBytes],
        [2, extraBytes],
      );
    const bytes = entry.bytes ?? packed.length;
    const sizes = [bytes, entry.packedBytes ?? packed.length];
    const directoryExtra = wide ? zip64Extra([...sizes, entry.offset ?? offset]) : new Uint8Array(0);
    const localExtra = wide ? zip64Extra(sizes) : new Uint8Array(0);
    directory.push(
      fields([4, 0x02014b50], [2, 0x314]),
      common(name.length, bytes, directoryExtra.length),
      fields([2, 0], [2, 0], [2, 0], [4, entry.attributes ?? 0], [4, fits(entry.offset ?? offset)]),
      name,
      directoryExtra,
    );
    const local = [
      fields([4, 0x04034b50]),
      common(localName.length, entry.localBytes ?? bytes, localExtra.length),
      localName,
      localExtra,
      packed,
    ];
    parts.push(...local);
    offset += byteLength(local);
  }
  const comment = end.comment ?? new Uint8Array(0);
  const count = end.entries ?? entries.length;
  const size = end.directoryBytes ?? byteLength(directory);
  const start = end.directoryOffset ?? offset;
  const { zip64 } = end;
  const fits = (value: number, most: number): number => (zip64 === undefined ? value : most);
  return concatenate([
    ...parts,
    ...directory,
    ...(zip64 === undefined
      ? []
      : [
          fields([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0]),
          fields([8, count], [8, count], [8, size], [8, start]),
          fields(
            [4, 0x07064b50],
            [4, 0],
            [8, zip64 === true ? offset + byteLength(directory) : zip64],
            [4, 1],
          ),
        ]),
    fields(
      [4, 0x06054b50],
      [2, 0],
      [2, 0],
      [2, fits(count, 0xffff)],
      [2, fits(count, 0xffff)],
      [4, fits(size, 0xffffffff)],
      [4, fits(start, 0xffffffff)],
      [2, comment.length],
    ),
    comment,
  ]);
}

function zip64Extra(values: readonly number[]): Uint8Array {
  return fields([2, 1], [2, 8 * values.length], ...values.map((value) => [8, value] as const));
}

function fields(...values: readonly (readonly [width: 2 | 4 | 8, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(values.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of values) {
    if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  return bytes;
}

function byteLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(byteLength(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
