import { InputError } from '../../core/errors.ts';
import type { Mix, MixedSource } from './mix.ts';

/**
 * A source's weight at a step: 0 before its first and after its last, between them on a straight line.
 * @param step from 0
 */
export function weightAt(source: MixedSource, step: number, totalSteps: number): number {
  const { weight, endWeight = weight } = source;
  const first = (source.firstStep ?? 1) - 1;
  const last = Math.min(source.lastStep ?? totalSteps, totalSteps) - 1;
  if (step < first || step > last) return 0;
  return last === first ? weight : weight + ((endWeight - weight) * (step - first)) / (last - first);
}

/**
 * How many rows each source gives to each step. Nothing is drawn: what each source is behind its share of all rows
 * so far decides, so that shares are kept to a row at every step (same-source batches: to a batch).
 *
 * @returns for each source the rows of each step
 * @throws InputError if there is a step at which no source takes part
 */
export function rowsOfSteps(mix: Mix, batchSize: number, totalSteps: number): readonly Int32Array[] {
  const { sources } = mix;
  const rows = sources.map(() => new Int32Array(totalSteps));
  /** Rows that a source is behind its share. */
  const behind = new Float64Array(sources.length);
  for (let step = 0; step < totalSteps; step++) {
    const weights = sources.map((source) => weightAt(source, step, totalSteps));
    const sum = weights.reduce((all, weight) => all + weight, 0);
    if (!(sum > 0)) {
      throw new InputError(`no source of the mix has a weight above 0 at step ${step + 1} of ${totalSteps}`, {
        remedy: 'Set a weight above 0 for a source there, or remove first and last steps',
      });
    }
    weights.forEach((weight, i) => (behind[i] = (behind[i] as number) + (batchSize * weight) / sum));
    const atOnce = mix.batches === 'same-source' ? batchSize : 1;
    for (let given = 0; given < batchSize; given += atOnce) {
      const next = furthestBehind(behind, weights);
      const ofSource = rows[next] as Int32Array;
      ofSource[step] = (ofSource[step] as number) + atOnce;
      behind[next] = (behind[next] as number) - atOnce;
    }
  }
  return rows;
}

/** The active source that is furthest behind its quota; the first of equals. */
function furthestBehind(behind: Float64Array, weights: readonly number[]): number {
  let next = -1;
  weights.forEach((weight, i) => {
    if (weight > 0 && (next < 0 || (behind[i] as number) > (behind[next] as number) + 1e-9)) next = i;
  });
  return next;
}
