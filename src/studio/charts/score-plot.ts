import { scoreRanges, scoreText } from '../../lists/diagnostics/diagnosis-table.ts';
import { shares, type Histogram, type ScoredSource } from '../../lists/diagnostics/score-histogram.ts';

/** The teacher's scores of a source, as shares of the highest part of all sources. */
export interface ScorePlot {
  readonly source: string;
  /** From 0 to 1, of each part of the range. */
  readonly negatives: readonly number[];
  /** Of the positives of their lists; undefined where they have no scores. */
  readonly positives: readonly number[] | undefined;
  readonly low: string;
  readonly high: string;
  /** What it shows, in words. */
  readonly text: string;
}

/** Plots of the sources that a teacher scored, with one scale for all. */
export function scorePlots(sources: readonly ScoredSource[]): readonly ScorePlot[] {
  const scored = sources.flatMap(({ source, teacher, positives }) =>
    teacher === null ? [] : [{ source, teacher, positives }],
  );
  const highest = Math.max(
    ...scored.flatMap(({ teacher, positives }) => [
      ...shares(teacher),
      ...(positives === null ? [] : shares(positives)),
    ]),
  );
  const scaled = (scores: Histogram): number[] => shares(scores).map((share) => share / highest);
  return scored.map(({ source, teacher, positives }) => ({
    source,
    negatives: scaled(teacher),
    positives: positives === null ? undefined : scaled(positives),
    low: scoreText(teacher.low),
    high: scoreText(teacher.high),
    text:
      `${source}: more negatives score ${commonest(teacher)} than in any other tenth of the range` +
      (positives === null ? '' : `; of the positives, more score ${commonest(positives)}`),
  }));
}

/** The fullest part of the range: `0.20 to 0.31`. */
function commonest(scores: Histogram): string {
  return scoreRanges(scores)[scores.counts.indexOf(Math.max(...scores.counts))] ?? '';
}
