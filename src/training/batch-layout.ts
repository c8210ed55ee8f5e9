import { isPositive, textId, textKey } from '../corpus/text-key.ts';
import type { ListDocument, ListRecord } from '../corpus/types.ts';

/** A training list as one step uses it: the positive and the sampled other passages. */
export interface SampledList {
  readonly record: ListRecord;
  /** The passages to embed, in order; at least one. */
  readonly documents: readonly ListDocument[];
  /** The positive's place among them. */
  readonly positive: number;
}

/** A teacher's vectors of a batch, of length 1 each: the score of a pair is their dot product. */
export interface BatchTeacher {
  /** [L, dimension] */
  readonly queries: Float32Array;
  /** [P, dimension] */
  readonly passages: Float32Array;
  readonly dimension: number;
}

/**
 * The layout of a batch of L lists. The P passages of all lists are concatenated: row p of the passage embeddings is
 * the p-th of them.
 */
export interface BatchLayout {
  /** List i has the passages offsets[i] up to, not including, offsets[i + 1]. [L + 1] */
  readonly offsets: Int32Array;
  /** The passage that is list i's positive. [L] */
  readonly positive: Int32Array;
  /** Equal numbers where passages are the same document. [P] */
  readonly documents: Int32Array;
  /** Every document known to be a positive of list i's query, in the batch or not. [L] */
  readonly positiveDocuments: readonly Int32Array[];
  /** Grades; NaN where unknown. [P] */
  readonly labels: Float64Array;
  /** Teacher scores; NaN where unknown. [P] */
  readonly teacher: Float64Array;
  /** Who proposed each passage. [P] */
  readonly sources: readonly string[];
  /** What a loss reads that compares every query with every passage; its dimension is the teacher's own. */
  readonly teacherVectors?: BatchTeacher | undefined;
}

/**
 * Numbers documents: two passages get the same number if they have the same id or the same text (up to case and
 * white space). One instance serves a whole training, so that each text is looked at once.
 */
export class DocumentNumbers {
  readonly #byId = new Map<string, number>();
  readonly #byText = new Map<string, number>();

  numberOf(document: { readonly id: string; readonly text: string }): number {
    const known = this.#byId.get(document.id);
    if (known !== undefined) return known;
    const text = textId('', textKey(document.text));
    const number = this.#byText.get(text) ?? this.#byText.size;
    this.#byText.set(text, number);
    this.#byId.set(document.id, number);
    return number;
  }
}

/**
 * @param level the lowest label that makes a passage a positive of its query; any above 0 by default.
 */
export function layOutBatch(
  lists: readonly SampledList[],
  numbers: DocumentNumbers,
  level?: number,
): BatchLayout {
  const passages = lists.flatMap(({ documents }) => documents);
  const offsets = new Int32Array(lists.length + 1);
  const positive = new Int32Array(lists.length);
  const positiveDocuments = lists.map(({ record, documents, positive: place }, i) => {
    const chosen = documents[place];
    if (chosen === undefined) throw new RangeError(`list ${record.query_id}: no passage ${place}`);
    const start = offsets[i] as number;
    offsets[i + 1] = start + documents.length;
    positive[i] = start + place;
    const known = record.documents.filter((document) => isPositive(document, level));
    return Int32Array.from(new Set([chosen, ...known].map((document) => numbers.numberOf(document))));
  });
  return {
    offsets,
    positive,
    positiveDocuments,
    documents: Int32Array.from(passages, (document) => numbers.numberOf(document)),
    labels: Float64Array.from(passages, ({ label }) => label ?? NaN),
    teacher: Float64Array.from(passages, ({ teacher }) => teacher ?? NaN),
    sources: passages.map(({ source }) => source),
  };
}
