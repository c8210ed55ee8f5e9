import { InputError } from '../core/errors.ts';
import { bytesSource, readRange, readThrough, type ByteSource } from '../core/source.ts';
import { readLines } from '../corpus/lines.ts';
import type { TextEncoding } from './types.ts';

/** How much of a file is looked at to find out what it is. */
const HEAD_BYTES = 256 * 1024;

/** The beginning of a file, without a part of a UTF-8 character at its end. */
export async function readHead(source: ByteSource): Promise<Uint8Array<ArrayBuffer>> {
  const head = await readRange(source, 0, Math.min(HEAD_BYTES, source.size));
  if (head.length === source.size) return head;
  let end = head.length;
  while (end > head.length - 3 && ((head[end - 1] ?? 0) & 0xc0) === 0x80) end--;
  // The first byte of a character says how long it is.
  const first = head[end - 1] ?? 0;
  const bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return end - 1 + bytes > head.length ? head.subarray(0, end - 1) : head;
}

/**
 * The encoding of a text file: by its byte order mark, otherwise UTF-8.
 * @throws InputError if the beginning is neither
 */
export async function detectEncoding(head: Uint8Array, file: string): Promise<TextEncoding> {
  const [first, second, third, fourth] = head;
  if (first === 0xff && second === 0xfe) {
    if (head.length >= 4 && third === 0 && fourth === 0) throw notUtf8(file, 'is UTF-32');
    return 'utf-16le';
  }
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  const nul = head.indexOf(0);
  if (nul !== -1) {
    const isWide = head.length >= 4 && countNuls(head) > head.length / 4;
    throw isWide
      ? notUtf8(file, 'looks like UTF-16 without a byte order mark')
      : new InputError('is not text: it contains NUL bytes', {
          file,
          remedy: 'Use a text, Markdown, HTML, PDF, CSV, TSV, JSON or Parquet file',
        });
  }
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
  } catch {
    // For the line; a character that the end of the beginning cuts in two is not read.
    const end = Math.max(0, head.lastIndexOf(10)) || head.length;
    await readThrough(readLines(bytesSource(file, head.subarray(0, end))));
    throw notUtf8(file, 'is not valid UTF-8');
  }
  return first === 0xef && second === 0xbb && third === 0xbf ? 'utf-8-bom' : 'utf-8';
}

function countNuls(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === 0) count++;
  return count;
}

/** A text file as UTF-8. What is recoded can only be read from its start. */
export function utf8Source(source: ByteSource, encoding: TextEncoding): ByteSource {
  if (encoding === 'utf-8' || encoding === 'utf-8-bom') return source;
  return { name: source.name, size: source.size, stream: () => recoded(source, encoding) };
}

async function* recoded(source: ByteSource, encoding: TextEncoding): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const encoder = new TextEncoder();
  let line = 1;
  const decode = (bytes: Uint8Array | undefined): Uint8Array => {
    try {
      const text = bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) line++;
      return encoder.encode(text);
    } catch (cause) {
      const problem = `is not valid ${encoding.toUpperCase()}`;
      throw new InputError(problem, { file: source.name, line, remedy: 'Save the file as UTF-8', cause });
    }
  };
  for await (const chunk of source.stream()) yield decode(chunk);
  yield decode(undefined);
}

function notUtf8(file: string, problem: string): InputError {
  return new InputError(problem, { file, remedy: 'Save the file as UTF-8' });
}
