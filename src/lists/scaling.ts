import type { ListDocument, ListRecord } from '../corpus/types.ts';
import { percentile } from './percentile.ts';
import { groupOf, scoresByGroup, type ScoreGroup } from './score-groups.ts';

export interface ScalingOptions {
  readonly group: ScoreGroup;
  /** The percentile that becomes 0; 1 by default. */
  readonly low?: number;
  /** The percentile that becomes 1; 99 by default. */
  readonly high?: number;
}

/** The scores that become 0 and 1. */
export interface ScoreRange {
  readonly low: number;
  readonly high: number;
}

/** (score − low) / (high − low), clipped to [0, 1]; 1 where the range is empty and the score not below it. */
export function scaleScore(score: number, { low, high }: ScoreRange): number {
  if (high <= low) return score < low ? 0 : 1;
  return Math.min(1, Math.max(0, (score - low) / (high - low)));
}

/** The range between two percentiles (by linear interpolation) of ascending scores, at least one. */
export function percentileRange(ascending: Float64Array, low = 1, high = 99): ScoreRange {
  return { low: percentile(ascending, low), high: percentile(ascending, high) };
}

/**
 * Brings teacher scores to [0, 1] by the 1st and 99th percentile of their group, with clipping, as arXiv 2502.19712
 * does (there a group is a file of one corpus, query type and retriever). The teacher's own score stays with each
 * passage as `teacher_raw`, and what is scaled already is scaled anew from it: running this again with another
 * group gives what it would have given at first. Passages without a score stay without.
 */
export function scaleTeacherScores(
  lists: readonly ListRecord[],
  { group, low = 1, high = 99 }: ScalingOptions,
): readonly ListRecord[] {
  const nameOf = (list: ListRecord): string => groupOf(list, group);
  const ranges = new Map(
    [...scoresByGroup(lists, nameOf, rawScore)].map(([name, scores]) => [
      name,
      percentileRange(scores, low, high),
    ]),
  );
  return lists.map((list) => {
    const range = ranges.get(nameOf(list));
    return range === undefined
      ? list
      : { ...list, documents: list.documents.map((document) => scaled(document, range)) };
  });
}

/** The lists with the teacher's own scores, whatever was done to them. */
export function withRawScores(lists: readonly ListRecord[]): readonly ListRecord[] {
  return lists.map((list) => ({
    ...list,
    documents: list.documents.map(({ teacher_raw: raw, ...document }) =>
      raw === undefined ? document : { ...document, teacher: raw },
    ),
  }));
}

function rawScore({ teacher, teacher_raw: raw }: ListDocument): number | undefined {
  return raw ?? teacher;
}

function scaled(document: ListDocument, range: ScoreRange): ListDocument {
  const raw = rawScore(document);
  return raw === undefined ? document : { ...document, teacher: scaleScore(raw, range), teacher_raw: raw };
}
