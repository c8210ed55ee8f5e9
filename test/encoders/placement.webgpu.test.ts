import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeGraph, trainingGraphs, type TrainingGraphOptions } from '../../src/encoders/graphs.ts';
import { transformerOf } from '../../src/encoders/families/index.ts';
import type { EncoderShape } from '../../src/encoders/types.ts';
import type { Runtime } from '../../src/host/contract.ts';
import { ProtobufWriter } from '../../src/formats/protobuf.ts';
import { createNormSession, createUpdateSession, defaultAdamW } from '../../src/training/optimizer.ts';
import { loraShape, trainableParameters } from '../../src/training/parameter-selection.ts';
import { describeOnWebGpu } from '../support/webgpu.ts';

/**
 * Makes a session as the runtime does, but refuses to place a node on the CPU: each would be a round trip from the
 * GPU and back in every step. (`enableGraphCapture`, which has the same effect in a browser, is ignored in Node.)
 */
function createOnGpuOnly(model: Uint8Array): Promise<InferenceSession> {
  return InferenceSession.create(model, {
    executionProviders: [{ name: 'webgpu' }],
    graphOptimizationLevel: 'all',
    extra: { session: { use_deterministic_compute: '1', disable_cpu_ep_fallback: '1' } },
    logSeverityLevel: 4,
  });
}

async function expectOnGpu(model: Uint8Array): Promise<void> {
  const session = await createOnGpuOnly(model);
  await session.release();
}

/** y = Exp(operation(Exp(x))) over four floats. */
function sandwich(operation: string): Uint8Array {
  const shape = new ProtobufWriter().message(1, new ProtobufWriter().integer(1, 4));
  const type = new ProtobufWriter().message(1, new ProtobufWriter().integer(1, 1).message(2, shape));
  const value = (name: string): ProtobufWriter => new ProtobufWriter().text(1, name).message(2, type);
  const node = (input: string, output: string, name: string): ProtobufWriter =>
    new ProtobufWriter().text(1, input).text(2, output).text(4, name);
  const graph = new ProtobufWriter()
    .message(1, node('x', 'a', 'Exp'))
    .message(1, node('a', 'b', operation))
    .message(1, node('b', 'y', 'Exp'))
    .text(2, operation)
    .message(11, value('x'))
    .message(12, value('y'));
  return new ProtobufWriter()
    .integer(1, 10)
    .message(7, graph)
    .message(8, new ProtobufWriter().text(1, '').integer(2, 20))
    .finish();
}

const bert: EncoderShape = {
  family: 'bert',
  vocabSize: 100,
  hiddenSize: 16,
  layers: 2,
  heads: 2,
  intermediateSize: 32,
  maxPositions: 32,
  segments: 2,
  layerNormEpsilon: 1e-12,
  activation: 'gelu',
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
};
const distilbert: EncoderShape = { ...bert, family: 'distilbert', segments: 0 };
const plain = {
  shape: bert,
  batch: { rows: 4, length: 8 },
  head: { kind: 'embedding', normalize: true },
  embeddingRows: 'device',
} as const;
const everything = (shape: EncoderShape): ReadonlySet<string> =>
  new Set(transformerOf(shape).parameters(shape).keys());
const adapters = { kind: 'lora', rank: 2, alpha: 4 } as const;
const lora = loraShape(adapters)!;

const cases: Readonly<Record<string, TrainingGraphOptions>> = {
  BERT: { ...plain, trainable: everything(bert) },
  'BERT, vectors not normalized': {
    ...plain,
    head: { kind: 'embedding', normalize: false },
    trainable: everything(bert),
  },
  'BERT with dropout': { ...plain, dropout: true, trainable: everything(bert) },
  'BERT with gelu_tanh': {
    ...plain,
    shape: { ...bert, activation: 'gelu_tanh' },
    trainable: everything(bert),
  },
  'BERT with relu': { ...plain, shape: { ...bert, activation: 'relu' }, trainable: everything(bert) },
  'BERT, all but the embeddings': {
    ...plain,
    trainable: new Set(trainableParameters(bert, { kind: 'no-embeddings' })),
  },
  'BERT with LoRA': { ...plain, lora, trainable: new Set(trainableParameters(bert, adapters)) },
  DistilBERT: { ...plain, shape: distilbert, trainable: everything(distilbert) },
  'DistilBERT with dropout and LoRA': {
    ...plain,
    shape: distilbert,
    dropout: true,
    lora,
    trainable: new Set(trainableParameters(distilbert, adapters)),
  },
  'cross-encoder with dropout': {
    ...plain,
    head: { kind: 'classification', labels: 1 },
    segments: true,
    dropout: true,
    trainable: new Set([
      ...everything(bert),
      ...transformerOf(bert).classification.parameters(bert, 1).keys(),
    ]),
  },
};

describeOnWebGpu('placement on WebGPU', () => {
  describe('the check', () => {
    it('accepts and runs a graph that fits on the GPU', async () => {
      const session = await createOnGpuOnly(sandwich('Sigmoid'));
      const { y } = await session.run({ x: new Tensor('float32', new Float32Array(4), [4]) });
      const expected = Math.exp(1 / (1 + Math.exp(-1)));
      for (const value of y!.data as Float32Array) expect(value).toBeCloseTo(expected, 4);
      await session.release();
    });

    it.each(['Sign', 'LogSoftmax', 'Sum'])('refuses %s, which has no WebGPU kernel', async (operation) => {
      await expect(createOnGpuOnly(sandwich(operation))).rejects.toThrow(/assigned to the default CPU EP/);
    });
  });

  describe.each(Object.entries(cases))('%s', (_, options) => {
    const graphs = trainingGraphs(options);
    it('forward pass', () => expectOnGpu(graphs.forward.model));
    it('backward pass', () => expectOnGpu(graphs.backward.model));
    it('encoding', () => expectOnGpu(encodeGraph({ ...options, dropout: false }).model));
  });

  describe('the optimizer', () => {
    const entries = [...transformerOf(bert).parameters(bert)].map(([name, shape]) => ({
      name,
      shape,
      decayed: !name.endsWith('.bias'),
    }));
    const gpuOnly: Pick<Runtime, 'createSession'> = {
      createSession: async (model) => {
        const session = await createOnGpuOnly(model);
        const { inputNames, outputNames } = session;
        return { inputNames, outputNames, run: () => Promise.resolve({}), release: () => session.release() };
      },
    };

    it.each([true, false])('AdamW, clearing gradients: %s', async (clear) => {
      await (await createUpdateSession(gpuOnly, defaultAdamW, entries, clear)).release();
    });

    it('gradient norm', async () => {
      await (await createNormSession(gpuOnly, entries, 64)).release();
    });
  });
});
