import type { Clock, Runtime } from '../host/contract.ts';
import { Graph } from './expression.ts';
import { toOnnx } from './onnx.ts';
import { matMul } from './ops/linear.ts';

export interface MatmulRateOptions {
  /** Rows and columns of the two square matrices; 1024 by default: 2.1 billion operations a product. */
  readonly size?: number;
  /** How long products are made after the first; 500 by default. At least three are. */
  readonly milliseconds?: number;
}

/**
 * The runtime's own rate of float32 matrix multiplication in floating-point operations per second: the best of
 * several products, which is what a training can be measured against.
 */
export async function measureMatmulRate(
  runtime: Runtime,
  clock: Clock,
  { size = 1024, milliseconds = 500 }: MatmulRateOptions = {},
): Promise<number> {
  const graph = new Graph();
  const shape = [size, size];
  const product = matMul(graph.input('a', shape), graph.input('b', shape));
  const { model } = toOnnx('matmul rate', { product });
  const session = await runtime.createSession(model, {
    name: 'matmul rate',
    memoryBytes: 3 * 4 * size * size,
  });
  const values = Float32Array.from({ length: size * size }, (_, i) => (i % 17) / 16 - 0.5);
  const a = await runtime.upload(runtime.tensor('float32', shape, values));
  const b = await runtime.upload(runtime.tensor('float32', shape, values.slice()));
  const multiply = async (): Promise<number> => {
    const startedAt = clock.now();
    const outputs = await session.run({ a, b });
    for (const output of Object.values(outputs)) {
      // A GPU has only queued the work until the result is read.
      await runtime.read(output);
      output.dispose();
    }
    return clock.now() - startedAt;
  };
  try {
    await multiply();
    let best = Infinity;
    const startedAt = clock.now();
    for (let runs = 0; runs < 3 || clock.now() - startedAt < milliseconds; runs++) {
      best = Math.min(best, await multiply());
    }
    return (2 * size * size * size * 1000) / best;
  } finally {
    a.dispose();
    b.dispose();
    await session.release();
  }
}
