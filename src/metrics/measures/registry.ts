import { InputError } from '../../core/errors.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { averagePrecision, averagePrecisionAtCutoff } from './average-precision.ts';
import { bpref } from './bpref.ts';
import { relevantCount, relevantRetrievedCount, retrievedCount } from './counts.ts';
import type { Measure } from './measure.ts';
import { ndcg, ndcgAtCutoff } from './ndcg.ts';
import { precision } from './precision.ts';
import { rPrecision } from './r-precision.ts';
import { recall } from './recall.ts';
import { reciprocalRank } from './reciprocal-rank.ts';
import { success } from './success.ts';
import { own } from '../../core/own.ts';

/** All measures in trec_eval's order. A new one is another file in this folder and a line here. */
export const measures: readonly Measure[] = [
  retrievedCount,
  relevantCount,
  relevantRetrievedCount,
  averagePrecision,
  rPrecision,
  bpref,
  reciprocalRank,
  precision,
  recall,
  ndcg,
  ndcgAtCutoff,
  averagePrecisionAtCutoff,
  success,
];

/** Other common names of trec_eval's measures. */
const aliases: Readonly<Record<string, string>> = {
  ap: 'map',
  'map@': 'map_cut',
  mrr: 'recip_rank',
  rr: 'recip_rank',
  'ndcg@': 'ndcg_cut',
  'p@': 'P',
  'precision@': 'P',
  'recall@': 'recall',
  'r@': 'recall',
  'success@': 'success',
};

/** A measure with the cut-offs that were asked for. */
export interface RequestedMeasure {
  readonly measure: Measure;
  /** Ascending, without repeats; empty for a measure without cut-offs. */
  readonly cutoffs: readonly number[];
}

/** The names of a request's values: `ndcg_cut_10`, `map`. */
export function measureNames({ measure, cutoffs }: RequestedMeasure): readonly string[] {
  return measure.cutoffs === undefined
    ? [measure.name]
    : cutoffs.map((cutoff) => `${measure.name}_${cutoff}`);
}

/** Every measure with its own cut-offs. */
export function allMeasures(): readonly RequestedMeasure[] {
  return measures.map((measure) => ({ measure, cutoffs: measure.cutoffs ?? [] }));
}

/**
 * Reads a list of measures: `ndcg_cut_10`, `ndcg_cut.10,20`, `P_5`, `map`, a family's name for all its cut-offs,
 * or `ndcg@10`, `mrr`. In a list a bare number is one more cut-off of the measure before it, as in trec_eval.
 * @throws InputError naming the measures there are.
 */
export function parseMeasures(text: string): readonly RequestedMeasure[] {
  const requested: RequestedMeasure[] = [];
  for (const part of text.split(',').map((item) => item.trim())) {
    const last = requested.at(-1);
    if (/^\d+$/.test(part) && last?.measure.cutoffs !== undefined) {
      requested[requested.length - 1] = withCutoff(last, parseCutoff(part, text));
    } else {
      requested.push(parseMeasure(part));
    }
  }
  return requested;
}

function parseMeasure(text: string): RequestedMeasure {
  // Families without a number first: `ndcg_cut` must not be read as `ndcg` with the cut-off "cut".
  const family = find(text);
  if (family !== undefined) return { measure: family, cutoffs: family.cutoffs ?? [] };
  const match = /^(.+?)([_.@])(\d+)$/.exec(text);
  if (match !== null) {
    const [, name = '', separator = '', cutoff = ''] = match;
    const measure = find(separator === '@' ? `${name}@` : name);
    if (measure?.cutoffs !== undefined) return { measure, cutoffs: [parseCutoff(cutoff, text)] };
  }
  const known = measures.map(({ name, cutoffs }) => (cutoffs === undefined ? name : `${name}_K`));
  const nearest = nearestName(text.replace(/\d+$/, 'K'), known);
  const suggestion = nearest === undefined ? '' : `Did you mean ${nearest}? `;
  throw new InputError(`there is no measure "${text}"`, {
    remedy: `${suggestion}Choose from ${known.join(', ')}`,
  });
}

function find(name: string): Measure | undefined {
  const wanted = own(aliases, name.toLowerCase()) ?? name;
  return measures.find((measure) => measure.name === wanted);
}

function parseCutoff(digits: string, text: string): number {
  const cutoff = Number(digits);
  if (cutoff < 1 || !Number.isSafeInteger(cutoff)) {
    throw new InputError(`the cut-off in "${text}" is ${digits}`, { remedy: 'Use a cut-off of 1 or more' });
  }
  return cutoff;
}

function withCutoff({ measure, cutoffs }: RequestedMeasure, cutoff: number): RequestedMeasure {
  return { measure, cutoffs: [...new Set([...cutoffs, cutoff])].sort((a, b) => a - b) };
}
