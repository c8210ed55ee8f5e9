import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openRuntime, type OpenedRuntime } from '../../../src/host/browser/runtime.ts';
import { OutOfMemoryError } from '../../../src/core/errors.ts';
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
    const spy = vi.spyOn(GPUAdapter.prototype, 'requestDevice');
    opened = await openRuntime({ device: 'webgpu' });
    device = (await spy.mock.results[0]!.value) as GPUDevice;
    spy.mockRestore();
  });
  afterAll(() => opened.runtime.close());

  it('by a warm training step of several micro-batches: two waits, no new buffer', async () => {
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
      lengthLadder: [4],
      tokensPerMicroBatch: 8,
      launchTokens: 1,
      activationBytes: 2 ** 30,
    });
    const counts = [];
    for (let step = 1; step <= 4; step++) {
      const before = gpuCalls();
      const texts = [1, 2, 3, 4, 5, 6].map((i) => Int32Array.of(2, 5 + i, 7 + ((i * step) % 50), 3));
      await cache.run(
        { queries: texts.slice(0, 3), passages: texts.slice(3) },
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
  }, 120_000);

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
    await expect(refusal).rejects.toThrow(/doubled: the GPU is out of memory \(no bytes left\)/);
    expect(await run()).toEqual(expected);
    await session.release();
  });
});
