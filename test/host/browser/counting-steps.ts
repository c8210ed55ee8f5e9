import type { Runtime } from '../../../src/host/contract.ts';
import { GradientCache } from '../../../src/training/gradient-cache.ts';
import { defaultAdamW } from '../../../src/training/optimizer.ts';
import { createParameterState } from '../../../src/training/parameter-state.ts';
import { goldenModel } from '../../training/hundred-steps.ts';

export interface Held {
  readonly buffers: number;
  /** JavaScript's heap after a collection. */
  readonly heapBytes: number;
}

declare const gc: () => void;

function heapBytes(): number {
  gc();
  return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
}

/** Trains a tiny encoder for 200 steps and tells what is held after the 20th and the last. */
export async function countingSteps(
  runtime: Runtime,
  liveBuffers: () => number,
): Promise<{ readonly after20: Held; readonly after200: Held }> {
  const { encoder, weights } = goldenModel();
  // One layer and few parameters: software plays the GPU.
  const shape = { ...encoder.shape, layers: 1 };
  const trainable = [...weights.keys()].filter((name) => !name.includes('layer.1.'));
  const state = await createParameterState(
    runtime,
    new Map(trainable.map((name) => [name, weights.get(name)!])),
    trainable,
    defaultAdamW,
  );
  const cache = new GradientCache(runtime, { ...encoder, shape }, state, {
    lengthLadder: [4],
    tokensPerMicroBatch: 8,
    activationBytes: 2 ** 30,
  });
  const held: Held[] = [];
  for (let step = 1; step <= 200; step++) {
    const passages = [0, 1].map((i) => Int32Array.of(2, 5 + i, 7 + (step % 50), 3));
    await cache.run(
      { queries: [], passages },
      (queryGradient, passageGradient) => ({ queryGradient, passageGradient }),
      step,
    );
    await state.update(1e-4, step, await state.gradientNorm());
    if (step === 20 || step === 200) held.push({ buffers: liveBuffers(), heapBytes: heapBytes() });
  }
  await cache.close();
  await state.close();
  return { after20: held[0]!, after200: held[1]! };
}
