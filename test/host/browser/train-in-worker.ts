import { addDispatches } from '../../support/browser/gpu-dispatches.ts';
import type { TrainedSteps } from '../../training/hundred-steps.ts';
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
