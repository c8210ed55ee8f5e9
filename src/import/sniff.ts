/** What a file is, by its first bytes and its name. */
import { InputError } from '../core/errors.ts';
import { own } from '../core/own.ts';
import type { FileFormat } from './types.ts';

const EXTENSIONS: Readonly<Record<string, FileFormat>> = {
  txt: 'text',
  text: 'text',
  md: 'markdown',
  markdown: 'markdown',
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  pdf: 'pdf',
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  parquet: 'parquet',
};

/** What cannot be read, with what to use instead. */
const UNREADABLE: readonly (readonly [magic: readonly number[], what: string, remedy: string])[] = [
  [[0x1f, 0x8b], 'is compressed with gzip', 'Use the unpacked file'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'is compressed with zstd', 'Use the unpacked file'],
  [[0xfd, 0x37, 0x7a, 0x58], 'is compressed with xz', 'Use the unpacked file'],
  [[0x42, 0x5a, 0x68], 'is compressed with bzip2', 'Use the unpacked file'],
  [[0x37, 0x7a, 0xbc, 0xaf], 'is a 7z archive', 'Use the unpacked folder'],
  [[0x52, 0x61, 0x72, 0x21], 'is a RAR archive', 'Use the unpacked folder'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'is an old Office document', 'Save it as text, PDF or CSV'],
  [[0x89, 0x50, 0x4e, 0x47], 'is an image', 'Use a file with text'],
  [[0xff, 0xd8, 0xff], 'is an image', 'Use a file with text'],
];

export function extensionOf(path: string): string {
  return (/\.([a-z0-9]+)$/i.exec(path)?.[1] ?? '').toLowerCase();
}

/** The format that a name stands for; undefined for other names. */
export function formatOfName(path: string): FileFormat | undefined {
  return own(EXTENSIONS, extensionOf(path));
}

/**
 * The format of a file. Content decides where it is unmistakable, then the name, then the first characters.
 * @throws InputError for what is known and cannot be read
 */
export function formatOf(path: string, head: Uint8Array, file: string): FileFormat {
  const begins = (magic: readonly number[], at = 0): boolean =>
    magic.every((byte, i) => head[at + i] === byte);
  const text = (from: string): readonly number[] => Array.from(from, (letter) => letter.charCodeAt(0));
  if (begins(text('PAR1'))) return 'parquet';
  for (let at = 0; at < Math.min(1024, head.length); at++) if (begins(text('%PDF-'), at)) return 'pdf';
  for (const [magic, what, remedy] of UNREADABLE) {
    if (begins(magic)) throw new InputError(what, { file, remedy });
  }
  const named = formatOfName(path);
  if (named === 'pdf' || named === 'parquet') {
    throw new InputError(`is not a ${named === 'pdf' ? 'PDF' : 'Parquet'} file, or is damaged`, {
      file,
      remedy: 'Use a complete file: download or export it again',
    });
  }
  if (named !== undefined && named !== 'json' && named !== 'text' && named !== 'jsonl') return named;
  // UTF-16 has a zero byte between any two letters of ASCII.
  const start = new TextDecoder('latin1')
    .decode(head.subarray(0, 4096))
    .replace(/[\0\xef\xbb\xbf\xfe\xff]/g, '');
  if (named === 'text') return 'text';
  const begin = start.trimStart();
  if (/^(<!doctype html|<html)[\s>]/i.test(begin)) return 'html';
  if (/^\[\s*[{\]]/.test(begin)) return 'json';
  if (begin.startsWith('{')) return isObject(begin.slice(0, lineEnd(begin))) ? 'jsonl' : (named ?? 'json');
  return named ?? 'text';
}

function lineEnd(text: string): number {
  const end = text.search(/[\r\n]/);
  return end === -1 ? text.length : end;
}

/** Whether a first line is a whole object, as far as it was looked at. */
function isObject(line: string): boolean {
  return line.length >= 4000 || /\}\s*$/.test(line);
}
