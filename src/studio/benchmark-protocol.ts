/** What the page asks of data sets of a hub, and what it is told of them. */
import type { ImportProgress } from '../import/import-corpus.ts';
import type { ImportOutcome } from './import-protocol.ts';

export interface DatasetChoice {
  /** `ORG/NAME`, `ORG/NAME/SUBSET`, either with `@REVISION`; or the short name of a benchmark. */
  readonly dataset: string;
  /** Address of the hub. Default: https://huggingface.co/. */
  readonly hub?: string | undefined;
}

/** What a hub says of a data set before any of its files is fetched. */
export interface DatasetFacts {
  readonly id: string;
  readonly host: string;
  /** The commit. */
  readonly revision: string;
  readonly files: number;
  /** Undefined where the hub lists no sizes. */
  readonly bytes: number | undefined;
  /** As its page on the hub states it. */
  readonly license: string | undefined;
  /** The repository of the judgments, where it is another one. */
  readonly judgments: string | undefined;
}

export type DatasetProgress =
  | {
      readonly kind: 'download';
      readonly file: string;
      readonly bytes: number;
      /** 0 where the hub lists no sizes. */
      readonly totalBytes: number;
    }
  | ({ readonly kind: 'import' } & ImportProgress);

export interface BenchmarkCalls {
  /** Asks the hub for the files of a data set, and fetches none. @throws InputError; ConnectionError */
  lookAtDataset: {
    readonly ask: DatasetChoice;
    readonly answer:
      { readonly state: 'finished'; readonly facts: DatasetFacts } | { readonly state: 'canceled' };
  };
  /**
   * Downloads a data set and keeps it as a corpus, whole or not at all. Aborted, it answers that it was canceled.
   * @throws InputError; ConnectionError
   */
  importDataset: {
    readonly ask: DatasetChoice;
    readonly answer: ImportOutcome;
    readonly progress: DatasetProgress;
  };
}
