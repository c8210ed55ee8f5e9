import type { RemainingList } from './contract.ts';

/** The highest score of the list's positives, by the teacher or by the guide; undefined if none has one. */
export function positiveScore(
  { positives }: RemainingList,
  by: 'teacher' | 'guide' = 'teacher',
): number | undefined {
  let best: number | undefined;
  for (const { [by]: score } of positives) {
    if (score !== undefined && !(score <= (best ?? -Infinity))) best = score;
  }
  return best;
}

/** A number short enough for a verdict. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}
