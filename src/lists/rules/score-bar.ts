import type { PassageJudge, RemainingList } from './contract.ts';
import { positiveScore, shortNumber } from './positive-score.ts';

/**
 * Judges passages by a bar on their score that follows from the positive's: above it they go.
 * @param barOf the bar, from the score of the best positive; or why there is none
 * @param by whose score
 */
export function judgeByBar(
  list: RemainingList,
  barOf: (positive: number) => number | string,
  by: 'teacher' | 'guide' = 'teacher',
): PassageJudge {
  const positive = positiveScore(list, by);
  if (positive === undefined) return () => `skip: no positive with a ${by} score`;
  const bar = barOf(positive);
  if (typeof bar === 'string') return () => `skip: ${bar}`;
  return (at) => {
    const score = list.others[at]?.[by];
    if (score === undefined) return `skip: no ${by} score`;
    if (!(score > bar)) return 'keep';
    return `drop: ${shortNumber(score)} is above ${shortNumber(bar)} (positive ${shortNumber(positive)})`;
  };
}
