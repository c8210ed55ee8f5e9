/** What the page asks of what a kept corpus or file of lists holds, a page of rows at a time. */
import type { HubRecord } from '../import/hub-dataset.ts';

/** Which rows are shown. */
export interface RowsChoice {
  readonly itemId: string;
  readonly part: RowsPart;
  /** Those that have it, in their order; by words (BM25), the best first. Default: all. */
  readonly search?: RowsSearch | undefined;
}

export type RowsPart =
  | { readonly of: 'documents' }
  /** The judged queries of a split. */
  | { readonly of: 'queries'; readonly split: string }
  /** What is judged for a query, the best grade first. */
  | { readonly of: 'judged'; readonly split: string; readonly queryId: string }
  /** Training lists: a file of the corpus, or the kept file itself. */
  | { readonly of: 'lists'; readonly file?: string | undefined }
  /** The passages of one list, by its number. */
  | { readonly of: 'listed'; readonly file?: string | undefined; readonly list: number };

/** `words` is of documents alone. */
export interface RowsSearch {
  readonly by: 'words' | 'text' | 'id';
  readonly text: string;
}

/** Texts are cut after some hundred characters. */
export type CorpusRow =
  | {
      readonly kind: 'document';
      readonly id: string;
      readonly text: string;
      /** Of a search by words. */
      readonly score: number | undefined;
    }
  | {
      readonly kind: 'query';
      readonly id: string;
      readonly text: string;
      readonly relevant: number;
      readonly judged: number;
      /** Its best passage; undefined where none is relevant. */
      readonly first: { readonly id: string; readonly text: string; readonly grade: number } | undefined;
    }
  | {
      readonly kind: 'judged';
      readonly id: string;
      /** Undefined where the corpus lacks it. */
      readonly text: string | undefined;
      readonly grade: number;
    }
  | {
      readonly kind: 'list';
      /** Its number among all lists, 0-based. */
      readonly list: number;
      readonly query: string;
      readonly positives: number;
      readonly others: number;
      /** The first positive. */
      readonly first: string | undefined;
    }
  | {
      readonly kind: 'listed';
      readonly id: string;
      readonly text: string;
      readonly label: number | undefined;
      readonly teacher: number | undefined;
      readonly source: string;
    };

export interface RowsPage {
  readonly total: number;
  readonly rows: readonly CorpusRow[];
}

/** Canceled is answered to what was aborted. */
export type Outcome<T> = { readonly state: 'finished'; readonly answer: T } | { readonly state: 'canceled' };

export interface CorpusProgress {
  readonly doing: 'reading' | 'indexing' | 'searching' | 'packing';
  readonly bytes: number;
  readonly totalBytes: number;
}

/** A passage, whole but for what nobody reads on a screen. */
export interface WholeText {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

export interface CorpusCalls {
  /** A page of rows. The first one of a corpus reads all of it once. @throws InputError */
  corpusRows: {
    readonly ask: { readonly choice: RowsChoice; readonly from: number; readonly count: number };
    readonly answer: Outcome<RowsPage>;
    readonly progress: CorpusProgress;
  };
  /** @throws InputError if the corpus has no such document */
  corpusText: { readonly ask: { readonly itemId: string; readonly id: string }; readonly answer: WholeText };
  /** Where the files of a corpus come from, if they are of a hub. */
  corpusOrigins: { readonly ask: { readonly itemId: string }; readonly answer: readonly HubRecord[] };
  /** A corpus as a zip in BEIR's layout. @throws InputError if it is too large for one */
  exportCorpus: {
    readonly ask: { readonly itemId: string };
    readonly answer: Outcome<{ readonly name: string; readonly zip: Blob }>;
    readonly progress: CorpusProgress;
  };
}
