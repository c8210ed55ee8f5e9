import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRuntime, type OpenedRuntime } from '../../../src/host/browser/runtime.ts';
import type { DeviceTensor, Runtime } from '../../../src/host/contract.ts';
import { ResourceError } from '../../../src/core/errors.ts';
import { testRepeats } from '../../../src/training/repeat-test.ts';
import { checkGradients, checksOf } from '../../encoders/check-gradients.ts';
import { poolingWeights, readGoldenEncoder } from '../../encoders/golden-encoder.ts';
import { checkHandMade, handMadeCases } from '../../graph/hand-made.ts';
import { checkOnRuntime, labeledCases } from '../../graph/run-case.ts';
import { goldenModel } from '../../training/hundred-steps.ts';
import { checkRestoreClearsGradients } from '../../training/restored-gradients.ts';
import { addedProduct, doubled } from '../runtime-models.ts';

describe('the runtime on WASM in Chromium', () => {
  let opened: OpenedRuntime;
  let runtime: Runtime;
  beforeAll(async () => {
    opened = await openRuntime({ device: 'auto', threads: 2 });
    runtime = opened.runtime;
  });
  afterAll(() => runtime.close());

  const vector = (...values: number[]): DeviceTensor =>
    runtime.tensor('float32', [values.length], Float32Array.from(values));

  it('is what `auto` takes where software plays the GPU, and says so', () => {
    expect(runtime).toMatchObject({ device: 'wasm', threads: 2 });
    expect(opened.withoutGpu).toMatch(/software|no GPU|no WebGPU/);
    expect(runtime.fingerprint).toEqual({
      runtime: 'onnxruntime-web 1.30.0',
      device: 'wasm',
      threads: '2',
    });
  });

  it.each(labeledCases)('computes $label', ({ golden }) => checkOnRuntime(runtime, golden, 1e-5));
  it.each(handMadeCases)('computes: $name', (example) => checkHandMade(runtime, example));

  const encoder = readGoldenEncoder('tiny-bert');
  it.each(checksOf(encoder, poolingWeights))('has the gradients of PyTorch, $name', async ({ check }) => {
    await checkGradients(runtime, encoder, check);
  });

  it('runs what is asked for at the same time one after the other', async () => {
    const sessions = await Promise.all(
      ['first', 'second'].map((name) => runtime.createSession(doubled(2), { name })),
    );
    const answers = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const { y } = await sessions[i % 2]!.run({ x: vector(i, 1), b: vector(0, i) });
        return [...(await runtime.read(y!))];
      }),
    );
    expect(answers).toEqual(Array.from({ length: 8 }, (_, i) => [2 * i, 2 + i]));
    for (const session of sessions) await session.release();
  });

  it('writes an output into the memory of a recycled tensor, a view too', async () => {
    const session = await runtime.createSession(doubled(2), { name: 'doubled' });
    const whole = Float32Array.of(9, 9, 9, 9);
    const view = runtime.tensor('float32', [2], whole.subarray(1, 3));
    const { y } = await session.run({ x: vector(1, 2), b: vector(0, 1) }, { y: view });
    expect(y).toBe(view);
    expect(whole).toEqual(Float32Array.of(9, 2, 5, 9));
    await session.release();
  });

  it('updates in place what is input and output', async () => {
    const session = await runtime.createSession(addedProduct(), { name: 'added product' });
    const matrix = (dims: number[], values: number[]): DeviceTensor =>
      runtime.tensor('float32', dims, Float32Array.from(values));
    const inputs = { a: matrix([3, 2], [1, 2, 3, 4, 5, 6]), b: matrix([3, 2], [1, 0, 0, 1, 1, 1]) };
    const sum = matrix([2, 2], [100, 200, 300, 400]);
    for (let i = 0; i < 2; i++) await session.run({ ...inputs, earlier: sum }, { sum });
    expect(runtime.hostMemory(sum)).toEqual(Float32Array.of(112, 216, 316, 420));
    await session.release();
  });

  it('goes on after a run that fails', async () => {
    const session = await runtime.createSession(doubled(2), { name: 'doubled' });
    await expect(session.run({ x: vector(1, 2, 3), b: vector(0, 0) })).rejects.toThrow();
    const { y } = await session.run({ x: vector(1, 2), b: vector(0, 1) });
    expect(await runtime.read(y!)).toEqual(Float32Array.of(2, 5));
    await expect(session.run({ x: vector(1, 2) })).rejects.toThrow('doubled: no value for input b');
    await session.release();
    await expect(session.run({ x: vector(1, 2), b: vector(0, 1) })).rejects.toThrow('run after release');
  });

  it('refuses what does not fit into memory', async () => {
    const asked = runtime.createSession(doubled(2), { name: 'a large graph', memoryBytes: 2 ** 50 });
    await expect(asked).rejects.toBeInstanceOf(ResourceError);
  });

  it('has one number of threads for the life of a worker', async () => {
    await expect(openRuntime({ device: 'wasm', threads: 3 })).rejects.toThrow(
      'this worker computes with 2 threads: open another for 3',
    );
  });

  it('clears gradients when a training is restored', () => checkRestoreClearsGradients(runtime));

  it('repeats to the bit', async () => {
    const model = goldenModel();
    const result = await testRepeats(runtime, model.encoder, model.weights, {
      lengthLadder: [8],
      tokensPerMicroBatch: 64,
      activationBytes: 2 ** 30,
      trainable: [...model.weights.keys()],
    });
    expect(result).toEqual({ repeats: true, differing: [] });
  });
});
