/**
 * Zip files from strangers. The directory at the end of the file is read here, strictly; fflate only inflates.
 *
 * The headers of a zip are checked against its content: names against the allowed characters, local headers against
 * the directory, entries against each other (they may not overlap), and, while an entry streams, its size and its
 * CRC-32. Memory is bounded by the directory (4 MiB) and a few chunks of the entry being read.
 *
 * Format: PKWARE's APPNOTE 6.3, with zip64. Refused, with the remedy to unpack: encryption, several disks, methods
 * other than stored and deflated. A zip inside a zip is a file like any other and is never opened.
 */

import { Inflate } from 'fflate';
import { InputError, messageOf } from '../core/errors.ts';
import { crc32 } from './crc32.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { quoted } from '../core/shown.ts';
import type { ByteSource, FileTree } from '../core/source.ts';
import { bytesSource, missingPath, readRange } from '../core/source.ts';

export interface ZipLimits {
  /** Files and folders in the zip. */
  readonly maxEntries: number;
  /** Unpacked bytes of all entries. */
  readonly maxTotalBytes: number;
  /** Unpacked over packed bytes of an entry of 1 MiB or more. Text packs about 3 to 20 times, zeros 1,000. */
  readonly maxRatio: number;
}

export const ZIP_LIMITS: ZipLimits = {
  maxEntries: 10_000,
  maxTotalBytes: 2 ** 34,
  maxRatio: 100,
};

const END_BYTES = 22;
const MAX_COMMENT_BYTES = 65_535;
const DIRECTORY_ENTRY_BYTES = 46;
const MAX_DIRECTORY_BYTES = 4 * 1024 * 1024;
const LOCAL_HEADER_BYTES = 30;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END_BYTES = 56;
const MAX_PATH_BYTES = 512;
/** Below it no ratio is a danger. */
const RATIO_FREE_BYTES = 1024 * 1024;
/** One push of 8 KiB inflates to 8.3 MiB at most (deflate's limit is 1,032 to 1). */
const INFLATE_PUSH_BYTES = 8192;

const END_SIGNATURE = 0x06054b50;
const DIRECTORY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_END_SIGNATURE = 0x06064b50;
/** A field that holds this is continued in a zip64 extra field. */
const IN_ZIP64 = 0xffffffff;
const ZIP64_EXTRA = 1;

const STORED = 0;
const DEFLATED = 8;

const ENCRYPTED_FLAG = 1;
/** Sizes and checksum follow the data; the local header may hold zeros. */
const DESCRIPTOR_FLAG = 8;
const STRONG_ENCRYPTION_FLAG = 64;
const MASKED_HEADERS_FLAG = 8192;

const FILE_TYPE_MASK = 0o170000;
const SYMBOLIC_LINK = 0o120000;

const UNPACK = 'Use the unpacked folder';
const PACK_AGAIN = 'Re-run with a complete zip: download it again, or zip the folder again';

interface ZipEntry {
  readonly path: string;
  readonly nameBytes: Uint8Array;
  readonly flags: number;
  readonly method: number;
  readonly checksum: number;
  readonly packedBytes: number;
  readonly bytes: number;
  /** Where the local header starts. */
  readonly offset: number;
  /** Exclusive end of the entry: the start of the next entry or of the directory. */
  end: number;
}

/**
 * Opens a zip as a folder of files. Folder entries and the `__MACOSX` and `.DS_Store` files of macOS are left out.
 *
 * @throws InputError naming the zip, the entry and the limit; also while an entry is streamed.
 */
export async function openZip(source: ByteSource, limits: Partial<ZipLimits> = {}): Promise<FileTree> {
  const allowed = { ...ZIP_LIMITS, ...limits };
  const directory = await readDirectory(source, allowed);
  const entries = readEntries(source, directory, allowed);
  const files = new Map<string, ZipEntry>();
  for (const entry of entries) if (isWanted(entry.path)) files.set(entry.path, entry);

  const tree: FileTree = {
    name: source.name,
    paths: [...files.keys()].sort(),
    open: async (path) => {
      const entry = files.get(path);
      if (entry === undefined) throw missingPath(tree, path);
      const dataStart = await checkLocalHeader(source, entry);
      return {
        name: `${source.name}/${path}`,
        size: entry.bytes,
        stream: (start = 0, end = entry.bytes) => readEntry(source, entry, dataStart, start, end),
      };
    },
    lazily: (path) => {
      const entry = files.get(path);
      if (entry === undefined) return undefined;
      return {
        name: `${source.name}/${path}`,
        size: entry.bytes,
        async *stream(start, end) {
          yield* (await tree.open(path)).stream(start, end);
        },
      };
    },
  };
  return tree;
}

/**
 * The files of a zip in memory as views of it. A file's checksum is compared when it is taken.
 *
 * @throws InputError naming the zip and the entry, also where one is packed.
 */
export async function openStoredZip(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<ReadonlyMap<string, () => Uint8Array<ArrayBuffer>>> {
  const source = bytesSource(name, bytes);
  const directory = await readDirectory(source, ZIP_LIMITS);
  const files = new Map<string, () => Uint8Array<ArrayBuffer>>();
  for (const entry of readEntries(source, directory, ZIP_LIMITS)) {
    if (entry.method !== STORED) throw refusal(source, `${quoted(entry.path)} is packed`, UNPACK);
    const start = await checkLocalHeader(source, entry);
    const data = bytes.subarray(start, start + entry.bytes);
    files.set(entry.path, () => {
      if (crc32(data) === entry.checksum) return data;
      throw refusal(source, `${quoted(entry.path)} does not match its checksum`, PACK_AGAIN);
    });
  }
  return files;
}

/** Whether a file starts as zip files do. */
export async function isZip(source: ByteSource): Promise<boolean> {
  if (source.size < END_BYTES) return false;
  const start = view(await readRange(source, 0, 4)).getUint32(0, true);
  return start === LOCAL_SIGNATURE || start === END_SIGNATURE;
}

interface Directory {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly entries: number;
}

async function readDirectory(source: ByteSource, limits: ZipLimits): Promise<Directory> {
  const tailStart = Math.max(0, source.size - END_BYTES - MAX_COMMENT_BYTES - ZIP64_LOCATOR_BYTES);
  const tailBytes = await readRange(source, tailStart, source.size);
  const tail = view(tailBytes);
  const end = findEnd(tail);
  if (end === undefined) throw refusal(source, 'is not a zip, or was cut off', PACK_AGAIN);

  const { disks, entriesHere, entries, size, offset, endsAt } = (await readZip64End(
    source,
    tail,
    tailStart,
    end - ZIP64_LOCATOR_BYTES,
  )) ?? {
    disks: [tail.getUint16(end + 4, true), tail.getUint16(end + 6, true)],
    entriesHere: tail.getUint16(end + 8, true),
    entries: tail.getUint16(end + 10, true),
    size: tail.getUint32(end + 12, true),
    offset: tail.getUint32(end + 16, true),
    endsAt: tailStart + end,
  };
  if (disks.some((disk) => disk !== 0) || entriesHere !== entries) {
    throw refusal(source, 'is one part of a multi-part zip', UNPACK);
  }
  if (entries > limits.maxEntries) {
    throw refusal(source, `has ${entries} entries, but the limit is ${limits.maxEntries}`, UNPACK);
  }
  if (offset + size !== endsAt) {
    throw refusal(source, 'has a directory that is not where the zip says', PACK_AGAIN);
  }
  if (size > MAX_DIRECTORY_BYTES) {
    throw refusal(
      source,
      `has a directory of ${formatBytes(size)}, but the limit is ${formatBytes(MAX_DIRECTORY_BYTES)}`,
      UNPACK,
    );
  }
  return { bytes: await readRange(source, offset, offset + size), offset, entries };
}

/** The end record of a zip64; undefined if it is not one. */
async function readZip64End(source: ByteSource, tail: DataView, tailStart: number, locator: number) {
  if (locator < 0 || tail.getUint32(locator, true) !== ZIP64_LOCATOR_SIGNATURE) return undefined;
  const endsAt = uint64(tail, locator + 8);
  const broken = (): InputError => refusal(source, 'has a broken directory', PACK_AGAIN);
  if (endsAt + ZIP64_END_BYTES > tailStart + locator) throw broken();
  const record = view(await readRange(source, endsAt, endsAt + ZIP64_END_BYTES));
  if (record.getUint32(0, true) !== ZIP64_END_SIGNATURE) throw broken();
  return {
    disks: [record.getUint32(16, true), record.getUint32(20, true)],
    entriesHere: uint64(record, 24),
    entries: uint64(record, 32),
    size: uint64(record, 40),
    offset: uint64(record, 48),
    endsAt,
  };
}

/** Exact up to 2^53, beyond which no zip reaches. */
function uint64(bytes: DataView, at: number): number {
  return Number(bytes.getBigUint64(at, true));
}

/** Where the end record starts: the last place whose comment reaches exactly to the end of the file. */
function findEnd(tail: DataView): number | undefined {
  for (let start = tail.byteLength - END_BYTES; start >= 0; start--) {
    const reachesEnd = start + END_BYTES + tail.getUint16(start + 20, true) === tail.byteLength;
    if (reachesEnd && tail.getUint32(start, true) === END_SIGNATURE) return start;
  }
  return undefined;
}

function readEntries(source: ByteSource, directory: Directory, limits: ZipLimits): readonly ZipEntry[] {
  const { bytes } = directory;
  const record = view(bytes);
  const entries: ZipEntry[] = [];
  const seen = new Set<string>();
  let totalBytes = 0;
  let at = 0;
  while (at < bytes.length) {
    const broken =
      at + DIRECTORY_ENTRY_BYTES > bytes.length || record.getUint32(at, true) !== DIRECTORY_SIGNATURE;
    if (broken) throw refusal(source, 'has a broken directory', PACK_AGAIN);
    const nameEnd = at + DIRECTORY_ENTRY_BYTES + record.getUint16(at + 28, true);
    const next = nameEnd + record.getUint16(at + 30, true) + record.getUint16(at + 32, true);
    if (next > bytes.length) throw refusal(source, 'has a broken directory', PACK_AGAIN);
    const nameBytes = bytes.subarray(at + DIRECTORY_ENTRY_BYTES, nameEnd);
    const path = decodePath(source, nameBytes);
    const extra = nameEnd + record.getUint16(at + 30, true);
    const [size, packedSize, offset] = entryExtent(record, at, nameEnd, extra);
    if (size === undefined || packedSize === undefined || offset === undefined)
      throw refusal(source, 'has a broken directory', PACK_AGAIN);
    const entry: ZipEntry = {
      path,
      nameBytes,
      flags: record.getUint16(at + 8, true),
      method: record.getUint16(at + 10, true),
      checksum: record.getUint32(at + 16, true),
      packedBytes: packedSize,
      bytes: size,
      offset,
      end: directory.offset,
    };
    if (seen.has(path)) throw refusal(source, `has two entries named ${quoted(path)}`, PACK_AGAIN);
    seen.add(path);
    checkEntry(source, entry, record.getUint32(at + 38, true), limits);
    totalBytes += entry.bytes;
    entries.push(entry);
    at = next;
  }
  if (entries.length !== directory.entries) {
    throw refusal(
      source,
      `has ${entries.length} entries in its directory and ${directory.entries} in its end record`,
      PACK_AGAIN,
    );
  }
  if (totalBytes > limits.maxTotalBytes) {
    throw refusal(
      source,
      `unpacks to ${formatBytes(totalBytes)}, but the limit is ${formatBytes(limits.maxTotalBytes)}`,
      'Use a folder with only the files that you need',
    );
  }
  setEnds(source, entries);
  return entries;
}

/**
 * Size, packed size and offset of an entry. What does not fit into 32 bits is, in this order, in its zip64 extra field;
 * undefined where that lacks it.
 */
function entryExtent(record: DataView, at: number, extra: number, extraEnd: number): (number | undefined)[] {
  let next = extra;
  const length = (field: number): number => record.getUint16(field + 2, true);
  while (next + 4 <= extraEnd && record.getUint16(next, true) !== ZIP64_EXTRA) next += 4 + length(next);
  const end = next + 4 <= extraEnd ? Math.min(extraEnd, next + 4 + length(next)) : 0;
  next += 4;
  return [24, 20, 42].map((field) => {
    const value = record.getUint32(at + field, true);
    if (value !== IN_ZIP64) return value;
    next += 8;
    return next <= end ? uint64(record, next - 8) : undefined;
  });
}

function checkEntry(source: ByteSource, entry: ZipEntry, attributes: number, limits: ZipLimits): void {
  const name = quoted(entry.path);
  if (entry.flags & (ENCRYPTED_FLAG | STRONG_ENCRYPTION_FLAG | MASKED_HEADERS_FLAG)) {
    throw refusal(source, `${name} is encrypted`, UNPACK);
  }
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw refusal(
      source,
      `${name} is compressed with method ${entry.method}; only 0 and 8 are supported`,
      UNPACK,
    );
  }
  if (((attributes >>> 16) & FILE_TYPE_MASK) === SYMBOLIC_LINK) {
    throw refusal(source, `${name} is a symbolic link`, 'Use a zip of the files themselves');
  }
  if (entry.method === STORED && entry.packedBytes !== entry.bytes) {
    throw refusal(source, `${name} is stored, but its two sizes differ`, PACK_AGAIN);
  }
  if (entry.path.endsWith('/') && entry.bytes > 0) {
    throw refusal(source, `${name} is a folder with content`, PACK_AGAIN);
  }
  if (entry.bytes >= RATIO_FREE_BYTES && entry.bytes > limits.maxRatio * entry.packedBytes) {
    throw refusal(
      source,
      `${name} unpacks from ${formatBytes(entry.packedBytes)} to ${formatBytes(entry.bytes)}, ` +
        `but the limit is ${limits.maxRatio} times`,
      'Use the unpacked folder, if you trust the zip',
    );
  }
}

/** Entries are contiguous; each ends where the next begins. */
function setEnds(source: ByteSource, entries: readonly ZipEntry[]): void {
  const inOrder = [...entries].sort((a, b) => a.offset - b.offset);
  inOrder.forEach((entry, i) => {
    entry.end = inOrder[i + 1]?.offset ?? entry.end;
    checkExtent(source, entry, entry.offset + LOCAL_HEADER_BYTES + entry.nameBytes.length);
  });
}

function checkExtent(source: ByteSource, entry: ZipEntry, dataStart: number): void {
  if (dataStart + entry.packedBytes > entry.end) {
    throw refusal(source, `${quoted(entry.path)} overlaps what follows it`, PACK_AGAIN);
  }
}

/** Where the entry's data starts. The local header must say what the directory says. */
async function checkLocalHeader(source: ByteSource, entry: ZipEntry): Promise<number> {
  const header = await readRange(
    source,
    entry.offset,
    entry.offset + LOCAL_HEADER_BYTES + entry.nameBytes.length,
  );
  const local = view(header);
  const name = header.subarray(LOCAL_HEADER_BYTES);
  const described = (entry.flags & DESCRIPTOR_FLAG) !== 0;
  const agrees = (at: number, expected: number): boolean => {
    const value = local.getUint32(at, true);
    return value === expected || value === IN_ZIP64 || (described && value === 0);
  };
  if (
    local.getUint32(0, true) !== LOCAL_SIGNATURE ||
    local.getUint16(6, true) !== entry.flags ||
    local.getUint16(8, true) !== entry.method ||
    local.getUint16(26, true) !== entry.nameBytes.length ||
    !entry.nameBytes.every((byte, i) => byte === name[i]) ||
    !agrees(14, entry.checksum) ||
    !agrees(18, entry.packedBytes) ||
    !agrees(22, entry.bytes)
  ) {
    throw refusal(source, `the header of ${quoted(entry.path)} differs from the directory`, PACK_AGAIN);
  }
  const dataStart = entry.offset + header.length + local.getUint16(28, true);
  checkExtent(source, entry, dataStart);
  return dataStart;
}

/** The bytes from `start` to `end` of an entry; size and checksum are checked when the entry's end is reached. */
async function* readEntry(
  source: ByteSource,
  entry: ZipEntry,
  dataStart: number,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const packed = source.stream(dataStart, dataStart + entry.packedBytes);
  const chunks = entry.method === DEFLATED ? inflate(source, entry, packed) : packed;
  let position = 0;
  let checksum = 0;
  for await (const chunk of chunks) {
    if (position + chunk.length > entry.bytes) {
      throw refusal(
        source,
        `${quoted(entry.path)} unpacks to more than the ${entry.bytes} bytes it declares`,
        PACK_AGAIN,
      );
    }
    checksum = crc32(chunk, checksum);
    const wanted = chunk.subarray(Math.max(0, start - position), Math.max(0, end - position));
    position += chunk.length;
    if (wanted.length > 0) yield wanted;
    if (position >= end && position < entry.bytes) return;
  }
  if (position !== entry.bytes) {
    throw refusal(
      source,
      `${quoted(entry.path)} unpacks to ${position} bytes but declares ${entry.bytes}`,
      PACK_AGAIN,
    );
  }
  if (checksum !== entry.checksum) {
    throw refusal(source, `${quoted(entry.path)} does not match its checksum`, PACK_AGAIN);
  }
}

async function* inflate(
  source: ByteSource,
  entry: ZipEntry,
  packed: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let unpacked: Uint8Array[] = [];
  const stream = new Inflate((chunk) => unpacked.push(chunk));
  let left = entry.packedBytes;
  for await (const chunk of packed) {
    for (let start = 0; start < chunk.length; start += INFLATE_PUSH_BYTES) {
      const piece = chunk.subarray(start, start + INFLATE_PUSH_BYTES);
      left -= piece.length;
      try {
        stream.push(piece, left === 0);
      } catch (cause) {
        const problem = `${quoted(entry.path)} cannot be unpacked (${messageOf(cause)})`;
        throw refusal(source, problem, PACK_AGAIN, cause);
      }
      yield* unpacked;
      unpacked = [];
    }
  }
}

/** Letters, digits and the punctuation of honest file names. No control, direction or path characters. */
const PATH_SEGMENT = /^[\p{L}\p{M}\p{N} ._\-+()[\]{},;=@#&!'~^$%]+$/u;
const REFUSED_SEGMENTS = new Set(['.', '..', '__proto__']);

function decodePath(source: ByteSource, bytes: Uint8Array): string {
  const refuse = (problem: string): InputError =>
    refusal(source, problem, `Use the unpacked folder, if you trust the zip; or rename the entry`);
  if (bytes.length > MAX_PATH_BYTES) {
    throw refuse(`an entry's name is ${bytes.length} bytes long, but the limit is ${MAX_PATH_BYTES}`);
  }
  let path: string;
  try {
    path = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse(`an entry's name is not UTF-8`);
  }
  const segments = path.replace(/\/$/, '').split('/');
  const allowed = segments.every((segment) => PATH_SEGMENT.test(segment) && !REFUSED_SEGMENTS.has(segment));
  if (!allowed) throw refuse(`the entry name ${quoted(path)} is not allowed`);
  return path;
}

function isWanted(path: string): boolean {
  return !path.endsWith('/') && !path.startsWith('__MACOSX/') && !/(^|\/)\.DS_Store$/.test(path);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function refusal(source: ByteSource, problem: string, remedy: string, cause?: unknown): InputError {
  return new InputError(problem, { file: source.name, remedy, cause });
}
