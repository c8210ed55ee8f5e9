/** What the page asks of training lists that were dropped. */
import type { KeptItem } from './protocol.ts';

/** How training lists fit a corpus. */
export interface PairedLists {
  readonly lists: number;
  /** Different passages of the lists … */
  readonly passages: number;
  /** … and how many of them the corpus has, by id or by text. */
  readonly found: number;
}

export interface ListsCalls {
  /** Counts how many of the passages of kept lists a kept corpus has. */
  pairLists: {
    readonly ask: { readonly listsId: string; readonly corpusId: string };
    readonly answer: PairedLists;
  };
  /** Keeps the passages, queries and positives of training lists as a corpus; a fifth of the queries is to test with. */
  corpusOfLists: { readonly ask: { readonly listsId: string }; readonly answer: KeptItem };
}
