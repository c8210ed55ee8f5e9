/**
 * The zip that torch.save writes: entries stored, never packed, with zip64 records whatever the size. Corpus zips are
 * of another kind (packed, streamed, never zip64) and have a reader of their own; here entries are views.
 *
 * Format: PKWARE's APPNOTE 6.3.
 */
import { crc32 } from '../corpus/crc32.ts';
import { InputError } from '../host/errors.ts';

const END_BYTES = 22;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END_BYTES = 56;
const DIRECTORY_ENTRY_BYTES = 46;
const LOCAL_HEADER_BYTES = 30;
const MAX_COMMENT_BYTES = 65_535;
const MAX_ENTRIES = 200_000;

const END_SIGNATURE = 0x06054b50;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_END_SIGNATURE = 0x06064b50;
const DIRECTORY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;

/** A field that holds this is continued in the zip64 record. */
const IN_ZIP64 = 0xffffffff;

interface Entry {
  readonly checksum: number;
  readonly size: number;
  readonly offset: number;
}

/** Opened once per checkpoint; an entry is checked when it is read. */
export class TorchZip {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #file: string;
  readonly #entries: ReadonlyMap<string, Entry>;

  /** @throws InputError if the directory is broken or describes more than stored entries. */
  constructor(bytes: Uint8Array<ArrayBuffer>, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
    this.#entries = this.#readDirectory();
  }

  get names(): Iterable<string> {
    return this.#entries.keys();
  }

  /** An entry's bytes as a view; undefined if there is none of that name. @throws InputError if it is damaged. */
  read(name: string): Uint8Array<ArrayBuffer> | undefined {
    const entry = this.#entries.get(name);
    if (!entry) return undefined;
    const { offset, size } = entry;
    if (this.#uint32(offset) !== LOCAL_SIGNATURE) throw this.#broken();
    const start = offset + LOCAL_HEADER_BYTES + this.#uint16(offset + 26) + this.#uint16(offset + 28);
    if (start + size > this.#bytes.length) throw this.#broken();
    const data = this.#bytes.subarray(start, start + size);
    if (crc32(data) !== entry.checksum) throw this.#broken();
    return data;
  }

  #readDirectory(): Map<string, Entry> {
    const end = this.#findEnd();
    let count = this.#uint16(end + 10);
    let position = this.#uint32(end + 16);
    const locator = end - ZIP64_LOCATOR_BYTES;
    if (locator >= 0 && this.#uint32(locator) === ZIP64_LOCATOR_SIGNATURE) {
      const record = this.#uint64(locator + 8);
      if (record + ZIP64_END_BYTES > locator || this.#uint32(record) !== ZIP64_END_SIGNATURE)
        throw this.#broken();
      count = this.#uint64(record + 32);
      position = this.#uint64(record + 48);
    }
    if (count > MAX_ENTRIES) throw this.#broken();
    const decoder = new TextDecoder();
    const entries = new Map<string, Entry>();
    for (let i = 0; i < count; i++) {
      if (this.#uint32(position) !== DIRECTORY_SIGNATURE) throw this.#broken();
      const nameEnd = position + DIRECTORY_ENTRY_BYTES + this.#uint16(position + 28);
      const extraEnd = nameEnd + this.#uint16(position + 30);
      const name = decoder.decode(this.#bytes.subarray(position + DIRECTORY_ENTRY_BYTES, nameEnd));
      const entry = this.#readEntry(position, nameEnd, extraEnd);
      if (entries.has(name)) throw this.#broken();
      entries.set(name, entry);
      position = extraEnd + this.#uint16(position + 32);
    }
    return entries;
  }

  #readEntry(position: number, extra: number, extraEnd: number): Entry {
    const encrypted = (this.#uint16(position + 8) & 1) !== 0;
    const packed = this.#uint16(position + 10) !== 0;
    if (encrypted || packed) throw this.#broken();
    let packedSize = this.#uint32(position + 20);
    let size = this.#uint32(position + 24);
    let offset = this.#uint32(position + 42);
    // The zip64 extra field holds, in this order, what did not fit into 32 bits.
    for (let at = extra; at + 4 <= extraEnd; at += 4 + this.#uint16(at + 2)) {
      if (this.#uint16(at) !== 1) continue;
      let next = at + 4;
      const wide = (value: number): number => {
        if (value !== IN_ZIP64) return value;
        next += 8;
        return this.#uint64(next - 8);
      };
      size = wide(size);
      packedSize = wide(packedSize);
      offset = wide(offset);
      break;
    }
    if (size !== packedSize) throw this.#broken();
    return { checksum: this.#uint32(position + 16), size, offset };
  }

  /** Where the end record starts: the last place whose comment reaches exactly to the end of the file. */
  #findEnd(): number {
    const first = Math.max(0, this.#bytes.length - END_BYTES - MAX_COMMENT_BYTES);
    for (let start = this.#bytes.length - END_BYTES; start >= first; start--) {
      const reachesEnd = start + END_BYTES + this.#uint16(start + 20) === this.#bytes.length;
      if (reachesEnd && this.#uint32(start) === END_SIGNATURE) return start;
    }
    throw this.#broken();
  }

  #uint16(at: number): number {
    this.#within(at, 2);
    return this.#view.getUint16(at, true);
  }

  #uint32(at: number): number {
    this.#within(at, 4);
    return this.#view.getUint32(at, true);
  }

  #uint64(at: number): number {
    this.#within(at, 8);
    return Number(this.#view.getBigUint64(at, true));
  }

  #within(at: number, size: number): void {
    if (at + size > this.#bytes.length) throw this.#broken();
  }

  #broken(): InputError {
    return new InputError('the checkpoint is truncated or damaged', {
      file: this.#file,
      remedy: 'Download it again, or use the model in safetensors format',
    });
  }
}
