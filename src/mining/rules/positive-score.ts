import type { RemainingList } from './contract.ts';

/** The highest teacher score of the list's positives; undefined if none has one. */
export function positiveScore({ positives }: RemainingList): number | undefined {
  let best: number | undefined;
  for (const { teacher } of positives) {
    if (teacher !== undefined && !(teacher <= (best ?? -Infinity))) best = teacher;
  }
  return best;
}

/** A number short enough for a verdict. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}
