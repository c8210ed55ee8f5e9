import { square } from '../../core/exact-math.ts';
import { RandomStream } from '../../core/random.ts';
import { areaUnderCurve } from './area-under-curve.ts';
import { chanceOf, fitLogistic } from './logistic-regression.ts';

/** What a probe looks at. */
export interface ProbeSample {
  /** [rows × width], row-major */
  readonly features: Float64Array;
  readonly width: number;
  /** 1 for rows of the source that is to be told from the others. */
  readonly isMember: Uint8Array;
  /** Rows of the same group (a query's passages) are never on both sides of a split. */
  readonly groups: readonly string[];
}

/** A type alias, so that it is assignable to Json. */
export type ProbeResult = Readonly<{
  /** From 0.5, the sources look alike, to 1: a student can learn "synthetic" in place of "irrelevant". */
  auc: number;
  /** The same with shuffled sources: what the method finds where there is nothing to find. */
  shuffled: number;
  rows: number;
  members: number;
}>;

/**
 * How well a source's passages can be told from the others by their features: the AUC of a logistic regression over
 * passages that it was not fitted to, by cross-validation over whole groups. Features are scaled to mean 0 and
 * deviation 1 by the rows that are fitted.
 */
export function probeSource(sample: ProbeSample, seed = 0, folds = 5): ProbeResult {
  const { isMember } = sample;
  const shuffled = new RandomStream(seed, 'shuffled sources').shuffle(isMember.slice());
  return {
    auc: crossValidated(sample, seed, folds),
    shuffled: crossValidated({ ...sample, isMember: shuffled }, seed, folds),
    rows: isMember.length,
    members: isMember.reduce((sum, member) => sum + member, 0),
  };
}

function crossValidated(sample: ProbeSample, seed: number, folds: number): number {
  const { features, width, isMember } = sample;
  const rows = isMember.length;
  const foldOf = foldsOfGroups(sample.groups, seed, folds);
  const chances = new Float64Array(rows).fill(NaN);
  for (let fold = 0; fold < folds; fold++) {
    const inside = [...foldOf.keys()].filter((row) => foldOf[row] !== fold);
    const outside = [...foldOf.keys()].filter((row) => foldOf[row] === fold);
    if (inside.length === 0 || outside.length === 0) continue;
    const scale = scaleOf(features, width, inside);
    const model = fitLogistic(
      scaled(features, width, inside, scale),
      width,
      Uint8Array.from(inside, (row) => isMember[row] as number),
    );
    const unseen = scaled(features, width, outside, scale);
    outside.forEach((row, i) => {
      chances[row] = chanceOf(model, unseen.subarray(i * width, (i + 1) * width));
    });
  }
  const judged = [...chances.keys()].filter((row) => !Number.isNaN(chances[row]));
  return areaUnderCurve(
    judged.map((row) => chances[row] as number),
    judged.map((row) => isMember[row] as number),
  );
}

function foldsOfGroups(groups: readonly string[], seed: number, folds: number): readonly number[] {
  const names = new RandomStream(seed, 'folds').shuffle([...new Set(groups)]);
  const places = new Map(names.map((name, i) => [name, i % folds]));
  return groups.map((group) => places.get(group) ?? 0);
}

interface Scale {
  readonly means: Float64Array;
  readonly deviations: Float64Array;
}

function scaleOf(features: Float64Array, width: number, rows: readonly number[]): Scale {
  const means = new Float64Array(width);
  const squares = new Float64Array(width);
  for (const row of rows) {
    for (let j = 0; j < width; j++) {
      const value = features[row * width + j] as number;
      means[j] = (means[j] as number) + value / rows.length;
      squares[j] = (squares[j] as number) + (value * value) / rows.length;
    }
  }
  const deviations = squares.map((meanSquare, j) =>
    Math.sqrt(Math.max(0, meanSquare - square(means[j] as number))),
  );
  return { means, deviations };
}

/** Some rows, scaled; a feature that does not vary is 0. */
function scaled(
  features: Float64Array,
  width: number,
  rows: readonly number[],
  { means, deviations }: Scale,
): Float64Array {
  const result = new Float64Array(rows.length * width);
  rows.forEach((row, i) => {
    for (let j = 0; j < width; j++) {
      const deviation = deviations[j] as number;
      const value = (features[row * width + j] as number) - (means[j] as number);
      result[i * width + j] = deviation > 1e-12 ? value / deviation : 0;
    }
  });
  return result;
}
