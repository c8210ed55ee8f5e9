/**
 * The contract between training and losses. A loss sees scores, never an encoder: the same function trains in
 * the browser, in Node and draws the pictures of the loss lab. Everything is float64.
 */

/** What a loss must find in its block besides scores and mask. */
export type LossNeeds = 'positive' | 'labels' | 'teacher';

/**
 * Which passages of the batch are in a query's row.
 * - `own`: the query's own list;
 * - `in-batch`: the own list and the positives of the batch's other queries;
 * - `batch`: every passage of every list of the batch (all hard negatives; paper C, Sentence Transformers).
 */
export type CandidateScope = 'own' | 'in-batch' | 'batch';

/**
 * A block of rows, one query each, row-major [rows, columns].
 * A row-wise loss may be given any block of rows at a time; a batch-level loss gets all rows at once.
 */
export interface LossBlock {
  readonly rows: number;
  readonly columns: number;
  /** sim(query, passage), untempered. */
  readonly scores: Float64Array;
  /** 1 if the passage is a candidate in the row. The positive always is. */
  readonly mask: Uint8Array;
  /** The column of each row's positive. */
  readonly positive: Int32Array;
  /** Grades; NaN where unknown. */
  readonly labels?: Float64Array | undefined;
  /** Teacher scores; NaN where unknown. */
  readonly teacher?: Float64Array | undefined;
}

export interface LossResult {
  /** The sum of the rows' losses (the caller divides by the number of queries); a batch-level loss: its value times rows. */
  readonly value: number;
  /** ∂value/∂scores, [rows, columns], 0 where masked. */
  readonly gradient: Float64Array;
}

export type LossSettings = Readonly<Record<string, number>>;

/** One number that a loss can be tuned by. */
export interface LossSetting {
  readonly default: number;
  readonly meaning: string;
  /** Exclusive lower bound. */
  readonly above?: number;
  /** Inclusive lower bound. */
  readonly atLeast?: number;
  /** A switch: 0 or 1. */
  readonly isSwitch?: true;
}

export interface LossDefinition {
  readonly name: string;
  /** Other names people know it by. */
  readonly aliases: readonly string[];
  readonly title: string;
  readonly needs: readonly LossNeeds[];
  /** Candidate scopes it makes sense with; the first is the default. */
  readonly scopes: readonly CandidateScope[];
  /** False for a loss over the whole batch at once (WS2). */
  readonly rowwise: boolean;
  readonly settings: Readonly<Record<string, LossSetting>>;
  /**
   * Settings that are not given take their defaults.
   * @throws InputError naming the setting that is unknown or out of its range.
   */
  compute(block: LossBlock, settings: LossSettings): LossResult;
}
