/**
 * Passages from JSON lines, CSV, TSV and plain text, streamed.
 *
 * Memory: one passage at a time (a line of at most 8 MiB, a text of at most `maxPassageBytes`, one chunk of the
 * source), and the ids seen so far, about 100 bytes each, to find duplicates.
 */

import { InputError } from '../core/errors.ts';
import { ID_REMEDY, isId, JsonRecord } from './json-record.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { readLines } from './lines.ts';
import { ReadReport } from './report.ts';
import { quoted } from '../core/shown.ts';
import type { ByteSource } from '../core/source.ts';
import type { TableOptions } from './table.ts';
import type { Document } from './types.ts';

/** Bytes of UTF-8 in one passage, title and text together. */
export const MAX_PASSAGE_BYTES = 1024 * 1024;

export interface TitleOptions {
  /** Whether a passage's text begins with its title, as in BEIR. Default: true. */
  readonly titles?: boolean;
}

export type DocumentFormat = 'jsonl' | 'table' | 'text';

export interface DocumentOptions extends TitleOptions, TableOptions {
  /** By default from the name: .jsonl, .ndjson and .json, .csv and .tsv, everything else plain text. */
  readonly format?: DocumentFormat;
  /** The unit of a passage in plain text. Default: a paragraph (lines up to an empty one). */
  readonly unit?: 'line' | 'paragraph';
  /** Default: 1 MiB. */
  readonly maxPassageBytes?: number;
  /** How a second document with the same id is handled: as an error (default), or left out and counted. */
  readonly duplicates?: 'refuse' | 'skip';
  /** Counts what is read. */
  readonly report?: ReadReport;
}

/** The input of encoders and BM25: title and text separated by a space, or the text alone. */
export function passageText(document: Document, { titles = true }: TitleOptions = {}): string {
  return titles && document.title !== '' ? `${document.title} ${document.text}`.trim() : document.text;
}

/** Whether a passage has any text to train on. */
export function hasText(document: Document, options: TitleOptions = {}): boolean {
  return passageText(document, options).trim() !== '';
}

/**
 * The documents of a file. Documents without text are counted in the report and kept: they belong to the corpus.
 *
 * @throws InputError naming file, line and remedy: broken JSON, a missing or repeated id, a passage over the limit.
 */
export async function* readDocuments(
  source: ByteSource,
  options: DocumentOptions = {},
): AsyncGenerator<Document> {
  const { maxPassageBytes = MAX_PASSAGE_BYTES, duplicates = 'refuse', report = new ReadReport() } = options;
  const lineOf = new Map<string, number>();
  for await (const { document, line } of placedDocuments(source, { ...options, report })) {
    const first = lineOf.get(document.id);
    if (first !== undefined) {
      if (duplicates === 'skip') {
        report.duplicateIds++;
        continue;
      }
      throw new InputError(`the id ${quoted(document.id)} is already used on line ${first}`, {
        file: source.name,
        line,
        remedy: 'Use a unique id for each document',
      });
    }
    lineOf.set(document.id, line);
    checkPassageSize(document.title, document.text, { file: source.name, line, maxPassageBytes });
    report.documents++;
    if (!hasText(document, options)) report.emptyTexts++;
    yield document;
  }
}

/** @throws InputError if a passage is over the limit. */
export function checkPassageSize(
  title: string,
  text: string,
  { file, line, maxPassageBytes }: { file: string; line: number; maxPassageBytes: number },
): void {
  // A UTF-16 unit takes at most three bytes of UTF-8.
  if ((title.length + text.length) * 3 <= maxPassageBytes) return;
  const encoder = new TextEncoder();
  const bytes = encoder.encode(title).length + encoder.encode(text).length;
  if (bytes <= maxPassageBytes) return;
  throw new InputError(
    `the passage has ${formatBytes(bytes)} of text, but the limit is ${formatBytes(maxPassageBytes)}`,
    { file, line, remedy: 'Use shorter passages; encoders read only the first few hundred words' },
  );
}

interface PlacedDocument {
  readonly document: Document;
  readonly line: number;
}

function placedDocuments(
  source: ByteSource,
  options: DocumentOptions & { readonly report: ReadReport },
): AsyncGenerator<PlacedDocument> {
  switch (options.format ?? documentFormat(source.name)) {
    case 'jsonl':
      return jsonlDocuments(source, options.report);
    case 'table':
      return tableDocuments(source, options);
    case 'text':
      return options.unit === 'line' ? lineDocuments(source) : paragraphDocuments(source, options);
  }
}

function documentFormat(name: string): DocumentFormat {
  if (/\.(jsonl|ndjson|json)$/i.test(name)) return 'jsonl';
  return /\.(csv|tsv|tab)$/i.test(name) ? 'table' : 'text';
}

export const ID_KEYS = ['_id', 'id', 'docid', 'doc_id', 'pid'];
export const TEXT_KEYS = ['text', 'contents', 'passage'];

async function* jsonlDocuments(source: ByteSource, report: ReadReport): AsyncGenerator<PlacedDocument> {
  for await (const line of readLines(source)) {
    if (line.text.trim() === '') continue;
    const record = JsonRecord.parse(line, source.name, report);
    const idKey = record.firstOf(ID_KEYS);
    if (idKey === undefined) {
      throw record.error('the document has no id', 'Set "_id", "id" or "docid"');
    }
    const textKey = TEXT_KEYS.find((key) => record.keys.includes(key));
    if (textKey === undefined) {
      throw record.error('the document has no text', 'Set "text", "contents" or "passage"');
    }
    const document = { id: record.id(idKey), title: record.text('title'), text: record.text(textKey) };
    yield { document, line: line.number };
  }
}

/** Where a table keeps what a document needs. */
interface Columns {
  readonly id: number | undefined;
  readonly title: number | undefined;
  readonly text: number;
  /** Column in the header; undefined without a header. */
  readonly width: number | undefined;
}

async function* tableDocuments(source: ByteSource, options: TableOptions): AsyncGenerator<PlacedDocument> {
  let columns: Columns | undefined;
  let rows = 0;
  // With a parser that other formats need not load.
  const { readRows } = await import('./table.ts');
  for await (const { fields, line } of readRows(source, options)) {
    const error = (problem: string, remedy: string): InputError =>
      new InputError(problem, { file: source.name, line, remedy });
    if (columns === undefined) {
      const header = headerColumns(fields);
      columns = header ?? columnsWithoutHeader(fields.length, error);
      if (header !== undefined) continue;
    }
    rows++;
    const width = columns.width ?? (columns.id === undefined ? 1 : 2);
    if (fields.length !== width) {
      throw error(
        `has ${fields.length} columns, but the first row has ${width}`,
        'Fix the row, and enclose texts that contain the delimiter in quotation marks',
      );
    }
    const id = columns.id === undefined ? String(rows) : (fields[columns.id] ?? '');
    if (!isId(id)) throw error('the document has no valid id', ID_REMEDY);
    const title = columns.title === undefined ? '' : (fields[columns.title] ?? '');
    yield { document: { id, title, text: fields[columns.text] ?? '' }, line };
  }
}

/** Columns by their names; undefined where no name is that of a text, so that the row is data. */
function headerColumns(fields: readonly string[]): Columns | undefined {
  const names = fields.map((field) => field.trim().toLowerCase());
  const find = (keys: readonly string[]): number | undefined => {
    const found = keys.map((key) => names.indexOf(key)).find((index) => index >= 0);
    return found;
  };
  const text = find([...TEXT_KEYS, 'content', 'body', 'document']);
  if (text === undefined) return undefined;
  return { id: find(ID_KEYS), title: find(['title']), text, width: fields.length };
}

function columnsWithoutHeader(
  width: number,
  error: (problem: string, remedy: string) => InputError,
): Columns {
  if (width === 1) return { id: undefined, title: undefined, text: 0, width: undefined };
  if (width === 2) return { id: 0, title: undefined, text: 1, width: undefined };
  throw error(
    `the table has ${width} columns and no header row`,
    'Use a first row with the column names id, title and text',
  );
}

/** Ids are line numbers. */
async function* lineDocuments(source: ByteSource): AsyncGenerator<PlacedDocument> {
  for await (const { text, number } of readLines(source)) {
    if (text.trim() !== '')
      yield { document: { id: String(number), title: '', text: text.trim() }, line: number };
  }
}

/** Ids count the paragraphs, from 1. */
async function* paragraphDocuments(
  source: ByteSource,
  { maxPassageBytes = MAX_PASSAGE_BYTES }: DocumentOptions,
): AsyncGenerator<PlacedDocument> {
  let count = 0;
  let lines: string[] = [];
  let start = 0;
  let characters = 0;
  const take = (): PlacedDocument => {
    const document = { id: String(++count), title: '', text: lines.join('\n').trim() };
    lines = [];
    characters = 0;
    return { document, line: start };
  };
  for await (const { text, number } of readLines(source)) {
    if (text.trim() === '') {
      if (lines.length > 0) yield take();
      continue;
    }
    if (lines.length === 0) start = number;
    lines.push(text);
    characters += text.length + 1;
    if (characters > maxPassageBytes + 1) {
      throw new InputError(`the paragraph is longer than the limit of ${formatBytes(maxPassageBytes)}`, {
        file: source.name,
        line: start,
        remedy: 'Use empty lines between the passages, or one passage per line',
      });
    }
  }
  if (lines.length > 0) yield take();
}
