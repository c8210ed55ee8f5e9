import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRuntime, type OpenedRuntime } from '../../../src/host/browser/runtime.ts';
import { OutOfMemoryError } from '../../../src/host/errors.ts';
import { GradientCache } from '../../../src/training/gradient-cache.ts';
import { defaultAdamW } from '../../../src/training/optimizer.ts';
import { createParameterState } from '../../../src/training/parameter-state.ts';
import { callsBetween, gpuCalls } from '../../support/browser/gpu-calls.ts';
import { describeOnBrowserGpu } from '../../support/browser/webgpu.ts';
import { goldenModel } from '../../training/hundred-steps.ts';
import { doubled } from '../runtime-models.ts';

describeOnBrowserGpu('what is asked of the GPU', () => {
  let opened: OpenedRuntime;
  let device: GPUDevice;
  beforeAll(async () => {
    const { requestDevice } = GPUAdapter.prototype;
    GPUAdapter.prototype.requestDevice = async function (...args) {
      return (device = await requestDevice.apply(this, args));
    };
    opened = await openRuntime({ device: 'webgpu' });
    GPUAdapter.prototype.requestDevice = requestDevice;
  });
  afterAll(() => opened.runtime.close());

  it.each([2 ** 30, 0])(
    'by a warm training step of several micro-batches (activations up to %i bytes): two waits, no new buffer',
    async (activationBytes) => {
      const { encoder, weights } = goldenModel();
      const shape = { ...encoder.shape, layers: 1 };
      const trainable = [...weights.keys()].filter((name) => !name.includes('layer.1.'));
      const state = await createParameterState(
        opened.runtime,
        new Map(trainable.map((name) => [name, weights.get(name)!])),
        trainable,
        defaultAdamW,
      );
      const cache = new GradientCache(opened.runtime, { ...encoder, shape }, state, {
        lengthLadder: [4, 8],
        tokensPerMicroBatch: 16,
        launchTokens: 1,
        activationBytes,
      });
      const counts = [];
      for (let step = 1; step <= 5; step++) {
        const before = gpuCalls();
        const texts = (length: number): Int32Array[] =>
          [1, 2, 3, 4].map((i) => Int32Array.from({ length }, (_, k) => 5 + ((i * k + step) % 50)));
        await cache.run(
          { queries: texts(4), passages: texts(8) },
          (queryGradient, passageGradient) => ({ queryGradient, passageGradient }),
          step,
        );
        await state.update(1e-4, step, await state.gradientNorm());
        counts.push(callsBetween(before, gpuCalls()));
      }
      await cache.close();
      await state.close();
      const warm = counts.at(-1)!;
      expect(warm.dispatches).toBeGreaterThan(100);
      expect(warm.readbacks).toBeLessThanOrEqual(2);
      expect(warm.createdBuffers).toBe(0);
    },
    120_000,
  );

  it('is told as the end of memory where the GPU has none left, and goes on after it', async () => {
    const { runtime } = opened;
    const session = await runtime.createSession(doubled(2), { name: 'doubled' });
    const run = async (): Promise<number[]> => {
      const vector = (...values: number[]) => runtime.tensor('float32', [2], Float32Array.from(values));
      const { y } = await session.run({ x: vector(1, 2), b: vector(0, 1) });
      return [...((await runtime.read(y!)) as Float32Array)];
    };
    const expected = await run();
    const error = new GPUOutOfMemoryError('no bytes left');
    device.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error }));
    const refusal = run();
    await expect(refusal).rejects.toThrow(OutOfMemoryError);
    await expect(refusal).rejects.toThrow(/doubled: the memory of the GPU is full \(no bytes left\)/);
    expect(await run()).toEqual(expected);
    await session.release();
  });
});
