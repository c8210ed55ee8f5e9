import { Graph } from '../graph/expression.ts';
import { toOnnx } from '../graph/onnx.ts';
import { gemm } from '../graph/ops/linear.ts';
import type { Clock, Runtime } from '../host/contract.ts';
import type { EncoderShape } from '../encoders/types.ts';

/** How long a measurement goes on, in milliseconds. */
const duration = 300;

/**
 * The floating-point operations per second that this machine's own matrix product reaches on the encoder's largest
 * layer (1,024 tokens): what a training's rate is a share of.
 */
export async function measureMatMulRate(
  runtime: Runtime,
  shape: EncoderShape,
  clock: Clock,
): Promise<number> {
  const graph = new Graph();
  const [rows, inner, columns] = [1024, shape.hiddenSize, shape.intermediateSize];
  const a = graph.input('a', [rows, inner]);
  const b = graph.input('b', [columns, inner]);
  const { model } = toOnnx('matrix product', { y: gemm(a, b, { transB: true }) });
  const session = await runtime.createSession(model, { name: 'matrix product' });
  const filled = (size: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: size }, (_, i) => Math.sin(i));
  const inputs = {
    a: await runtime.upload(runtime.tensor('float32', [rows, inner], filled(rows * inner))),
    b: await runtime.upload(runtime.tensor('float32', [columns, inner], filled(columns * inner))),
  };
  let recycle = await session.run(inputs);
  let best = 0;
  const end = clock.now() + duration;
  do {
    const start = clock.now();
    recycle = await session.run(inputs, recycle);
    best = Math.max(best, (2 * rows * inner * columns * 1000) / (clock.now() - start));
  } while (clock.now() < end);
  for (const tensor of [...Object.values(inputs), ...Object.values(recycle)]) tensor.dispose();
  await session.release();
  return best;
}

/**
 * Floating-point operations of the forward pass over one sequence: 2 per weight of a linear layer and token, and
 * both products of attention. Training costs three times that.
 */
export function forwardFlops(shape: EncoderShape, tokens: number): number {
  const { hiddenSize, intermediateSize, layers } = shape;
  const weights = layers * (4 * hiddenSize * hiddenSize + 2 * hiddenSize * intermediateSize);
  return tokens * (2 * weights + 4 * layers * hiddenSize * tokens);
}
