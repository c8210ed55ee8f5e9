import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRuntime } from '../../../src/host/browser/runtime.ts';
import type { DeviceTensor, Runtime } from '../../../src/host/contract.ts';
import { RandomStream } from '../../../src/core/random.ts';
import {
  adamWProgram,
  createUpdateSession,
  defaultAdamW,
  scalarNames,
  updateScalars,
} from '../../../src/training/optimizer.ts';
import { testRepeats } from '../../../src/training/repeat-test.ts';
import { checkGradients, checksOf } from '../../encoders/check-gradients.ts';
import { poolingWeights, readGoldenEncoder } from '../../encoders/golden-encoder.ts';
import { checkHandMade, handMadeCases } from '../../graph/hand-made.ts';
import { checkOnRuntime, labeledCases } from '../../graph/run-case.ts';
import { describeOnBrowserGpu } from '../../support/browser/webgpu.ts';
import { goldenModel } from '../../training/hundred-steps.ts';
import { checkRestoreClearsGradients } from '../../training/restored-gradients.ts';
import { checkReadTogether } from '../read-together.ts';
import { addedProduct, doubled } from '../runtime-models.ts';
import { countBuffers } from './counting-steps.ts';

describeOnBrowserGpu('the runtime on WebGPU in Chromium', () => {
  const liveBuffers = countBuffers();
  let runtime: Runtime;
  beforeAll(async () => {
    ({ runtime } = await openRuntime({ device: 'webgpu' }));
  });
  afterAll(() => runtime.close());

  const vector = (...values: number[]): DeviceTensor =>
    runtime.tensor('float32', [values.length], Float32Array.from(values));
  const floats = async (tensor: DeviceTensor): Promise<Float32Array> =>
    (await runtime.read(tensor)) as Float32Array;

  // One case of each operation: each compiles its shaders in software.
  const sample = [...new Map(labeledCases.map((labeled) => [labeled.golden.op, labeled])).values()];
  it.each(sample)('computes $label', ({ golden }) => checkOnRuntime(runtime, golden, 1e-4));
  it.each(handMadeCases)('computes: $name', (example) => checkHandMade(runtime, example));

  it('has the gradients of PyTorch', async () => {
    const encoder = readGoldenEncoder('tiny-bert');
    await checkGradients(runtime, encoder, checksOf(encoder, poolingWeights)[0]!.check);
  });

  it.each([
    ['float32', Float32Array.of(1.5, -0, Infinity, 2 ** -126, -3, 7)],
    ['int32', Int32Array.of(1, -1, 2 ** 31 - 1, -(2 ** 31), 16777217, 0)],
    ['int64', BigInt64Array.of(1n, -1n, 2n ** 31n, -(2n ** 40n), 2n ** 62n + 1n, 0n)],
    ['bool', Uint8Array.of(1, 0, 0, 1, 1, 0)],
  ] as const)('brings %s to the GPU and back as it was', async (dataType, data) => {
    const before = liveBuffers();
    const uploaded = await runtime.upload(runtime.tensor(dataType, [2, 3], data));
    expect(uploaded).toMatchObject({ dataType, dims: [2, 3] });
    expect(runtime.hostMemory(uploaded)).toBeUndefined();
    expect(await runtime.read(uploaded)).toEqual(data);
    expect(await runtime.upload(uploaded)).toBe(uploaded);
    expect(liveBuffers()).toBe(before + 1);
    uploaded.dispose();
    uploaded.dispose();
    expect(liveBuffers()).toBe(before);
    await expect(runtime.read(uploaded)).rejects.toThrow('the tensor was disposed of');
  });

  it('reads several tensors at once', () => checkReadTogether(runtime));

  it('keeps outputs on the GPU, and consumes recycled tensors', async () => {
    const session = await runtime.createSession(addedProduct(), { name: 'added product' });
    const matrix = (dims: number[], values: number[]): DeviceTensor =>
      runtime.tensor('float32', dims, Float32Array.from(values));
    const inputs = { a: matrix([3, 2], [1, 2, 3, 4, 5, 6]), b: matrix([3, 2], [1, 0, 0, 1, 1, 1]) };
    const earlier = await runtime.upload(matrix([2, 2], [100, 200, 300, 400]));
    const { sum: once } = await session.run({ ...inputs, earlier }, { sum: earlier });
    expect(runtime.hostMemory(once!)).toBeUndefined();
    const { sum: twice } = await session.run({ ...inputs, earlier: once! }, { sum: once! });
    expect(await floats(twice!)).toEqual(Float32Array.of(112, 216, 316, 420));
    await expect(session.run({ ...inputs, earlier })).rejects.toThrow('the tensor was disposed of');
    twice!.dispose();
    await session.release();
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

  it('names the GPU in its fingerprint', () => {
    expect(runtime.fingerprint).toMatchObject({
      runtime: expect.stringMatching(/^onnxruntime-web 1\.30\.0 (jspi|asyncify)$/) as string,
      device: 'webgpu',
      adapter: expect.stringMatching(/./) as string,
      browser: navigator.userAgent,
    });
  });

  it('clears gradients when a training is restored', () => checkRestoreClearsGradients(runtime));

  it('repeats a step to the bit', async () => {
    const model = goldenModel();
    const result = await testRepeats(runtime, model.encoder, model.weights, {
      lengthLadder: [8],
      tokensPerMicroBatch: 64,
      activationBytes: 2 ** 30,
      trainable: [...model.weights.keys()],
      repeats: 2,
    });
    expect(result).toEqual({ repeats: true, differing: [] });
  });

  it('updates by a kernel as by a graph: equal to 1e-6 over 50 steps, one past a workgroup', async () => {
    const settings = { ...defaultAdamW, weightDecay: 0.1 };
    const sizes = { decayed: 1025, plain: 256, one: 1 };
    const random = new RandomStream(9, 'kernel');
    const numbers = (length: number): Float32Array<ArrayBuffer> =>
      Float32Array.from({ length }, () => random.normal());
    const entries = Object.entries(sizes).map(([name, size]) => ({
      name,
      shape: [size],
      decayed: name === 'decayed',
    }));
    const kernel = await runtime.createKernel!(adamWProgram);
    const session = await runtime.createSession(...(await updateModel()));
    async function updateModel(): Promise<Parameters<Runtime['createSession']>> {
      let taken: Parameters<Runtime['createSession']> | undefined;
      const createSession: Runtime['createSession'] = (...args) => {
        taken = args;
        return Promise.resolve({} as never);
      };
      await createUpdateSession({ createSession }, settings, entries, true);
      return taken!;
    }
    const upload = (data: Float32Array<ArrayBuffer>): Promise<DeviceTensor> =>
      runtime.upload(runtime.tensor('float32', [data.length], data));
    const kinds = ['w', 'm', 'v'] as const;
    const byGraph: Record<string, DeviceTensor> = {};
    const byKernel: Record<string, DeviceTensor> = {};
    for (const { name, shape } of entries) {
      const start = numbers(shape[0]!);
      for (const kind of kinds) {
        const data = (): Float32Array<ArrayBuffer> => (kind === 'w' ? start : new Float32Array(start.length));
        byGraph[`${kind}.${name}`] = await upload(data());
        byKernel[`${kind}.${name}`] = await upload(data());
      }
    }
    for (let step = 1; step <= 50; step++) {
      const scalars = updateScalars(settings, 0.01, step, 1.5);
      const gradients = new Map(entries.map(({ name, shape }) => [name, numbers(shape[0]!)]));
      const inputs: Record<string, DeviceTensor> = { ...byGraph };
      for (const name of scalarNames) inputs[name] = vector(scalars[name]);
      for (const [name, gradient] of gradients)
        inputs[`g.${name}`] = runtime.tensor('float32', [gradient.length], gradient);
      const outputs = await session.run(inputs);
      const sets = [];
      for (const { name, decayed } of entries) {
        const g = await upload(gradients.get(name)!);
        sets.push({
          arrays: { g, w: byKernel[`w.${name}`]!, m: byKernel[`m.${name}`]!, v: byKernel[`v.${name}`]! },
          scalars: {
            ...scalars,
            beta1: settings.beta1,
            beta2: settings.beta2,
            decayFactor: decayed ? scalars.decayFactor : 1,
          },
        });
        for (const kind of kinds) {
          byGraph[`${kind}.${name}`]!.dispose();
          byGraph[`${kind}.${name}`] = outputs[`new_${kind}.${name}`]!;
        }
        outputs[`zero.${name}`]!.dispose();
      }
      await kernel.run(sets);
      for (const { arrays } of sets) {
        if (step === 50) expect((await floats(arrays.g)).every((value) => value === 0)).toBe(true);
        arrays.g.dispose();
      }
    }
    for (const { name } of entries) {
      for (const kind of kinds) {
        const expected = await floats(byGraph[`${kind}.${name}`]!);
        const actual = await floats(byKernel[`${kind}.${name}`]!);
        const scale = Math.max(...expected.map(Math.abs));
        expected.forEach((value, i) => {
          expect(Math.abs(actual[i]! - value), `${kind}.${name}[${i}]`).toBeLessThanOrEqual(1e-6 * scale);
        });
      }
    }
    for (const tensor of [...Object.values(byGraph), ...Object.values(byKernel)]) tensor.dispose();
    await session.release();
  });

  it('refuses arrays of different lengths for one kernel run', async () => {
    const kernel = await runtime.createKernel!(adamWProgram);
    const [long, short] = [await runtime.upload(vector(1, 2)), await runtime.upload(vector(1))];
    const arrays = { w: long, g: short, m: long, v: long };
    expect(() => kernel.run([{ arrays, scalars: {} }])).toThrow('the arrays differ in length');
    long.dispose();
    short.dispose();
  });
});
