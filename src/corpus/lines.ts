import { formatBytes } from '../core/format-bytes.ts';
import { InputError } from '../core/errors.ts';
import type { ByteSource } from '../core/source.ts';

/** A passage of 1 MiB with every character escaped as \uXXXX stays below it. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;

export interface Line {
  /** Without the line end. */
  readonly text: string;
  /** 1-based. */
  readonly number: number;
}

/** A line with its place in the file. */
export interface PlacedLine extends Line {
  /** The offset of its first byte, and that of the next line. */
  readonly start: number;
  readonly end: number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * The lines of a UTF-8 file, one at a time. Lines end in LF or CRLF; a byte order mark at the start is skipped.
 * Holds one line and one chunk of the source at a time: at most `maxLineBytes` plus a chunk.
 *
 * @throws InputError naming the line if it is longer than `maxLineBytes` or is not UTF-8.
 */
export async function* readLines(
  source: ByteSource,
  { maxLineBytes = MAX_LINE_BYTES }: { readonly maxLineBytes?: number } = {},
): AsyncGenerator<PlacedLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let number = 1;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let position = 0;

  /** @param ends whether a line feed follows */
  const take = (tail: Uint8Array, ends: boolean): PlacedLine => {
    if (pendingBytes + tail.length > maxLineBytes) throw tooLong(source.name, number, maxLineBytes);
    const bytes = pendingBytes === 0 ? tail : join([...pending, tail], pendingBytes + tail.length);
    pending = [];
    pendingBytes = 0;
    const start = position;
    position += bytes.length + (ends ? 1 : 0);
    return { text: decodeLine(decoder, bytes, source.name, number), number: number++, start, end: position };
  };

  for await (const chunk of source.stream()) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      yield take(chunk.subarray(start, end), true);
      start = end + 1;
    }
    if (start === chunk.length) continue;
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > maxLineBytes) throw tooLong(source.name, number, maxLineBytes);
  }
  if (pendingBytes > 0) yield take(new Uint8Array(0), false);
}

function decodeLine(
  decoder: InstanceType<typeof TextDecoder>,
  bytes: Uint8Array,
  file: string,
  line: number,
): string {
  const start = line === 1 && BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte) ? 3 : 0;
  const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
  try {
    return decoder.decode(bytes.subarray(start, Math.max(start, end)));
  } catch (cause) {
    throw new InputError('is not valid UTF-8', { file, line, remedy: 'Save the file as UTF-8', cause });
  }
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function tooLong(file: string, line: number, limit: number): InputError {
  return new InputError(`the line is longer than the limit of ${formatBytes(limit)}`, {
    file,
    line,
    remedy: 'Use one line for each passage or list, and shorter lists',
  });
}
