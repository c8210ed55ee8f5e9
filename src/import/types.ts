/** What files of a person are, and how they become a corpus. */
import type { ByteSource } from '../core/source.ts';

export type TableFormat = 'csv' | 'tsv' | 'jsonl' | 'json' | 'parquet';
export type TextFormat = 'text' | 'markdown' | 'html' | 'pdf';
export type FileFormat = TableFormat | TextFormat;

export type TextEncoding = 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be';

/** What the rows of a table can have that an import reads. */
export const columnUses = ['id', 'title', 'text', 'query', 'query-id', 'document-id', 'grade'] as const;
export type ColumnUse = (typeof columnUses)[number];

/** Columns by their use; several names of one use are joined by line breaks. */
export type ColumnChoice = Readonly<Partial<Record<ColumnUse, readonly string[]>>>;

/**
 * What the rows of a file are: texts; questions, each with a text that answers it; queries; judgments (qrels). Training
 * lists and generation logs are recognized and not imported.
 */
export type FileRole = 'texts' | 'pairs' | 'queries' | 'judgments' | 'lists' | 'generations';

/** What the files are together. */
export type ImportKind = 'texts' | 'texts and questions' | 'benchmark' | 'training lists';

/** How the rows of a table are found. */
export interface TableLayout {
  readonly format: TableFormat;
  readonly encoding: TextEncoding;
  /** Of CSV and TSV. */
  readonly delimiter: string | undefined;
  /** Whether the first row of CSV or TSV has the names of the columns. Without one, columns are named 1, 2 … */
  readonly header: boolean;
  readonly columns: readonly string[];
}

/** One row: what each column has. */
export interface TableRow {
  readonly cells: ReadonlyMap<string, unknown>;
  /** 1-based line; in Parquet, the row. */
  readonly line: number;
}

/** One file among those that are imported. */
export interface ImportFile {
  /** Unique among them, with forward slashes. */
  readonly path: string;
  readonly source: ByteSource;
}

/** A file that is not imported. */
export interface LeftOutFile {
  readonly path: string;
  readonly reason: string;
}

/** A text before it is split into passages. */
export interface TextDocument {
  /** Its own id, or undefined. */
  readonly id: string | undefined;
  readonly title: string;
  /** In their order; one where the text has no headings or pages. */
  readonly sections: readonly TextSection[];
  readonly line: number;
}

export interface TextSection {
  /** From the outermost heading to its own. */
  readonly headings: readonly string[];
  readonly text: string;
  /** 1-based. */
  readonly page?: number;
}
