import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DeviceTensor, Runtime } from '../../../src/host/contract.ts';
import { openRuntime } from '../../../src/host/node/runtime.ts';
import { describeOnWebGpu } from '../../support/webgpu.ts';
import { checkReadTogether } from '../read-together.ts';
import { addedProduct, doubled } from '../runtime-models.ts';
import { checkOneRunAtATime } from './one-run.ts';

describeOnWebGpu('the runtime on WebGPU', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'webgpu' });
  });
  afterAll(() => runtime.close());

  const vector = (...values: number[]): DeviceTensor =>
    runtime.tensor('float32', [values.length], Float32Array.from(values));

  it('runs one graph at a time', () => checkOneRunAtATime(() => openRuntime({ device: 'webgpu' })));

  it.each([
    ['float32', Float32Array.of(1.5, -0, Infinity, 2 ** -126, -3, 7)],
    ['int32', Int32Array.of(1, -1, 2 ** 31 - 1, -(2 ** 31), 16777217, 0)],
    ['int64', BigInt64Array.of(1n, -1n, 2n ** 31n, -(2n ** 40n), 2n ** 62n + 1n, 0n)],
    ['bool', Uint8Array.of(1, 0, 0, 1, 1, 0)],
  ] as const)('brings %s to the GPU and back as it was', async (dataType, data) => {
    const host = runtime.tensor(dataType, [2, 3], data);
    const uploaded = await runtime.upload(host);
    expect(uploaded).not.toBe(host);
    expect(uploaded).toMatchObject({ dataType, dims: [2, 3] });
    expect(runtime.hostMemory(uploaded)).toBeUndefined();
    expect(await runtime.read(uploaded)).toEqual(data);
    expect(await runtime.upload(uploaded)).toBe(uploaded);
    uploaded.dispose();
  });

  it('reads several tensors at once', () => checkReadTogether(runtime));

  it('brings a scalar to the GPU and back', async () => {
    const uploaded = await runtime.upload(runtime.tensor('float32', [], Float32Array.of(3)));
    expect(uploaded.dims).toEqual([]);
    expect(await runtime.read(uploaded)).toEqual(Float32Array.of(3));
    uploaded.dispose();
  });

  it('keeps outputs on the GPU, where the next run takes them', async () => {
    const session = await runtime.createSession(doubled(2), { name: 'doubled' });
    const b = await runtime.upload(vector(0, 1));
    let x = await runtime.upload(vector(1, 2));
    for (let i = 0; i < 3; i++) {
      const { y } = await session.run({ x, b });
      expect(runtime.hostMemory(y!)).toBeUndefined();
      x.dispose();
      x = y!;
    }
    expect(await runtime.read(x)).toEqual(Float32Array.of(8, 23));
    await session.release();
  });

  it('consumes recycled tensors, inputs of the same run too', async () => {
    const session = await runtime.createSession(addedProduct(), { name: 'added product' });
    const matrix = (dims: number[], values: number[]): DeviceTensor =>
      runtime.tensor('float32', dims, Float32Array.from(values));
    const inputs = { a: matrix([3, 2], [1, 2, 3, 4, 5, 6]), b: matrix([3, 2], [1, 0, 0, 1, 1, 1]) };
    const earlier = await runtime.upload(matrix([2, 2], [100, 200, 300, 400]));
    const { sum: once } = await session.run({ ...inputs, earlier }, { sum: earlier });
    const { sum: twice } = await session.run({ ...inputs, earlier: once! }, { sum: once! });
    expect(await runtime.read(twice!)).toEqual(Float32Array.of(112, 216, 316, 420));
    await expect(session.run({ ...inputs, earlier })).rejects.toThrow('the tensor was disposed of');
    await expect(runtime.read(once!)).rejects.toThrow('the tensor was disposed of');
    await session.release();
  });

  it('disposes of a tensor once, however often it is asked', async () => {
    const tensor = await runtime.upload(vector(1));
    tensor.dispose();
    tensor.dispose();
    await expect(runtime.read(tensor)).rejects.toThrow('the tensor was disposed of');
  });

  it('says that a GPU computed', async () => {
    const session = await runtime.createSession(doubled(1), { name: 'doubled' });
    await session.run({ x: vector(1), b: vector(1) });
    await session.release();
    expect(runtime.fingerprint).toMatchObject({ device: 'webgpu' });
  });
});
