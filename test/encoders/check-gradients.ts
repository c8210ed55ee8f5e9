import { expect } from 'vitest';
import { gradientNames, trainingGraphs, type Head, type TrainingGraphs } from '../../src/encoders/graphs.ts';
import { familyOf } from '../../src/encoders/families/index.ts';
import { wordInputs } from '../../src/encoders/word-gradient.ts';
import type { DeviceTensor, Runtime } from '../../src/host/contract.ts';
import { relativeError } from '../graph/golden.ts';
import type { GoldenEncoder } from './golden-encoder.ts';

export interface GradientCheck {
  readonly head: Head;
  readonly pooling?: Float32Array<ArrayBuffer>;
  readonly output: Float32Array;
  readonly upstream: Float32Array;
  readonly gradientOf: (parameter: string) => Float32Array;
  readonly vanishing: readonly string[];
  readonly tolerance: number;
}

/** Runs forward and backward on a runtime and compares the output and every parameter's gradient with PyTorch's. */
export async function checkGradients(
  runtime: Runtime,
  encoder: GoldenEncoder,
  check: GradientCheck,
): Promise<TrainingGraphs> {
  const { shape, parameters, rows, length } = encoder;
  const onHost = runtime.device === 'cpu' || runtime.device === 'wasm';
  const graphs = trainingGraphs({
    shape,
    batch: { rows, length },
    head: check.head,
    trainable: new Set(parameters.keys()),
    embeddingRows: onHost ? 'host' : 'device',
    ...(encoder.segments === undefined ? {} : { segments: true }),
  });
  const forward = await runtime.createSession(graphs.forward.model, { name: 'forward' });
  const backward = await runtime.createSession(graphs.backward.model, { name: 'backward' });
  const inputs: Record<string, DeviceTensor> = {
    ids: runtime.tensor('int32', [rows * length], encoder.ids),
    mask: runtime.tensor('float32', [rows, length], encoder.mask),
    upstream: runtime.tensor('float32', graphs.output.shape, Float32Array.from(check.upstream)),
  };
  if (check.pooling !== undefined)
    inputs.pooling = runtime.tensor('float32', [rows, 1, length], check.pooling);
  if (encoder.segments !== undefined) {
    inputs.segments = runtime.tensor('float32', [rows * length, 1], encoder.segments);
  }
  for (const [name, dims] of parameters) {
    inputs[name] = runtime.tensor('float32', dims, encoder.weights.get(name));
    inputs[gradientNames(name).earlier] = runtime.tensor('float32', dims);
  }
  for (const [name, { dataType, dims, data }] of Object.entries(wordInputs(encoder.ids, shape.vocabSize))) {
    inputs[name] = runtime.tensor(dataType, dims, data);
  }

  const kept = await forward.run(inputs);
  const read = async (tensor: DeviceTensor): Promise<Float32Array> =>
    (await runtime.read(tensor)) as Float32Array;
  expect(relativeError(await read(kept.output!), check.output)).toBeLessThan(check.tolerance);
  const gradients = await backward.run({ ...inputs, ...kept });
  for (const [name, dims] of parameters) {
    let gradient: Float32Array;
    if (name === familyOf(shape).wordEmbeddings && onHost) {
      gradient = new Float32Array(shape.vocabSize * shape.hiddenSize);
      const perToken = await read(gradients['gradient.embedded']!);
      encoder.ids.forEach((id, token) => {
        for (let i = 0; i < shape.hiddenSize; i++) {
          gradient[id * shape.hiddenSize + i]! += perToken[token * shape.hiddenSize + i]!;
        }
      });
    } else {
      gradient = await read(gradients[gradientNames(name).sum]!);
    }
    expect(gradient.length, name).toBe(dims.reduce((a, b) => a * b, 1));
    const expected = check.gradientOf(name);
    const floor = check.vanishing.some((vanishing) => vanishing.endsWith(name)) ? 1 : 1e-30;
    expect(relativeError(gradient, expected, floor), name).toBeLessThan(check.tolerance);
  }
  await forward.release();
  await backward.release();
  return graphs;
}

/** Every variant of an embedding model, and the logits of a cross-encoder, as checks. */
export function checksOf(
  encoder: GoldenEncoder,
  poolingWeights: (encoder: GoldenEncoder, pooling: 'mean' | 'cls') => Float32Array<ArrayBuffer>,
): readonly { readonly name: string; readonly check: GradientCheck }[] {
  const tolerance = 1e-4;
  if (encoder.segments !== undefined) {
    return [
      {
        name: 'logits',
        check: {
          head: { kind: 'classification', labels: 1 },
          output: encoder.golden('logits'),
          upstream: encoder.golden('upstream'),
          gradientOf: (parameter) =>
            encoder.golden(
              parameter.startsWith('classifier') ? `gradient/${parameter}` : `gradient/bert.${parameter}`,
            ),
          vanishing: encoder.vanishing as readonly string[],
          tolerance,
        },
      },
    ];
  }
  return Object.entries(encoder.variants).map(([name, { pooling, normalize }]) => ({
    name,
    check: {
      head: { kind: 'embedding', normalize },
      pooling: poolingWeights(encoder, pooling),
      output: encoder.golden(`${name}/embedding`),
      upstream: encoder.golden(`upstream`),
      gradientOf: (parameter) => encoder.golden(`${name}/gradient/${parameter}`),
      vanishing: (encoder.vanishing as Readonly<Record<string, readonly string[]>>)[name] ?? [],
      tolerance,
    },
  }));
}
