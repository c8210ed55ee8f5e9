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

/**
 * Counts the GPU buffers alive, ours and ONNX Runtime's: what grows here, leaks. To be called before a device is asked for.
 */
export function countBuffers(): () => number {
  const alive = new Set<GPUBuffer>();
  const createBuffer = Reflect.get<GPUDevice, 'createBuffer'>(GPUDevice.prototype, 'createBuffer');
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    alive.add(buffer);
    return buffer;
  };
  const destroy = Reflect.get<GPUBuffer, 'destroy'>(GPUBuffer.prototype, 'destroy');
  GPUBuffer.prototype.destroy = function () {
    alive.delete(this);
    destroy.call(this);
    return undefined;
  };
  return () => alive.size;
}

declare const gc: () => void;

async function heapBytes(): Promise<number> {
  // Twice: what finalizers let go of is collected only the second time.
  for (let i = 0; i < 2; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
}

/** Trains a tiny encoder and tells what is held after two of its steps. */
export async function countingSteps(
  runtime: Runtime,
  liveBuffers: () => number,
  [earlier, later]: readonly [number, number],
): Promise<{ readonly before: Held; readonly after: Held }> {
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
  for (let step = 1; step <= later; step++) {
    const passages = [0, 1].map((i) => Int32Array.of(2, 5 + i, 7 + (step % 50), 3));
    await cache.run(
      { queries: [], passages },
      (queryGradient, passageGradient) => ({ queryGradient, passageGradient }),
      step,
    );
    await state.update(1e-4, step, await state.gradientNorm());
    if (step === earlier || step === later)
      held.push({ buffers: liveBuffers(), heapBytes: await heapBytes() });
  }
  await cache.close();
  await state.close();
  return { before: held[0]!, after: held[1]! };
}
