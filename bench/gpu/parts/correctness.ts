/** The reference training of test/golden on WebGPU: PyTorch's losses and gradient norms, and the same bits twice. */
import {
  goldenTraining,
  largestRelativeDifference,
  trainSteps,
} from '../../../test/training/hundred-steps.ts';
import { attempt, onWebGpu, small } from './part.ts';

const tolerance = 1e-3;
const steps = small ? 3 : 20;
const note = 'a small BERT of test/golden';

await onWebGpu(async (runtime) => {
  const first = await trainSteps(runtime, steps);
  await attempt(`${steps} steps against PyTorch’s values`, 'WebGPU', () => {
    const golden = goldenTraining();
    const loss = largestRelativeDifference(first.losses, golden.loss);
    const gradientNorm = largestRelativeDifference(first.gradientNorms, golden.gradientNorm);
    const largest = Math.max(loss, gradientNorm);
    if (!(largest < tolerance)) {
      throw new Error(
        `losses differ by ${loss.toExponential(1)}, gradient norms by ${gradientNorm.toExponential(1)}`,
      );
    }
    return {
      value: largest.toExponential(1),
      unit: 'largest relative difference',
      note: `${note}; below ${tolerance} is right`,
      detail: { loss, gradientNorm },
    };
  });
  await attempt(`${steps} steps, done twice`, 'WebGPU', async () => {
    const second = await trainSteps(runtime, steps);
    const differing = [...first.weights].filter(([name, data]) =>
      data.some((value, i) => !Object.is(value, second.weights.get(name)?.[i])),
    );
    const same = differing.length === 0 && first.losses.every((loss, i) => loss === second.losses[i]);
    return {
      value: same ? 'the same bits' : `other bits in ${differing.length} of ${first.weights.size} parameters`,
      note,
    };
  });
});
