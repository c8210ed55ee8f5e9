/**
 * A value of a measure as C's `%.4f` prints it. `toFixed` differs where the fifth digit is an exact 5 and nothing
 * follows: it rounds up, C rounds to the even digit. With four digits that happens for odd multiples of 1/32 only.
 */
export function formatValue(value: number): string {
  if (Math.abs((value * 32) % 2) !== 1) return value.toFixed(4);
  const units = Math.floor(value * 10_000);
  return ((units % 2 === 0 ? units : units + 1) / 10_000).toFixed(4);
}

/** A line of trec_eval's output: the measure, the query (`all` for averages), the value. */
export function formatTrecEvalLine(measure: string, query: string, value: string): string {
  return `${measure.padEnd(22)}\t${query}\t${value}`;
}
