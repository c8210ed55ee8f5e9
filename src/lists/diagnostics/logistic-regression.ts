import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { exp } from '../../core/exact-math.ts';

/** Weights of the features, and last the intercept. */
export type LogisticModel = Float64Array;

/** Newton's method is at its end where no weight moves by more. */
const SMALLEST_MOVE = 1e-8;
const MOST_ROUNDS = 50;

/**
 * Logistic regression with an L2 penalty, the intercept free of it: minimizes Σ log(1 + exp(−y·z)) + ‖w‖² · penalty / 2
 * by Newton's method, which comes to the one minimum there is.
 *
 * @param features [rows × width], row-major; of about equal scale
 * @param isMember 1 or 0 for each row
 */
export function fitLogistic(
  features: Float64Array,
  width: number,
  isMember: Uint8Array,
  penalty = 1,
): LogisticModel {
  const rows = isMember.length;
  const model = new Float64Array(width + 1);
  const withOne = new Matrix(rows, width + 1);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < width; j++) withOne.set(row, j, features[row * width + j] as number);
    withOne.set(row, width, 1);
  }
  const transposed = withOne.transpose();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const chances = Float64Array.from({ length: rows }, (_, row) =>
      chanceOf(model, features.subarray(row * width, (row + 1) * width)),
    );
    const gradient = transposed.mmul(
      Matrix.columnVector(chances.map((chance, row) => chance - (isMember[row] as number))),
    );
    const weighted = withOne.clone();
    chances.forEach((chance, row) => weighted.mulRow(row, Math.sqrt(Math.max(chance * (1 - chance), 1e-9))));
    // The square of one matrix is symmetric to the last bit.
    const curvature = weighted.transpose().mmul(weighted);
    for (let j = 0; j < width; j++) {
      gradient.set(j, 0, gradient.get(j, 0) + penalty * (model[j] as number));
      curvature.set(j, j, curvature.get(j, j) + penalty);
    }
    const step = new CholeskyDecomposition(curvature).solve(gradient);
    let largest = 0;
    for (let j = 0; j <= width; j++) {
      model[j] = (model[j] as number) - step.get(j, 0);
      largest = Math.max(largest, Math.abs(step.get(j, 0)));
    }
    if (largest < SMALLEST_MOVE) break;
  }
  return model;
}

/** The chance that a row is a member. */
export function chanceOf(model: LogisticModel, row: Float64Array): number {
  let z = model[row.length] as number;
  for (let j = 0; j < row.length; j++) z += (model[j] as number) * (row[j] as number);
  return 1 / (1 + exp(-z));
}
