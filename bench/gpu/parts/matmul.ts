/** The rate of matrix multiplication through ONNX Runtime's WebGPU: chains of square products. */
import type { DeviceTensor, Runtime } from '../../../src/host/contract.ts';
import { attempt, onWebGpu, small } from './part.ts';
import { productChain, type ProductType } from './product-chain.ts';

const sizes = small ? [64, 128] : [1024, 2048, 4096];
const count = small ? 2 : 8;
const milliseconds = small ? 200 : 1500;

async function rate(runtime: Runtime, type: ProductType, size: number): Promise<number> {
  const session = await runtime.createSession(productChain(type, size, count), { name: `${type} ${size}` });
  // Values of either sign whose products stay of the same size.
  const values = (length: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length }, (_, i) => ((i * 7919) % 13 < 6.5 ? 1 : -1) / Math.sqrt(size));
  const place = (dims: readonly number[]): Promise<DeviceTensor> =>
    runtime.upload(runtime.tensor('float32', dims, values(dims.reduce((a, b) => a * b, 1))));
  const inputs = { a: await place([size, size]), b: await place([size, size]), v: await place([size, 1]) };
  const multiply = async (): Promise<number> => {
    const start = performance.now();
    const { y } = await session.run(inputs);
    if (y === undefined) throw new Error('the graph returned nothing');
    await runtime.read(y);
    y.dispose();
    return performance.now() - start;
  };
  try {
    await multiply();
    let best = Infinity;
    const start = performance.now();
    do best = Math.min(best, await multiply());
    while (performance.now() - start < milliseconds);
    return (2 * size ** 3 * count) / best / 1e9;
  } finally {
    for (const tensor of Object.values(inputs)) tensor.dispose();
    await session.release();
  }
}

await onWebGpu(async (runtime) => {
  for (const type of ['float32', 'float16'] as const) {
    for (const size of sizes) {
      await attempt(
        `matrix product ${size}³`,
        type === 'float32' ? 'WebGPU fp32' : 'WebGPU f16',
        async () => ({
          value: await rate(runtime, type, size),
          unit: 'TFLOP/s',
          note: `best of chains of ${count}, waited for`,
        }),
      );
    }
  }
});
