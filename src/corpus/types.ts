/** One passage of a corpus. */
export interface Document {
  readonly id: string;
  /** Empty where the corpus has none. */
  readonly title: string;
  readonly text: string;
}

/** Who made a query that nobody asked: a language model wrote it, or it was extracted from a passage. */
export type QueriesBy = 'model' | 'extract';

export interface Query {
  readonly id: string;
  readonly text: string;
  /** Undefined where people asked it, or nothing is known. */
  readonly by?: QueriesBy;
}

/** Graded judgments: query id → document id → grade. */
export type Judgments = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Who proposed a passage: `gold`, `bm25`, `dense`, a generator's name … */
export type Source = string;

/** A passage in a training list, with its history. */
export interface ListDocument {
  readonly id: string;
  readonly text: string;
  /** Graded relevance; a positive has a label above 0. */
  readonly label?: number;
  /** The teacher's score, raw or scaled: what losses and filter rules read. */
  readonly teacher?: number;
  /** The teacher's own score, where `teacher` holds a scaled one. */
  readonly teacher_raw?: number;
  /** A second encoder's score, by which rules detect false negatives; losses do not read it. */
  readonly guide?: number;
  /** Label by a language model, from 0 (irrelevant) to 3 (the exact answer). */
  readonly model_label?: number;
  /** Label by a person. */
  readonly hand_label?: number;
  readonly source: Source;
  /**
   * The prompt, `ID@VERSION`, with which a language model generated the passage; for an existing positive, the one with
   * which it generated the query.
   */
  readonly prompt?: string;
  /** 1-based rank in the list of its source. */
  readonly rank?: number;
  /** 1-based rank in each retriever's list that contains it, if `source` and `rank` are not enough. */
  readonly ranks?: Readonly<Record<Source, number>>;
  /** The verdict of each filter rule. */
  readonly verdicts?: Readonly<Record<string, string>>;
}

/** One query with its candidate passages: the unit of training. One JSON line each in a list file. */
export interface ListRecord {
  readonly query_id: string;
  readonly query: string;
  /** What kind of query it is, where a prompt asked for kinds: questions, claims, keywords … */
  readonly query_type?: string;
  /** Short texts each of which answers the query, wherever they occur. */
  readonly answers?: readonly string[];
  /** Which of the sources of a mix the list is from. */
  readonly origin?: string;
  readonly documents: readonly ListDocument[];
}
