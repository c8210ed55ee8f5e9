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
}

export interface RawEnd {
  readonly entries?: number;
  readonly directoryOffset?: number;
  readonly directoryBytes?: number;
  readonly comment?: Uint8Array;
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
    const common = (nameBytes: number, bytes: number): Uint8Array =>
      fields(
        [2, 20],
        [2, entry.flags ?? UTF8_FLAG],
        [2, entry.method ?? 0],
        [4, 0],
        [4, entry.checksum ?? crc32(packed)],
        [4, entry.packedBytes ?? packed.length],
        [4, bytes],
        [2, nameBytes],
        [2, 0],
      );
    const bytes = entry.bytes ?? packed.length;
    directory.push(
      fields([4, 0x02014b50], [2, 0x314]),
      common(name.length, bytes),
      fields([2, 0], [2, 0], [2, 0], [4, entry.attributes ?? 0], [4, entry.offset ?? offset]),
      name,
    );
    const local = [
      fields([4, 0x04034b50]),
      common(localName.length, entry.localBytes ?? bytes),
      localName,
      packed,
    ];
    parts.push(...local);
    offset += byteLength(local);
  }
  const comment = end.comment ?? new Uint8Array(0);
  const count = end.entries ?? entries.length;
  return concatenate([
    ...parts,
    ...directory,
    fields(
      [4, 0x06054b50],
      [2, 0],
      [2, 0],
      [2, count],
      [2, count],
      [4, end.directoryBytes ?? byteLength(directory)],
      [4, end.directoryOffset ?? offset],
      [2, comment.length],
    ),
    comment,
  ]);
}

function fields(...values: readonly (readonly [width: 2 | 4, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(values.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of values) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
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
