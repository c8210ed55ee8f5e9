/**
 * What files are, found out from the first 256 KiB of each; of many that are alike, from some of them, and from the others
 * when they are read.
 */
import { InputError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import { quoted } from '../core/shown.ts';
import { bytesSource, type ByteSource } from '../core/source.ts';
import { readLines } from '../corpus/lines.ts';
import { columnFor, guessTextColumns, shownCell } from './column-names.ts';
import { detectEncoding, readHead, utf8Source } from './encoding.ts';
import { readHtml } from './html.ts';
import { listImportFiles, type ImportItem } from './list-files.ts';
import { readMarkdown } from './markdown.ts';
import { readPdf } from './pdf.ts';
import { guessUnit, readPlainText, type TextUnit } from './plain-text.ts';
import { extensionOf, formatOf } from './sniff.ts';
import { sampleTable, type LayoutChoice } from './tables.ts';
import {
  columnUses,
  type ColumnChoice,
  type FileFormat,
  type FileRole,
  type ImportFile,
  type ImportKind,
  type LeftOutFile,
  type TableFormat,
  type TableLayout,
  type TableRow,
  type TextEncoding,
} from './types.ts';

/** One file, and how it is read. */
export interface DetectedFile {
  readonly path: string;
  readonly source: ByteSource;
  readonly format: FileFormat;
  readonly encoding: TextEncoding;
  readonly role: FileRole;
  /** Of tables. Judgments without one are in BEIR's or TREC's form. */
  readonly layout?: TableLayout;
  /** Which columns are read. */
  readonly columns: ColumnChoice;
  /** Of plain text. */
  readonly unit?: TextUnit;
  /** The first five rows or texts, each cell at most 300 characters long. */
  readonly sample: FileSample;
  /**
   * Looks at a file that was taken for one like the others of its kind.
   * @param source the file, perhaps one whose reading is followed
   * @throws InputError if it cannot be read, or is something else
   */
  readonly complete?: (source: ByteSource) => Promise<DetectedFile>;
}

/** The file as it is, once it is to be read. */
export async function completeFile(file: DetectedFile): Promise<DetectedFile> {
  return file.complete === undefined ? file : file.complete(file.source);
}

export interface FileSample {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Detection {
  readonly kind: ImportKind;
  readonly files: readonly DetectedFile[];
  readonly leftOut: readonly LeftOutFile[];
}

export interface DetectOptions extends Omit<LayoutChoice, 'names'> {
  /** Instead of the guessed columns. */
  readonly columns?: ColumnChoice | undefined;
  /** Of plain text. By default from the empty lines in it. */
  readonly unit?: TextUnit | undefined;
  /** Where a table has no column of texts. Default: to choose one. */
  readonly textRemedy?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const SAMPLE_ROWS = 5;
const SAMPLE_CHARACTERS = 300;
/** Of a folder of texts, the first files are shown. */
const SAMPLED_FILES = 5;
/** Of files with the same extension and the same kind of name, so many are looked at. */
const LOOKED_AT = 32;

/**
 * Finds out what files, folders and zips are.
 * @throws InputError naming the file that cannot be read, with the line where there is one
 */
export async function detect(items: readonly ImportItem[], options: DetectOptions = {}): Promise<Detection> {
  const { files, leftOut } = await listImportFiles(items, options.signal);
  const skipped: LeftOutFile[] = [...leftOut];
  const whole = files.filter(({ path, source }) => {
    if (source.size > 0) return true;
    if (files.length === 1)
      throw new InputError('is empty', { file: source.name, remedy: 'Use a file with texts' });
    skipped.push({ path, reason: 'empty' });
    return false;
  });
  const detected = await detectFiles(whole, options);
  checkColumns(detected, options.columns);
  const isUsed = ({ role }: DetectedFile): boolean => role !== 'lists' && role !== 'generations';
  const used = detected.filter(isUsed);
  if (used.length === 0 && detected.length > 0)
    return { kind: 'training lists', files: detected, leftOut: skipped };
  for (const { path, role } of detected.filter((file) => !isUsed(file))) {
    skipped.push({ path, reason: role === 'lists' ? 'training lists' : 'a generation log' });
  }
  return { kind: kindOf(used), files: used, leftOut: skipped };
}

/** What each of the files is, in their order. */
async function detectFiles(
  files: readonly ImportFile[],
  options: DetectOptions,
): Promise<readonly DetectedFile[]> {
  const found = new Map<ImportFile, DetectedFile>();
  const look = async (file: ImportFile): Promise<DetectedFile> => {
    options.signal?.throwIfAborted();
    const detected = await detectFile(file, options, found.size < SAMPLED_FILES);
    found.set(file, detected);
    return detected;
  };
  // Those that are shown come first.
  for (const file of files.slice(0, SAMPLED_FILES)) await look(file);
  for (const group of groupsOf(files).values()) {
    const sampled = spread(group, LOOKED_AT);
    const looked: DetectedFile[] = [];
    for (const file of sampled) looked.push(found.get(file) ?? (await look(file)));
    const [like] = looked;
    const areAlike = like !== undefined && looked.every((file) => isAlike(file, like));
    for (const file of group) {
      if (found.has(file)) continue;
      if (areAlike) found.set(file, taken(file, like, options));
      else await look(file);
    }
  }
  return files.flatMap((file) => found.get(file) ?? []);
}

/** Files by what their names say of them. */
function groupsOf(files: readonly ImportFile[]): ReadonlyMap<string, readonly ImportFile[]> {
  const groups = new Map<string, ImportFile[]>();
  for (const file of files) {
    const { path } = file;
    const isJudgments = isIn(path, JUDGMENTS_FOLDER);
    const isQueries = QUERIES_NAME.test(stem(path)) || isIn(path, QUERIES_FOLDER);
    const key = `${extensionOf(path)} ${isJudgments} ${isQueries}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  return groups;
}

/** So many of them, evenly, with the first and the last. */
function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) =>
    items.at(Math.round((i * (items.length - 1)) / (most - 1))),
  ).filter((item) => item !== undefined);
}

/** Whether two files are read alike; encodings, units and delimiters may differ. */
function isAlike(a: DetectedFile, b: DetectedFile): boolean {
  const whatIs = ({ format, role, columns, layout }: DetectedFile): string =>
    JSON.stringify([format, role, columns, layout?.columns]);
  return whatIs(a) === whatIs(b);
}

/** A file that nobody has looked at, taken for one like another. */
function taken(file: ImportFile, like: DetectedFile, options: DetectOptions): DetectedFile {
  return {
    ...like,
    ...file,
    sample: { columns: [], rows: [] },
    complete: async (source) => {
      const detected = await detectFile({ ...file, source }, options, false);
      if (detected.role === like.role) return detected;
      throw new InputError(`is ${roleNames[detected.role]}, unlike the other files of its kind`, {
        file: source.name,
        remedy: 'Remove it from the folder, or import it by itself',
      });
    },
  };
}

const roleNames: Readonly<Record<FileRole, string>> = {
  texts: 'a file of texts',
  pairs: 'a file of texts and questions',
  queries: 'a file of queries',
  judgments: 'a file of judgments',
  lists: 'a file of training lists',
  generations: 'a generation log',
};

function kindOf(files: readonly DetectedFile[]): ImportKind {
  const has = (role: FileRole): boolean => files.some((file) => file.role === role);
  if (has('judgments')) return 'benchmark';
  return has('pairs') || (has('queries') && has('texts')) ? 'texts and questions' : 'texts';
}

async function detectFile(
  { path, source }: ImportFile,
  options: DetectOptions,
  isSampled: boolean,
): Promise<DetectedFile> {
  const head = await readHead(source);
  const format = formatOf(path, head, source.name);
  const isBinary = format === 'pdf' || format === 'parquet';
  const encoding = isBinary ? 'utf-8' : await detectEncoding(head, source.name);
  const file = { path, source, encoding };
  const start = utf8Source(bytesSource(source.name, head), encoding);
  if ((format === 'text' || format === 'tsv' || format === 'csv') && options.columns === undefined) {
    const lines = await firstLines(start, head.length < source.size);
    if (isQrels(lines, format)) {
      const rows = lines.slice(0, SAMPLE_ROWS).map((line) => line.split(/\s+/));
      return { ...file, format, role: 'judgments', columns: {}, sample: { columns: [], rows } };
    }
  }
  switch (format) {
    case 'text':
    case 'markdown':
    case 'html':
    case 'pdf': {
      const unit = format === 'text' ? (options.unit ?? (await guessUnit(start))) : undefined;
      const sample = isSampled
        ? await sampleTexts(format, format === 'pdf' ? source : start, unit, options.signal)
        : { columns: [], rows: [] };
      return { ...file, format, role: 'texts', columns: {}, sample, ...(unit !== undefined && { unit }) };
    }
    case 'csv':
    case 'tsv':
    case 'json':
    case 'jsonl':
    case 'parquet':
      return detectTable(file, head, format, options);
  }
}

async function detectTable(
  file: Pick<DetectedFile, 'path' | 'source' | 'encoding'>,
  head: Uint8Array<ArrayBuffer>,
  format: TableFormat,
  options: DetectOptions,
): Promise<DetectedFile> {
  const { layout, rows } = await sampleTable(file.source, head, format, file.encoding, {
    ...{ delimiter: options.delimiter, header: options.header, names: namesOf(options.columns) },
  });
  const chosen = chosenColumns(options.columns, layout.columns);
  const columns = chosen ?? guessTextColumns(layout.columns, rows);
  const role = chosen === undefined ? roleOf(file.path, layout, columns) : roleOfChoice(chosen);
  const sample = {
    columns: layout.columns,
    rows: rows
      .slice(0, SAMPLE_ROWS)
      .map(({ cells }) =>
        layout.columns.map((column) => shownCell(cells.get(column)).slice(0, SAMPLE_CHARACTERS)),
      ),
  };
  const found = { ...file, format, layout, sample };
  switch (role) {
    case 'queries': {
      const { query = columns.text, id, 'query-id': queryId = id } = columns;
      return {
        ...found,
        role,
        columns: { ...(query && { query }), ...(queryId && { 'query-id': queryId }) },
      };
    }
    case 'judgments': {
      const judged = chosen ?? judgmentColumns(layout.columns);
      checkJudgments(file.source.name, judged, layout);
      return { ...found, role, columns: judged };
    }
    default:
      checkText({ file: file.source.name, role, columns, layout, rows, remedy: options.textRemedy });
      return { ...found, role, columns };
  }
}

function checkText({
  file,
  role,
  columns,
  layout: { columns: names },
  rows,
  remedy = 'Choose one as the column of texts (command line: --columns text=NAME)',
}: {
  readonly file: string;
  readonly role: FileRole;
  readonly columns: ColumnChoice;
  readonly layout: TableLayout;
  readonly rows: readonly TableRow[];
  readonly remedy: string | undefined;
}): void {
  if (role !== 'texts' && role !== 'pairs') return;
  if (columns.text !== undefined) return;
  throw new InputError(
    `has no column with texts (${names.slice(0, 8).map(quoted).join(', ') || 'no columns'})`,
    { file, line: rows[0]?.line, remedy },
  );
}

function checkJudgments(file: string, columns: ColumnChoice, { columns: names }: TableLayout): void {
  if (columns['query-id'] !== undefined && columns['document-id'] !== undefined) return;
  throw new InputError(
    `it cannot be told which columns have the judgments (${names.slice(0, 8).map(quoted).join(', ')})`,
    { file, remedy: 'Choose them with --columns query-id=NAME,document-id=NAME' },
  );
}

function judgmentColumns(columns: readonly string[]): ColumnChoice {
  const [query, document, grade] = (['query-id', 'document-id', 'grade'] as const).map((use) =>
    columnFor(use, columns),
  );
  return {
    ...(query !== undefined && { 'query-id': [query] }),
    ...(document !== undefined && { 'document-id': [document] }),
    ...(grade !== undefined && { grade: [grade] }),
  };
}

const QUERIES_NAME = /(^|[^a-z])(quer(y|ies)|questions?|topics?)([^a-z]|$)/i;

const QUERIES_FOLDER = /^quer(y|ies)$/i;
const JUDGMENTS_FOLDER = /^qrels$/i;

function roleOf(path: string, layout: TableLayout, columns: ColumnChoice): FileRole {
  const names = new Set(layout.columns);
  const isJson = layout.format === 'json' || layout.format === 'jsonl';
  if (isJson && names.has('request') && names.has('prompt_version')) return 'generations';
  if (isJson && isLists(names)) return 'lists';
  const judged = judgmentColumns(layout.columns);
  const hasText = columns.query !== undefined || columnFor('text', layout.columns) !== undefined;
  if (judged['query-id'] && judged['document-id'] && !hasText) return 'judgments';
  if (isIn(path, JUDGMENTS_FOLDER)) return 'judgments';
  if (columns.query !== undefined && columns.text !== undefined) {
    // Where no name is that of a text, the longest other column was taken for one.
    return columnFor('text', layout.columns) === undefined && isQueriesOnly(layout, columns)
      ? 'queries'
      : 'pairs';
  }
  if (columnFor('query', layout.columns) !== undefined && columnFor('text', layout.columns) === undefined)
    return 'queries';
  return QUERIES_NAME.test(stem(path)) || isIn(path, QUERIES_FOLDER) ? 'queries' : 'texts';
}

/** Whether a file is in a folder of a name: in that of a split, its name says nothing. */
function isIn(path: string, folder: RegExp): boolean {
  return path
    .split('/')
    .slice(0, -1)
    .some((name) => folder.test(name));
}

/** Whether all columns beside the query are ids. */
function isQueriesOnly(layout: TableLayout, { query = [] }: ColumnChoice): boolean {
  const ids = [columnFor('id', layout.columns), columnFor('query-id', layout.columns)];
  return layout.columns.every((column) => query.includes(column) || ids.includes(column));
}

function isLists(names: ReadonlySet<string>): boolean {
  const has = (...keys: readonly string[]): boolean => keys.every((key) => names.has(key));
  const hasNegatives = [...names].some((name) => /^negative(_\d+)?$/.test(name));
  return (
    has('query', 'documents') ||
    has('query', 'positive_passages') ||
    has('query', 'pos') ||
    (has('positive') && hasNegatives)
  );
}

function stem(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '');
}

function roleOfChoice({
  text,
  query,
  'query-id': queryId,
  'document-id': documentId,
}: ColumnChoice): FileRole {
  if (text !== undefined) return query === undefined ? 'texts' : 'pairs';
  return queryId !== undefined && documentId !== undefined ? 'judgments' : 'queries';
}

function namesOf(choice: ColumnChoice | undefined): readonly string[] {
  return columnUses.flatMap((use) => choice?.[use] ?? []);
}

/** The choice, for a file that has all of it. */
function chosenColumns(
  choice: ColumnChoice | undefined,
  columns: readonly string[],
): ColumnChoice | undefined {
  if (choice === undefined) return undefined;
  const all = namesOf(choice);
  return all.length > 0 && all.every((column) => columns.includes(column)) ? choice : undefined;
}

/** @throws InputError if no file has the columns that were chosen */
function checkColumns(files: readonly DetectedFile[], choice: ColumnChoice | undefined): void {
  if (choice === undefined) return;
  const tables = files.filter(({ layout }) => layout !== undefined);
  if (tables.some(({ layout }) => chosenColumns(choice, layout?.columns ?? []) !== undefined)) return;
  const [table] = tables;
  const known = table?.layout?.columns ?? [];
  const missing = namesOf(choice).find((column) => !known.includes(column));
  const near = missing === undefined ? undefined : nearestName(missing, known);
  const listed = known.slice(0, 12).map(quoted).join(', ');
  throw new InputError(
    table === undefined ? 'no file has columns' : `has no column ${quoted(missing ?? '')}`,
    {
      file: table?.source.name,
      remedy:
        table === undefined
          ? 'Remove --columns: texts, Markdown, HTML and PDF have none'
          : near === undefined
            ? `Choose among ${listed}`
            : `Use ${quoted(near)}, or choose among ${listed}`,
    },
  );
}

async function firstLines(start: ByteSource, isCut: boolean): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { text } of readLines(start)) {
    if (text.trim() !== '') lines.push(text);
    if (lines.length === 50) return lines;
  }
  return isCut ? lines.slice(0, -1) : lines;
}

const QREL = /^\S+\t\S+\t[+-]?\d+(\.0*)?\s*$/;
const TREC_QREL = /^\s*\S+\s+(Q?0|\d+)\s+\S+\s+[+-]?\d+\s*$/;
const QREL_HEADER = /^(query[-_]?id|qid|topic[-_]?id)\t\S*id\t\S+\s*$/i;

/** Whether lines are judgments in BEIR's or TREC's form. */
function isQrels(lines: readonly string[], format: FileFormat): boolean {
  if (format === 'csv') return false;
  const isHeader = QREL_HEADER.test(lines[0] ?? '');
  const rest = lines.slice(isHeader ? 1 : 0);
  if (rest.length === 0) return isHeader;
  return rest.every((line) => QREL.test(line)) || rest.every((line) => TREC_QREL.test(line));
}

async function sampleTexts(
  format: 'text' | 'markdown' | 'html' | 'pdf',
  source: ByteSource,
  unit: TextUnit = 'paragraph',
  signal?: AbortSignal,
): Promise<FileSample> {
  const columns = ['title', 'text'];
  const cut = (text: string): string => text.slice(0, SAMPLE_CHARACTERS);
  if (format === 'text') {
    const rows: string[][] = [];
    for await (const { title, sections } of readPlainText(source, unit)) {
      rows.push([title, cut(sections[0]?.text ?? '')]);
      if (rows.length === SAMPLE_ROWS) break;
    }
    return { columns, rows };
  }
  const { title, sections } =
    format === 'pdf'
      ? await readPdf(source, { signal, mostPages: 2 })
      : await (format === 'html' ? readHtml(source) : readMarkdown(source));
  return { columns, rows: sections.slice(0, SAMPLE_ROWS).map(({ text }) => [title, cut(text)]) };
}
