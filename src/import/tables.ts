/** The rows of CSV, TSV, JSON, JSON lines and Parquet, one at a time and alike. */
import { InputError } from '../core/errors.ts';
import { printable, quoted } from '../core/shown.ts';
import { bytesSource, type ByteSource } from '../core/source.ts';
import { JsonRecord } from '../corpus/json-record.ts';
import { readLines } from '../corpus/lines.ts';
import { readRows, type Row } from '../corpus/table.ts';
import { nameUses } from './column-names.ts';
import { utf8Source } from './encoding.ts';
import { readJsonItems } from './json-items.ts';
import { parquetColumns, readParquetRows } from './parquet.ts';
import type { TableFormat, TableLayout, TableRow, TextEncoding } from './types.ts';

/** Rows that are looked at to find columns. */
const SAMPLED_ROWS = 50;

/**
 * Every row of a table.
 * @param columns of Parquet, those that are needed
 * @throws InputError naming the line of a row that is broken
 */
export async function* readTable(
  source: ByteSource,
  layout: TableLayout,
  columns: readonly string[] = layout.columns,
): AsyncGenerator<TableRow> {
  const text = utf8Source(source, layout.encoding);
  switch (layout.format) {
    case 'parquet':
      yield* readParquetRows(
        source,
        columns.filter((column) => layout.columns.includes(column)),
      );
      return;
    case 'json':
    case 'jsonl':
      yield* jsonRows(text, layout.format);
      return;
    case 'csv':
    case 'tsv':
      yield* delimitedRows(text, layout);
  }
}

async function* jsonRows(source: ByteSource, format: 'json' | 'jsonl'): AsyncGenerator<TableRow> {
  for await (const line of format === 'jsonl' ? readLines(source) : readJsonItems(source)) {
    if (line.text.trim() === '') continue;
    yield { cells: JsonRecord.parse(line, source.name).members, line: line.number };
  }
}

async function* delimitedRows(source: ByteSource, layout: TableLayout): AsyncGenerator<TableRow> {
  const { columns, delimiter = ',', header } = layout;
  let isFirst = true;
  for await (const { fields, line } of readRows(source, { delimiter, quotes: delimiter !== '\t' })) {
    if (isFirst && header) {
      isFirst = false;
      continue;
    }
    isFirst = false;
    if (fields.length !== columns.length) {
      throw new InputError(`has ${fields.length} columns, but the first row has ${columns.length}`, {
        file: source.name,
        line,
        remedy: 'Fix the row, and enclose texts that contain the delimiter in quotation marks',
      });
    }
    yield { cells: new Map(columns.map((column, i) => [column, fields[i] ?? ''])), line };
  }
}

export interface TableSample {
  readonly layout: TableLayout;
  readonly rows: readonly TableRow[];
}

export interface LayoutChoice {
  readonly delimiter?: string | undefined;
  readonly header?: boolean | undefined;
  /** Columns that are chosen: a first row with all of them has the names. */
  readonly names?: readonly string[] | undefined;
}

/**
 * How a table is laid out, and its first rows.
 * @param head its beginning; of Parquet the file itself is read
 * @throws InputError if it is broken or has no rows
 */
export async function sampleTable(
  source: ByteSource,
  head: Uint8Array<ArrayBuffer>,
  format: TableFormat,
  encoding: TextEncoding,
  choice: LayoutChoice = {},
): Promise<TableSample> {
  if (format === 'parquet') {
    const columns = await parquetColumns(source);
    const rows: TableRow[] = [];
    for await (const row of readParquetRows(source, columns, SAMPLED_ROWS)) rows.push(row);
    if (rows.length === 0) throw withoutRows(source.name);
    return { layout: { format, encoding, delimiter: undefined, header: true, columns }, rows };
  }
  const part = utf8Source(bytesSource(source.name, head), encoding);
  const sources = { part, whole: utf8Source(source, encoding), isCut: head.length < source.size };
  if (format === 'json' || format === 'jsonl') {
    const rows = await takeRows((text) => jsonRows(text, format), sources);
    if (rows.length === 0) throw withoutRows(source.name);
    const columns = [...new Set(rows.flatMap(({ cells }) => [...cells.keys()]))];
    return { layout: { format, encoding, delimiter: undefined, header: true, columns }, rows };
  }
  const delimiter = choice.delimiter ?? (format === 'tsv' ? '\t' : await guessDelimiter(part));
  const found = await takeRows((text) => readRows(text, { delimiter, quotes: delimiter !== '\t' }), sources);
  const [first] = found;
  if (first === undefined) throw withoutRows(source.name);
  const names = choice.names ?? [];
  const isNamed =
    names.length > 0 && names.every((name) => first.fields.some((field) => field.trim() === name));
  const header = choice.header ?? (isNamed || isHeader(first.fields, found.slice(1)));
  const columns = header ? uniqueNames(first.fields) : first.fields.map((_, i) => String(i + 1));
  const layout: TableLayout = { format, encoding, delimiter, header, columns };
  const rows = found.slice(header ? 1 : 0).map(({ fields, line }) => ({
    cells: new Map(columns.map((column, i) => [column, fields[i] ?? ''])),
    line,
  }));
  if (rows.length === 0) throw withoutRows(source.name);
  return { layout, rows };
}

/**
 * Rows up to the one that the end of the beginning cuts off, which may look broken. Where that is the first one, it is
 * read from the file itself.
 */
async function takeRows<T>(
  read: (text: ByteSource) => AsyncIterable<T>,
  { part, whole, isCut }: { readonly part: ByteSource; readonly whole: ByteSource; readonly isCut: boolean },
): Promise<T[]> {
  const found: T[] = [];
  try {
    for await (const row of read(part)) {
      found.push(row);
      if (found.length === SAMPLED_ROWS) return found;
    }
  } catch (error) {
    if (!(isCut && error instanceof InputError)) throw error;
    if (found.length > 0) return found;
  }
  if (!isCut) return found;
  if (found.length > 1) return found.slice(0, -1);
  for await (const row of read(whole)) return [row];
  return [];
}

function withoutRows(file: string): InputError {
  return new InputError('contains no rows', { file, remedy: 'Use a file with at least one row of text' });
}

const DELIMITERS = [',', ';', '\t', '|'];

/** The delimiter that gives most rows the same number of columns. */
async function guessDelimiter(source: ByteSource): Promise<string> {
  let best = { delimiter: ',', fit: 0 };
  for (const delimiter of DELIMITERS) {
    const rows: Row[] = [];
    try {
      for await (const row of readRows(source, { delimiter, quotes: delimiter !== '\t' })) {
        rows.push(row);
        if (rows.length === 20) break;
      }
    } catch (error) {
      // Where the file is broken whatever the delimiter, reading it says so.
      if (!(error instanceof InputError)) throw error;
    }
    const width = rows[0]?.fields.length ?? 1;
    if (width < 2) continue;
    const fit = rows.filter(({ fields }) => fields.length === width).length / rows.length;
    if (fit > best.fit) best = { delimiter, fit };
  }
  return best.delimiter;
}

/** Whether a first row has names: known ones, or short words above longer texts or numbers. */
function isHeader(first: readonly string[], rest: readonly Row[]): boolean {
  if (first.some((name) => nameUses(name).length > 0)) return true;
  const isNames = first.every(
    (field) =>
      /^[\p{L}_][\p{L}\p{N}_ .()/-]{0,39}$/u.test(field.trim()) && field.trim().split(/\s+/).length <= 4,
  );
  if (!isNames || new Set(first).size < first.length || rest.length === 0) return false;
  return first.some((name, i) => {
    const values = rest.map(({ fields }) => fields[i] ?? '');
    const mean = values.reduce((sum, { length }) => sum + length, 0) / values.length;
    return values.every((value) => /^-?[\d.,]+$/.test(value)) || mean > 3 * Math.max(name.length, 8);
  });
}

function uniqueNames(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((raw, i) => {
    const name = raw.trim() === '' ? String(i + 1) : raw.trim();
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}

/**
 * What a cell has, as text; a list of texts has a line for each.
 * @throws InputError if it is something else
 */
export function cellText(row: TableRow, column: string, file: string): string {
  const value = row.cells.get(column);
  const text = valueText(value);
  if (text !== undefined) return text;
  throw new InputError(`the column ${quoted(column)} is not text (${printable(typeName(value))})`, {
    file,
    line: row.line,
    remedy: 'Choose another column (command line: --columns), or convert it to text',
  });
}

function valueText(value: unknown): string | undefined {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  if (!Array.isArray(value)) return undefined;
  const parts = (value as readonly unknown[]).map((part) =>
    Array.isArray(part) ? undefined : valueText(part),
  );
  return parts.every((part) => part !== undefined) ? parts.join('\n') : undefined;
}

function typeName(value: unknown): string {
  return Array.isArray(value) ? 'a list' : value instanceof Uint8Array ? 'bytes' : 'an object';
}
