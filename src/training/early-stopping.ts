import { own } from '../core/own.ts';

/** One number that evaluations report and early stopping looks at. */
export interface WatchedMetric {
  readonly name: string;
  readonly better: 'higher' | 'lower';
  /** How much better counts as an improvement for the patience; 0 by default. */
  readonly minimumChange?: number;
}

export interface EarlyStoppingOptions {
  /** The first one chooses the checkpoint to keep; any of them renews the patience. */
  readonly watch: readonly [WatchedMetric, ...WatchedMetric[]];
  /** Stops after this many consecutive evaluations without improvement; null: never. */
  readonly patience: number | null;
}

/** Plain JSON, so that a checkpoint holds it. */
export type EarlyStoppingState = Readonly<{
  /** The best evaluation so far by the first metric; null before the first. */
  best: { readonly step: number; readonly value: number } | null;
  /** The value that each metric must improve on to reset the patience; absent before its first value. */
  references: Readonly<Record<string, number>>;
  evaluationsWithoutImprovement: number;
}>;

export interface EarlyStoppingDecision {
  readonly state: EarlyStoppingState;
  /** Keep this model: it is the best so far. */
  readonly isBest: boolean;
  readonly stop: boolean;
}

export const initialEarlyStopping: EarlyStoppingState = {
  best: null,
  references: {},
  evaluationsWithoutImprovement: 0,
};

/**
 * Takes an evaluation in. Evaluate the untrained model first (step 0): it is the first best, and wins if training
 * only makes things worse. A tie keeps the earlier model; a NaN is never better.
 *
 * @param values the metrics of this evaluation; must hold all that are watched.
 */
export function observeEvaluation(
  options: EarlyStoppingOptions,
  state: EarlyStoppingState,
  step: number,
  values: Readonly<Record<string, number>>,
): EarlyStoppingDecision {
  const [chosen] = options.watch;
  const value = valueOf(values, chosen);
  const isBest = !Number.isNaN(value) && (state.best === null || gain(chosen, value, state.best.value) > 0);

  const references: Record<string, number> = { ...state.references };
  let improved = false;
  for (const metric of options.watch) {
    const current = valueOf(values, metric);
    const reference = own(references, metric.name);
    if (Number.isNaN(current)) continue;
    if (reference !== undefined && gain(metric, current, reference) <= (metric.minimumChange ?? 0)) continue;
    references[metric.name] = current;
    improved = true;
  }
  const evaluationsWithoutImprovement = improved ? 0 : state.evaluationsWithoutImprovement + 1;
  return {
    state: { best: isBest ? { step, value } : state.best, references, evaluationsWithoutImprovement },
    isBest,
    stop: options.patience !== null && evaluationsWithoutImprovement >= options.patience,
  };
}

function valueOf(values: Readonly<Record<string, number>>, metric: WatchedMetric): number {
  const value = own(values, metric.name);
  if (value === undefined) throw new RangeError(`the evaluation has no ${metric.name}`);
  return value;
}

/** How much better a value is than another; negative if worse. */
function gain(metric: WatchedMetric, value: number, other: number): number {
  return metric.better === 'higher' ? value - other : other - value;
}
