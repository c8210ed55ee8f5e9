import type { SourceDiagnosis } from './diagnose.ts';

/** The columns of a table with a row for each source; what was not looked at has no value. */
export const diagnosisColumns: readonly (readonly [
  string,
  (source: SourceDiagnosis) => string | number | null | undefined,
])[] = [
  ['source', ({ source }) => source],
  ['passages', ({ passages }) => passages],
  ['Jaccard query', ({ jaccardQuery }) => jaccardQuery],
  ['Jaccard positive', ({ jaccardPositive }) => jaccardPositive],
  ['ROUGE-L query', ({ rougeQuery }) => rougeQuery],
  ['ROUGE-L positive', ({ rougePositive }) => rougePositive],
  ['BM25 query', ({ bm25Query }) => bm25Query],
  ['BM25 positive', ({ bm25Positive }) => bm25Positive],
  ['cosine query', ({ cosineQuery }) => cosineQuery],
  ['cosine positive', ({ cosinePositive }) => cosinePositive],
  ['length ratio', ({ lengthRatio }) => lengthRatio],
  ['distinct-1', ({ distinct1 }) => distinct1],
  ['distinct-2', ({ distinct2 }) => distinct2],
  ['relevant after all', ({ accidentalRelevance }) => accidentalRelevance?.rate],
  ['share of gradient', ({ gradient }) => gradient?.share],
  ['probe AUC', ({ probe }) => probe?.auc],
  ['AUC shuffled', ({ probe }) => probe?.shuffled],
];

/** A source's row for people: a dash where there is no value. */
export function diagnosisRow(source: SourceDiagnosis): string[] {
  return diagnosisColumns.map(([, valueOf]) => {
    const value = valueOf(source);
    if (typeof value !== 'number') return value ?? '–';
    return Number.isInteger(value) && value > 1 ? String(value) : value.toFixed(3);
  });
}
