/** The texts of one file, whatever its format. */
import { InputError } from '../core/errors.ts';
import { quoted } from '../core/shown.ts';
import { ID_REMEDY, isId } from '../corpus/json-record.ts';
import type { DetectedFile } from './detect.ts';
import { utf8Source } from './encoding.ts';
import { readHtml } from './html.ts';
import { readMarkdown } from './markdown.ts';
import { readPdf } from './pdf.ts';
import { readPlainText } from './plain-text.ts';
import { cellText, readTable } from './tables.ts';
import { columnUses, type ColumnChoice, type ColumnUse, type TableRow, type TextDocument } from './types.ts';

/** A text, and the question that it answers where the file has one. */
export interface ImportedText {
  readonly document: TextDocument;
  readonly question?: { readonly id: string | undefined; readonly text: string; readonly grade: number };
}

/** @throws InputError naming file, line and remedy */
export async function* readTexts(file: DetectedFile, signal?: AbortSignal): AsyncGenerator<ImportedText> {
  const source = utf8Source(file.source, file.encoding);
  switch (file.format) {
    case 'text':
      for await (const document of readPlainText(source, file.unit ?? 'paragraph')) yield { document };
      return;
    case 'markdown':
      yield ofPage(file, await readMarkdown(source));
      return;
    case 'html':
      yield ofPage(file, await readHtml(source));
      return;
    case 'pdf':
      yield ofPage(file, await readPdf(file.source, { signal }));
      return;
    case 'csv':
    case 'tsv':
    case 'json':
    case 'jsonl':
    case 'parquet':
      yield* tableTexts(file);
  }
}

function ofPage({ path }: DetectedFile, page: Pick<TextDocument, 'title' | 'sections'>): ImportedText {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '');
  const id = path.replace(/\s/g, '_');
  return { document: { id, title: page.title === '' ? name : page.title, sections: page.sections, line: 1 } };
}

async function* tableTexts(file: DetectedFile): AsyncGenerator<ImportedText> {
  const cells = cellsOf(file);
  for await (const row of rowsOf(file)) {
    const text = cells.text(row, 'text');
    const document = {
      id: cells.id(row, 'id'),
      title: cells.text(row, 'title').trim(),
      sections: text.trim() === '' ? [] : [{ headings: [], text: text.trim() }],
      line: row.line,
    };
    const question = cells.text(row, 'query').trim();
    if (question === '') yield { document };
    else {
      const grade = file.columns.grade === undefined ? 1 : cells.grade(row);
      yield { document, question: { id: cells.id(row, 'query-id'), text: question, grade } };
    }
  }
}

/** The rows of a table, with the columns that are read. */
export function rowsOf(file: DetectedFile): AsyncGenerator<TableRow> {
  if (file.layout === undefined) throw new Error(`${file.path} has no rows`);
  const columns = columnUses.flatMap((use) => file.columns[use] ?? []);
  return readTable(file.source, file.layout, [...new Set(columns)]);
}

interface Cells {
  /** The columns of a use, joined; empty where there is none. @throws InputError where all are missing from the row */
  readonly text: (row: TableRow, use: ColumnUse) => string;
  /** Undefined where no column has ids. */
  readonly id: (row: TableRow, use: ColumnUse) => string | undefined;
  readonly grade: (row: TableRow) => number;
}

/** How the cells of a file are read. */
export function cellsOf({
  columns,
  source,
}: {
  readonly columns: ColumnChoice;
  readonly source: { readonly name: string };
}): Cells {
  const text = (row: TableRow, use: ColumnUse): string => {
    const names = columns[use] ?? [];
    if (names.length > 0 && use === 'text' && !names.some((name) => row.cells.has(name))) {
      throw new InputError(`has no ${names.map(quoted).join(' or ')}`, {
        file: source.name,
        line: row.line,
        remedy: 'Fix the line or remove it; each one needs the same column of texts',
      });
    }
    const parts = names.map((name) => cellText(row, name, source.name)).filter((part) => part.trim() !== '');
    return parts.join('\n');
  };
  return {
    text,
    id: (row, use) => {
      if (columns[use] === undefined) return undefined;
      const id = text(row, use);
      if (isId(id)) return id;
      const problem =
        id === '' ? `has no id (${quoted(columns[use].join(', '))})` : `the id ${quoted(id)} is not valid`;
      throw new InputError(problem, { file: source.name, line: row.line, remedy: ID_REMEDY });
    },
    grade: (row) => {
      const grade = text(row, 'grade').trim();
      if (/^[+-]?\d{1,9}(\.0*)?$/.test(grade)) return Number(grade);
      throw new InputError(`the grade ${quoted(grade)} is not a whole number`, {
        file: source.name,
        line: row.line,
        remedy: 'Use a whole number, or choose the columns without grade',
      });
    },
  };
}
