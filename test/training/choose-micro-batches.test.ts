import { expect, it } from 'vitest';
import { encoderShapes } from '../../bench/support/random-encoder.ts';
import { chooseMicroBatches, type DeviceLimits } from '../../src/training/choose-micro-batches.ts';
import { planMicroBatches } from '../../src/training/micro-batches.ts';

const shape = encoderShapes['MiniLM-L6'];
const encoding = {
  pooling: 'mean',
  normalize: true,
  queryPrefix: '',
  passagePrefix: '',
  queryMaxLength: 32,
  passageMaxLength: 256,
} as const;
const trainable = new Set(['encoder.layer.0.output.dense.bias']);

function tokensOn(limits: Partial<DeviceLimits>, tokens: number | 'auto' = 'auto'): number {
  const roomy = { largestTensorBytes: 2 ** 31, availableMemory: () => 2 ** 34 };
  const all: DeviceLimits = { device: 'webgpu', ...roomy, ...limits };
  return chooseMicroBatches(all, { shape, encoding }, { tokens, trainable }).tokensPerMicroBatch;
}

it('gives a GPU large micro-batches and a CPU small ones', () => {
  expect(tokensOn({ device: 'cpu' })).toBe(512);
  expect(tokensOn({ device: 'wasm' })).toBe(512);
  expect(tokensOn({ device: 'webgpu' })).toBe(4096);
  expect(tokensOn({ device: 'cuda' })).toBe(4096);
});

it('gives a GPU what its buffers and its memory hold, and one sequence at least', () => {
  // 12 heads × 256 keys × 4 bytes for each token: 48 MiB with 4,096 of them.
  expect(tokensOn({ largestTensorBytes: 47 * 2 ** 20 })).toBe(2048);
  expect(tokensOn({ largestTensorBytes: 2 ** 20 })).toBe(256);
  const some = tokensOn({ availableMemory: () => 2 ** 29 });
  expect(some).toBeLessThan(4096);
  expect(tokensOn({ availableMemory: () => 2 ** 28 })).toBe(some / 2);
  expect(tokensOn({ availableMemory: () => 0 })).toBe(256);
});

it('takes what the user chose, on every device', () => {
  expect(tokensOn({ device: 'cpu' }, 1000)).toBe(1000);
  expect(tokensOn({ device: 'webgpu', availableMemory: () => 0 }, 1000)).toBe(1000);
});

it('gives short texts a micro-batch of their own where that spares a GPU padding', () => {
  const limits = { largestTensorBytes: 2 ** 31, availableMemory: () => 2 ** 34 };
  const shapesOn = (device: DeviceLimits['device'], long: number, short: number): string[] => {
    const plan = chooseMicroBatches({ device, ...limits }, { shape, encoding }, { tokens: 4096, trainable });
    const lengths = [...new Array<number>(long).fill(128), ...new Array<number>(short).fill(32)];
    return planMicroBatches(lengths, plan).map(({ rows, length }) => `${rows}×${length}`);
  };
  expect(shapesOn('webgpu', 8, 16)).toEqual(['8×128', '16×32']);
  expect(shapesOn('webgpu', 6, 2)).toEqual(['8×128']);
  // As ever on the CPU: the bits of a training depend on it.
  expect(shapesOn('cpu', 8, 16)).toEqual(['32×128']);
});
