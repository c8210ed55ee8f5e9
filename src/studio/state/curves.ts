import type { RecipeReport } from '../../pipeline/report.ts';

/** A point of a curve: training step and value. */
export type Point = readonly [step: number, value: number];

/** What is drawn of one training. */
export interface TrainingCurves {
  readonly arm: string;
  readonly seed: number;
  readonly totalSteps: number;
  /** Of each step. */
  readonly loss: readonly Point[];
  /** nDCG@10 on the dev queries. */
  readonly dev: readonly Point[];
}

export const devMeasure = 'ndcg_cut_10';

/** Collects the curves of a run while it goes on. */
export class CurveCollector {
  readonly #trainings = new Map<
    string,
    { arm: string; seed: number; totalSteps: number; loss: Point[]; dev: Point[] }
  >();

  /** Curves come in the order in which trainings begin; of several at once any may take the first step. */
  begin(arm: string, seed: number): void {
    this.#of(arm, seed);
  }

  addLoss(arm: string, seed: number, step: number, totalSteps: number, value: number): void {
    const training = this.#of(arm, seed);
    training.totalSteps = totalSteps;
    putPoint(training.loss, step, value);
  }

  addDev(arm: string, seed: number, step: number, value: number): void {
    putPoint(this.#of(arm, seed).dev, step, value);
  }

  /** A copy, as it is now. */
  snapshot(): readonly TrainingCurves[] {
    return [...this.#trainings.values()].map((training) => ({
      ...training,
      loss: [...training.loss],
      dev: [...training.dev],
    }));
  }

  #of(arm: string, seed: number) {
    const key = JSON.stringify([arm, seed]);
    const found = this.#trainings.get(key) ?? { arm, seed, totalSteps: 0, loss: [], dev: [] };
    this.#trainings.set(key, found);
    return found;
  }
}

/** Adds a point. A training that went back to a checkpoint comes by the same steps again: the later points hold. */
export function putPoint(points: Point[], step: number, value: number): void {
  while ((points.at(-1)?.[0] ?? -1) >= step) points.pop();
  points.push([step, value]);
}

/** The curves of a finished run. */
export function curvesOfReport(report: RecipeReport): readonly TrainingCurves[] {
  return report.arms.flatMap(({ name, trainings }) =>
    trainings.map(({ seed, steps, losses, evaluations }) => ({
      arm: name,
      seed,
      totalSteps: steps,
      loss: losses.map((value, i): Point => [i + 1, value]),
      dev: evaluations.flatMap(({ step, values }): Point[] => {
        const value = values[devMeasure];
        return value === undefined ? [] : [[step, value]];
      }),
    })),
  );
}

/** At most so many points, each the mean of its neighbors: what a line of that many pixels can show. */
export function thin(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points;
  const size = points.length / most;
  return Array.from({ length: most }, (_, i): Point => {
    const part = points.slice(Math.floor(i * size), Math.floor((i + 1) * size));
    const mean = part.reduce((sum, [, value]) => sum + value, 0) / part.length;
    return [part.at(-1)?.[0] ?? 0, mean];
  });
}
