/** What the page asks of files that are to become a corpus, and what it is told of them. */
import type { FileSample } from '../import/detect.ts';
import type { ImportProgress, ImportReport } from '../import/import-corpus.ts';
import type { KeywordBaseline } from '../import/keyword-baseline.ts';
import type { TextUnit } from '../import/plain-text.ts';
import type { TextSplit } from '../import/split-texts.ts';
import type { ColumnChoice, FileFormat, FileRole, ImportKind, LeftOutFile } from '../import/types.ts';
import type { EncodingOverrides } from '../encoders/types.ts';
import type { DroppedItem } from './dropped-files.ts';
import type { FoundPassage, KeptItem } from './protocol.ts';

/** How files are read; what is undefined is found out. */
export interface ReadingChoices {
  readonly columns?: ColumnChoice | undefined;
  /** Whether the first row of CSV and TSV has names. */
  readonly header?: boolean | undefined;
  readonly unit?: TextUnit | undefined;
}

export interface ImportChoices extends ReadingChoices {
  readonly split?: TextSplit | undefined;
  readonly keepDuplicates?: boolean | undefined;
  /** The encoder whose limit the lengths are compared with. One that would have to be downloaded is not asked. */
  readonly encoder?: string | undefined;
  readonly encoding?: EncodingOverrides | undefined;
}

export interface PreviewedFile {
  readonly path: string;
  readonly bytes: number;
  readonly format: FileFormat;
  readonly role: FileRole;
  /** Which columns are read. */
  readonly columns: ColumnChoice;
  /** All columns of a table; undefined for other files. */
  readonly tableColumns: readonly string[] | undefined;
  /** Of CSV and TSV. */
  readonly header: boolean | undefined;
  readonly unit: TextUnit | undefined;
  readonly sample: FileSample;
}

/** What files are, from the beginning of each. */
export interface ImportPreview {
  readonly name: string;
  readonly kind: ImportKind;
  readonly bytes: number;
  /** The first of them. */
  readonly files: readonly PreviewedFile[];
  readonly fileCount: number;
  readonly formats: readonly FileFormat[];
  /** The first of them. */
  readonly leftOut: readonly LeftOutFile[];
  readonly leftOutCount: number;
}

export interface LookedAt {
  /** Which items are a corpus in BEIR's layout, an encoder, lists or a log: they are kept as they are. */
  readonly ready: readonly number[];
  /** Of the others together; undefined where there are none. */
  readonly preview: ImportPreview | undefined;
}

export type ImportOutcome =
  | { readonly state: 'finished'; readonly item: KeptItem; readonly report: ImportReport }
  | { readonly state: 'canceled' };

export type BaselineOutcome =
  { readonly state: 'finished'; readonly baseline: KeywordBaseline } | { readonly state: 'canceled' };

export type ExtractOutcome =
  | {
      readonly state: 'finished';
      readonly item: KeptItem;
      /** Queries of each split. */
      readonly train: number;
      readonly test: number;
    }
  | { readonly state: 'canceled' };

export interface ImportCalls {
  /** Looks at the beginning of files. @throws InputError if one of them cannot be read */
  previewImport: {
    readonly ask: { readonly items: readonly DroppedItem[]; readonly choices: ReadingChoices };
    readonly answer: LookedAt;
  };
  /** Makes a corpus of files and keeps it, or nothing. Aborted, it answers that it was canceled. */
  importCorpus: {
    readonly ask: { readonly items: readonly DroppedItem[]; readonly choices: ImportChoices };
    readonly answer: ImportOutcome;
    readonly progress: ImportProgress;
  };
  /** What keyword search finds for the judged queries of a kept corpus; measured once. */
  keywordBaseline: {
    readonly ask: { readonly itemId: string; readonly split: string };
    readonly answer: BaselineOutcome;
    /** The share that is done. */
    readonly progress: number;
  };
  /** What keyword search finds in a kept corpus, the best first. */
  searchTexts: {
    readonly ask: { readonly itemId: string; readonly query: string; readonly k: number };
    readonly answer: readonly FoundPassage[];
  };
  /** Keeps a corpus anew, with queries that are clauses of its passages. */
  extractQueries: { readonly ask: { readonly itemId: string }; readonly answer: ExtractOutcome };
}
