/**
 * Rows of CSV and TSV files, one at a time.
 *
 * CSV follows RFC 4180: fields in quotation marks may hold delimiters, line ends (read as LF) and doubled
 * quotation marks. TSV as people exchange it (MS MARCO, BEIR) has no quoting: a quotation mark is text, and a
 * line is a row.
 */

import Papa from 'papaparse';
import { InputError } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { MAX_LINE_BYTES, readLines } from './lines.ts';
import type { ByteSource } from '../core/source.ts';

/** Delimiters and quotation marks in one row: bounds what a row's fields can cost beyond its text. */
const MAX_MARKS = 100_000;
/**
 * How often the end of one row is looked for. In a well-formed file the first line with an odd number of
 * quotation marks closes a quoted field, so once is enough.
 */
const MAX_ATTEMPTS = 16;

export interface Row {
  readonly fields: readonly string[];
  /** Where the row starts, 1-based. */
  readonly line: number;
}

export interface TableOptions {
  /** By default a tab for names ending in .tsv, else whichever of , ; tab | the first line has most of. */
  readonly delimiter?: string;
  /** Whether quotation marks enclose fields. By default they do, but for tab-separated files. */
  readonly quotes?: boolean;
  /** Bytes of one row. */
  readonly maxRowBytes?: number;
}

/**
 * The rows of a table; empty lines are skipped. Holds one row at a time: at most `maxRowBytes` of text and
 * 100,000 fields.
 *
 * @throws InputError naming the line: a row over the limits, an open or misplaced quotation mark, not UTF-8.
 */
export async function* readRows(source: ByteSource, options: TableOptions = {}): AsyncGenerator<Row> {
  const { maxRowBytes = MAX_LINE_BYTES } = options;
  let parser: RowParser | undefined;
  let row: OpenRow | undefined;
  for await (const { text, number } of readLines(source, { maxLineBytes: maxRowBytes })) {
    parser ??= rowParser(source.name, text, options);
    if (row === undefined) {
      if (text === '') continue;
      row = { lines: [text], line: number, characters: text.length, attempts: 0 };
    } else {
      row.lines.push(text);
      row.characters += text.length + 1;
      if (row.characters > maxRowBytes) throw unclosed(source.name, row.line, maxRowBytes);
      if (!closesQuotes(text)) continue;
    }
    const fields = parser(row);
    if (fields === undefined) continue;
    yield { fields, line: row.line };
    row = undefined;
  }
  if (row !== undefined) throw unclosed(source.name, row.line, maxRowBytes);
}

/** A row whose end is not found yet. */
interface OpenRow {
  readonly lines: string[];
  readonly line: number;
  characters: number;
  attempts: number;
}

/** The fields of a row, or undefined if a quoted field continues on the next line. */
type RowParser = (row: OpenRow) => readonly string[] | undefined;

function rowParser(file: string, firstLine: string, options: TableOptions): RowParser {
  const delimiter = options.delimiter ?? guessDelimiter(file, firstLine);
  const quotes = options.quotes ?? delimiter !== '\t';
  const parser = new Papa.Parser({ delimiter, newline: '\n' });
  return (row) => {
    const text = row.lines.join('\n');
    const marks = count(text, delimiter) + (quotes ? count(text, '"') : 0);
    if (marks > MAX_MARKS) {
      throw new InputError(
        `the row has ${marks} delimiters and quotation marks, but the limit is ${MAX_MARKS}`,
        {
          file,
          line: row.line,
          remedy: 'Fix the delimiter, or use JSON lines',
        },
      );
    }
    if (!quotes) return text.split(delimiter);
    if (++row.attempts > MAX_ATTEMPTS) throw misplaced(file, row.line);
    const { data, errors } = parser.parse(text, 0, false) as Papa.ParseResult<string[]>;
    if (errors.some((error) => error.code !== 'MissingQuotes')) throw misplaced(file, row.line);
    return errors.length > 0 ? undefined : data[0];
  };
}

function guessDelimiter(file: string, firstLine: string): string {
  if (/\.(tsv|tab)$/i.test(file)) return '\t';
  const counts = [',', ';', '\t', '|'].map((delimiter) => ({
    delimiter,
    count: count(firstLine, delimiter),
  }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).delimiter;
}

/** An odd number of quotation marks turns inside into outside; an even number leaves it as it was. */
function closesQuotes(line: string): boolean {
  return count(line, '"') % 2 === 1;
}

function count(text: string, mark: string): number {
  let found = 0;
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + mark.length)) found++;
  return found;
}

function misplaced(file: string, line: number): InputError {
  return new InputError('a quotation mark is misplaced in the row that starts here', {
    file,
    line,
    remedy: 'Fix the field: enclose it in "…" and double the quotation marks inside it',
  });
}

function unclosed(file: string, line: number, limit: number): InputError {
  return new InputError(
    `a quotation mark is opened in the row that starts here and not closed within ${formatBytes(limit)}`,
    { file, line, remedy: 'Fix the row: close the quotation mark, or double it if it is part of the text' },
  );
}
