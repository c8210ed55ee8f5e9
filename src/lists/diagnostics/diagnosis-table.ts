import type { SourceDiagnosis } from './diagnose.ts';
import { shares, type Histogram, type ScoredSource } from './score-histogram.ts';

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
  ['judged', ({ accidentalRelevance }) => accidentalRelevance?.judged],
  ['false-negative rate', ({ accidentalRelevance }) => accidentalRelevance?.rate],
  ['gradient share', ({ gradient }) => gradient?.share],
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

/**
 * Which share of each source's negatives, and of the positives of their lists, scores how high, by tenths of the range
 * of all; undefined where nobody scored. The first row is the header.
 */
export function scoreRows(sources: readonly ScoredSource[]): readonly (readonly string[])[] | undefined {
  const rows = sources.flatMap(({ source, teacher, positives }) => [
    ...(teacher === null ? [] : [[source, 'negatives', teacher] as const]),
    ...(teacher === null || positives === null ? [] : [[source, 'positives', positives] as const]),
  ]);
  const [first] = rows;
  if (first === undefined) return undefined;
  return [
    ['source', 'passages', ...scoreRanges(first[2])],
    ...rows.map(([source, which, scores]) => [source, which, ...shares(scores).map(percent)]),
  ];
}

/** The parts of a histogram's range: `0.20 to 0.31`. */
export function scoreRanges({ low, high, counts }: Histogram): string[] {
  const edge = (i: number): string => scoreText(low + ((high - low) * i) / counts.length);
  return counts.map((_, i) => `${edge(i)} to ${edge(i + 1)}`);
}

export function scoreText(score: number): string {
  return score.toFixed(2).replace('-', '−');
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
