import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceTensor, Runtime } from '../../../src/host/contract.ts';
import { InputError, ResourceError } from '../../../src/core/errors.ts';
import { cudaProviderLibraries } from '../../../src/host/node/machine.ts';
import { openRuntime } from '../../../src/host/node/runtime.ts';
import { addedProduct, doubled } from '../runtime-models.ts';
import { checkOneRunAtATime } from './one-run.ts';
import { itUnless } from '../../support/skip.ts';

describe('the runtime on the Node CPU', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 2 });
  });
  afterAll(() => runtime.close());

  const vector = (...values: number[]): DeviceTensor =>
    runtime.tensor('float32', [values.length], Float32Array.from(values));

  it('runs one graph at a time', () => checkOneRunAtATime(() => openRuntime({ device: 'cpu', threads: 2 })));

  it('goes on after a run that fails', async () => {
    const session = await runtime.createSession(doubled(2), { name: 'doubled' });
    const failing = session.run({ x: vector(1, 2, 3), b: vector(0, 0) });
    const following = session.run({ x: vector(1, 2), b: vector(0, 1) });
    await expect(failing).rejects.toThrow(/x/);
    expect(await runtime.read((await following).y!)).toEqual(Float32Array.of(2, 5));
    await session.release();
  });

  it('makes zeros without data, and uses the very array that it is given', () => {
    const zeros = runtime.tensor('int64', [2, 3]);
    expect(runtime.hostMemory(zeros)).toEqual(new BigInt64Array(6));
    const data = Float32Array.of(1, 2);
    expect(runtime.hostMemory(runtime.tensor('float32', [2], data))).toBe(data);
  });

  it('leaves tensors where they are on upload and read', async () => {
    const tensor = vector(1, 2);
    expect(await runtime.upload(tensor)).toBe(tensor);
    expect(await runtime.read(tensor)).toBe(runtime.hostMemory(tensor));
  });

  it('writes an output into the memory of a recycled tensor', async () => {
    const session = await runtime.createSession(doubled(2), { name: 'doubled' });
    const used = vector(7, 7);
    const { y } = await session.run({ x: vector(1, 2), b: vector(0, 1) }, { y: used });
    expect(y).toBe(used);
    expect(runtime.hostMemory(used)).toEqual(Float32Array.of(2, 5));
    const { y: own } = await session.run({ x: vector(1, 2), b: vector(0, 1) });
    expect(own).not.toBe(used);
    await session.release();
  });

  it('recycles views of a larger array, and leaves what is around them', async () => {
    const session = await runtime.createSession(doubled(2), { name: 'doubled' });
    const whole = Float32Array.of(9, 9, 9, 9);
    const view = runtime.tensor('float32', [2], whole.subarray(1, 3));
    await session.run({ x: vector(1, 2), b: vector(0, 1) }, { y: view });
    expect(whole).toEqual(Float32Array.of(9, 2, 5, 9));
    await session.release();
  });

  it('updates in place an input that is recycled for an output computed elementwise from it', async () => {
    const session = await runtime.createSession(doubled(2), { name: 'doubled' });
    const x = vector(1, 2);
    for (let i = 0; i < 3; i++) await session.run({ x, b: vector(0, 1) }, { y: x });
    expect(runtime.hostMemory(x)).toEqual(Float32Array.of(8, 23));
    await session.release();
  });

  it('adds matrix products in place', async () => {
    const session = await runtime.createSession(addedProduct(), { name: 'added product' });
    const matrix = (dims: number[], values: number[]): DeviceTensor =>
      runtime.tensor('float32', dims, Float32Array.from(values));
    const inputs = { a: matrix([3, 2], [1, 2, 3, 4, 5, 6]), b: matrix([3, 2], [1, 0, 0, 1, 1, 1]) };
    const sum = matrix([2, 2], [100, 200, 300, 400]);
    for (let i = 0; i < 2; i++) await session.run({ ...inputs, earlier: sum }, { sum });
    // aᵀ·b = [[6, 8], [8, 10]], twice.
    expect(runtime.hostMemory(sum)).toEqual(Float32Array.of(112, 216, 316, 420));
    await session.release();
  });

  it('names a missing input, ignores further ones, and refuses tensors that are not its own', async () => {
    const session = await runtime.createSession(doubled(2), { name: 'the doubler' });
    expect(session.inputNames).toEqual(['x', 'b']);
    expect(session.outputNames).toEqual(['y']);
    const x = vector(1, 2);
    await expect(session.run({ x })).rejects.toThrow('the doubler: no value for input b');
    const { y } = await session.run({ x, b: vector(0, 0), more: vector(1) });
    expect(await runtime.read(y!)).toEqual(Float32Array.of(2, 4));
    const foreign: DeviceTensor = { dataType: 'float32', dims: [2], dispose: () => undefined };
    await expect(session.run({ x, b: foreign })).rejects.toThrow('the tensor belongs to another runtime');
    await session.release();
  });

  it('releases a session once, however often it is asked, and runs it no more', async () => {
    const session = await runtime.createSession(doubled(2), { name: 'the doubler' });
    await session.release();
    await session.release();
    await expect(session.run({ x: vector(1, 2), b: vector(0, 0) })).rejects.toThrow(
      'the doubler: run after release',
    );
  });

  it('waits with a release for the runs that were asked for before', async () => {
    const session = await runtime.createSession(doubled(2), { name: 'doubled' });
    const running = session.run({ x: vector(1, 2), b: vector(0, 0) });
    const releasing = session.release();
    expect(await runtime.read((await running).y!)).toEqual(Float32Array.of(2, 4));
    await releasing;
  });

  it('releases every session when it closes', async () => {
    const other = await openRuntime({ device: 'cpu', threads: 1 });
    const session = await other.createSession(doubled(1), { name: 'doubled' });
    await other.close();
    await expect(session.run({})).rejects.toThrow('run after release');
  });

  it('refuses what does not fit into memory, and says what would', async () => {
    const asked = runtime.createSession(doubled(2), { name: 'a large graph', memoryBytes: 2 ** 50 });
    await expect(asked).rejects.toBeInstanceOf(ResourceError);
    await expect(asked).rejects.toThrow(
      /^a large graph needs about 1073741824 MiB of memory, but only \d+ MiB are available\. Use a smaller micro-batch/,
    );
    const fitting = await runtime.createSession(doubled(2), { name: 'a small graph', memoryBytes: 2 ** 20 });
    await fitting.release();
  });

  it('refuses bytes that are no model', async () => {
    await expect(runtime.createSession(Uint8Array.of(1, 2, 3), { name: 'noise' })).rejects.toThrow();
  });

  it('says what computed', () => {
    expect(runtime.fingerprint).toEqual({
      runtime: 'onnxruntime-node 1.30.0',
      device: 'cpu',
      threads: '2',
      processor: expect.stringMatching(/./) as string,
      platform: `${process.platform} ${process.arch}`,
    });
    expect(runtime).toMatchObject({ device: 'cpu', threads: 2 });
    expect(runtime.availableMemory()).toBeGreaterThan(2 ** 20);
  });
});

describe('openRuntime', () => {
  it('takes the CPU and all its cores unless told otherwise', async () => {
    const runtime = await openRuntime({ device: 'auto' });
    expect(runtime.device).toBe('cpu');
    expect(runtime.threads).toBeGreaterThan(0);
    await runtime.close();
  });

  const cuda = cudaProviderLibraries().length > 0 ? 'CUDA is installed' : undefined;
  itUnless(cuda, 'names the remedy where CUDA is asked for and not installed', async () => {
    const opening = openRuntime({ device: 'cuda' });
    await expect(opening).rejects.toBeInstanceOf(InputError);
    await expect(opening).rejects.toMatchObject({
      problem: expect.stringMatching(/^the device cuda is not available \(.+\)$/) as string,
      remedy: expect.stringMatching(/Install CUDA 12.*--device cpu/) as string,
    });
  });
});
