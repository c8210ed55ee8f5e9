import { own } from '../core/own.ts';

/** `ndcg_cut_10` as people write it. */
export function metricTitle(metric: string): string {
  const [, family = metric, cutoff] = /^(.+?)_(\d+)$/.exec(metric) ?? [];
  const names: Readonly<Record<string, string>> = {
    ndcg_cut: 'nDCG',
    ndcg: 'nDCG',
    recall: 'Recall',
    map: 'MAP',
    map_cut: 'MAP',
    recip_rank: 'MRR',
    success: 'Success',
  };
  const title = own(names, family) ?? family;
  return cutoff === undefined ? title : `${title}@${cutoff}`;
}

export interface NumberStyle {
  /** After the point; 4 by default. */
  readonly digits?: number;
  /** The sign of negative numbers; a hyphen, which other programs read, by default. */
  readonly minus?: string;
}

/** A difference: with its sign, and without a minus before nothing. */
export function formatSigned(value: number, { digits = 4, minus = '-' }: NumberStyle = {}): string {
  const text = Math.abs(value).toFixed(digits);
  return `${value < 0 && Number(text) !== 0 ? minus : '+'}${text}`;
}

/** A p-value. */
export function formatP(p: number): string {
  return p < 0.0001 ? '<0.0001' : p.toFixed(4);
}

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
