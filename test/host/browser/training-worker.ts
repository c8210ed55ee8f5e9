/** Trains the small BERT of test/golden in a worker of its own, as the page does. */
import { openRuntime, type BrowserRuntimeOptions } from '../../../src/host/browser/runtime.ts';
import { messageOf } from '../../../src/core/errors.ts';
import { gpuDispatches } from '../../support/browser/gpu-dispatches.ts';
import { trainSteps, type TrainedSteps } from '../../training/hundred-steps.ts';

export interface TrainingRequest {
  readonly runtime: BrowserRuntimeOptions;
  readonly steps: number;
}

export type TrainingAnswer =
  | { readonly trained: TrainedSteps; readonly milliseconds: number; readonly dispatches: number }
  | { readonly error: string };

async function train({ runtime: options, steps }: TrainingRequest): Promise<TrainingAnswer> {
  const { runtime } = await openRuntime(options);
  const startedAt = performance.now();
  const trained = await trainSteps(runtime, steps);
  const milliseconds = performance.now() - startedAt;
  await runtime.close();
  return { trained, milliseconds, dispatches: gpuDispatches() };
}

self.onmessage = async ({ data }: MessageEvent<TrainingRequest>) => {
  try {
    self.postMessage(await train(data));
  } catch (error) {
    self.postMessage({ error: messageOf(error) } satisfies TrainingAnswer);
  }
};
