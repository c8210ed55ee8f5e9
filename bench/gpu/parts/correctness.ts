/** The reference training of test/golden on WebGPU: PyTorch's losses and gradient norms, and the same bits twice. */
import {
  goldenTraining,
  largestRelativeDifference,
  trainSteps,
} from '../../../test/training/hundred-steps.ts';
import { attempt, onWebGpu, small } from './part.ts';

const tolerance = 1e-3;
const steps = small ? 5 : 20;
const repeated = small ? 2 : 3;

await onWebGpu(async (runtime) => {
  await attempt(`${steps} steps against PyTorch’s values`, 'WebGPU', async () => {
    const golden = goldenTraining();
    const { losses, gradientNorms } = await trainSteps(runtime, steps);
    const loss = largestRelativeDifference(losses, golden.loss);
    const norm = largestRelativeDifference(gradientNorms, golden.gradientNorm);
    const largest = Math.max(loss, norm);
    if (!(largest < tolerance)) {
      throw new Error(
        `losses differ by ${loss.toExponential(1)}, gradient norms by ${norm.toExponential(1)}`,
      );
    }
    return {
      value: largest.toExponential(1),
      unit: 'largest relative difference',
      note: `a small BERT of test/golden; at most ${tolerance} is right`,
      detail: { loss, gradientNorm: norm },
    };
  });
  await attempt(`${repeated} steps, done twice`, 'WebGPU', async () => {
    const [first, second] = [await trainSteps(runtime, repeated), await trainSteps(runtime, repeated)];
    const differing = [...first.weights].filter(([name, data]) =>
      data.some((value, i) => !Object.is(value, second.weights.get(name)?.[i])),
    );
    const same = differing.length === 0 && first.losses.every((loss, i) => loss === second.losses[i]);
    return {
      value: same ? 'the same bits' : `other bits in ${differing.length} of ${first.weights.size} parameters`,
      note: 'a small BERT of test/golden',
    };
  });
});
