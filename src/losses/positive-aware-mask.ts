/**
 * Which of a list's passages a teacher considers a second positive. A contrastive loss would push them away although
 * they answer the query, so they are excluded from the negatives wherever the same document occurs in the batch.
 *
 * Source: arXiv 2502.19712 (teacher > 0.6 × the positive's, on scores from 0 to 1); the same with 0.95 is
 * NV-Retriever's TopK-PercPos, arXiv 2407.15831; the margin is GISTEmbed's, arXiv 2402.16829.
 */
export interface PositiveAwareRule {
  /** A passage is removed if its teacher score is above this share of the positive's; null: off. For scores ≥ 0. */
  readonly share: number | null;
  /** A passage is removed if its teacher score is above the positive's minus this; null: off. */
  readonly margin: number | null;
}

/**
 * The passages of one list that the rule removes, as positions in the list; never the positive. A passage without
 * a teacher score stays.
 *
 * @param teacher the list's teacher scores; NaN where unknown.
 * @param positive the positive's position in the list.
 */
export function falseNegatives(
  teacher: Float64Array,
  positive: number,
  rule: PositiveAwareRule,
): readonly number[] {
  const reference = teacher[positive] ?? NaN;
  const shareBar = rule.share === null ? Infinity : rule.share * reference;
  const marginBar = rule.margin === null ? Infinity : reference - rule.margin;
  const removed: number[] = [];
  teacher.forEach((score, at) => {
    if (at !== positive && (score > shareBar || score > marginBar)) removed.push(at);
  });
  return removed;
}

/** The columns of each document. */
export type ColumnsOfDocument = ReadonlyMap<number, readonly number[]>;

export function columnsOfDocuments(documents: Int32Array): ColumnsOfDocument {
  const columns = new Map<number, number[]>();
  documents.forEach((document, column) => {
    const known = columns.get(document);
    if (known === undefined) columns.set(document, [column]);
    else known.push(column);
  });
  return columns;
}

/**
 * Removes documents from one row of a mask wherever they occur, except in the columns [keepFrom, keepTo): the
 * positive, or the whole own list of a loss that knows its grades.
 *
 * @param mask the row's mask, [columns].
 * @param removed documents: the query's known positives and those of its list that {@link falseNegatives} names.
 * @returns the number of columns removed.
 */
export function removeDocuments(
  mask: Uint8Array,
  removed: Iterable<number>,
  columnsOf: ColumnsOfDocument,
  keepFrom: number,
  keepTo: number,
): number {
  let count = 0;
  for (const document of removed) {
    for (const column of columnsOf.get(document) ?? []) {
      if ((column >= keepFrom && column < keepTo) || mask[column] === 0) continue;
      mask[column] = 0;
      count++;
    }
  }
  return count;
}
