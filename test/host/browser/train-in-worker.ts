import { expect, it } from 'vitest';
import { addDispatches } from '../../support/browser/gpu-dispatches.ts';
import {
  goldenTraining,
  largestRelativeDifference,
  type TrainedSteps,
} from '../../training/hundred-steps.ts';
import type { TrainingAnswer, TrainingRequest } from './training-worker.ts';

/** Trains in a new module worker with an ONNX Runtime of its own. */
export async function trainInWorker(
  request: TrainingRequest,
): Promise<{ readonly trained: TrainedSteps; readonly milliseconds: number }> {
  const worker = new Worker(new URL('training-worker.ts', import.meta.url), { type: 'module' });
  try {
    const answer = await new Promise<TrainingAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<TrainingAnswer>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
      worker.postMessage(request);
    });
    if ('error' in answer) throw new Error(answer.error);
    addDispatches(answer.dispatches);
    return answer;
  } finally {
    worker.terminate();
  }
}

/** The test that so many steps on WebGPU have the losses and gradient norms of PyTorch. */
export function followsPyTorch(steps: number): void {
  it(`follows PyTorch to 1e-3 at each of ${steps} steps`, async () => {
    const golden = goldenTraining();
    const { trained } = await trainInWorker({ runtime: { device: 'webgpu' }, steps });
    expect(trained.losses).toHaveLength(steps);
    expect(largestRelativeDifference(trained.losses, golden.loss)).toBeLessThan(1e-3);
    expect(largestRelativeDifference(trained.gradientNorms, golden.gradientNorm)).toBeLessThan(1e-3);
  }, 600_000);
}
