import type { ScoredItems } from './top-k.ts';

/** Rows of an index to search. Vectors in a SharedArrayBuffer are shared, others copied or transferred. */
export interface SearchRequest {
  /** [rows, dimensions] */
  readonly vectors: Float32Array;
  /** [queries, dimensions] */
  readonly queries: Float32Array;
  readonly dimensions: number;
  /** The item number in the index of row 0 of `vectors`. */
  readonly firstRow: number;
  readonly k: number;
}

export interface SearchResponse {
  /** The best rows for each query. */
  readonly results: readonly ScoredItems[];
  /** The request's vectors, sent back where they were moved, undefined where they are shared. */
  readonly vectors: Float32Array<ArrayBuffer> | undefined;
}
