/** How many scores lie in each of equal parts of a range. A type alias, so that it is assignable to Json. */
export type Histogram = Readonly<{
  low: number;
  high: number;
  /** The last part holds its upper end as well. */
  counts: readonly number[];
}>;

/** What a teacher thinks of a source's negatives, and of the positives of their lists. A type alias, as above. */
export type ScoredSource = Readonly<{
  source: string;
  /** Null where no passage has a teacher score. */
  teacher: Histogram | null;
  /** Over the same range. */
  positives: Histogram | null;
}>;

/** @param range the same for all that are to be compared; scores outside count for the outermost parts */
export function histogram(
  scores: Iterable<number>,
  { low, high }: { readonly low: number; readonly high: number },
  parts = 10,
): Histogram {
  const counts = Array.from({ length: parts }, () => 0);
  for (const score of scores) {
    const part = high > low ? Math.floor((parts * (score - low)) / (high - low)) : 0;
    const at = Math.min(parts - 1, Math.max(0, part));
    counts[at] = (counts[at] as number) + 1;
  }
  return { low, high, counts };
}

/** Which share of all scores lies in each part; 0 everywhere where there is none. */
export function shares({ counts }: Histogram): number[] {
  const sum = counts.reduce((all, count) => all + count, 0);
  return counts.map((count) => count / Math.max(1, sum));
}
