import { Graph, type Tensor, type TensorType } from '../graph/expression.ts';
import { vjp } from '../graph/gradients.ts';
import { tensorBytes } from '../core/tensor-size.ts';
import { largestTensorBytes, peakBytes } from '../graph/memory.ts';
import { toOnnx } from '../graph/onnx.ts';
import { accumulate } from '../graph/ops/linear.ts';
import { cutAt, savedForBackward } from '../graph/split.ts';
import { familyOf, transformerOf } from './families/index.ts';
import {
  pool,
  type BatchShape,
  type DropoutSite,
  type Forward,
  type ForwardOptions,
  type TokenInputs,
} from './forward.ts';
import { addWordGradient } from './word-gradient.ts';

/** An ONNX model with what its caller must know. */
export interface Program {
  readonly name: string;
  readonly model: Uint8Array<ArrayBuffer>;
  readonly inputNames: readonly string[];
  /** The most bytes its intermediate values and outputs take at one time. */
  readonly peakBytes: number;
  /** Bytes of its largest intermediate value or output. */
  readonly largestTensorBytes: number;
}

/** What follows the transformer: sequence vectors, or the logits of a cross-encoder. */
export type Head =
  | { readonly kind: 'embedding'; readonly normalize: boolean }
  | { readonly kind: 'classification'; readonly labels: number };

export interface EncodeGraphOptions extends ForwardOptions {
  readonly batch: BatchShape;
  readonly head: Head;
  /** Whether segment ids are fed (cross-encoders); all tokens are in segment 0 otherwise. */
  readonly segments?: boolean;
}

/** The name of the output of every encoder graph: embeddings or logits, [rows, width]. */
export const outputName = 'output';
/** The input that carries ∂L/∂output. */
export const upstreamName = 'upstream';

function program(name: string, outputs: Readonly<Record<string, Tensor>>): Program {
  const values = Object.values(outputs);
  return {
    name,
    ...toOnnx(name, outputs),
    peakBytes: peakBytes(values),
    largestTensorBytes: largestTensorBytes(values),
  };
}

/** The forward pass over the inputs that batchInputs makes. */
function forwardPass(graph: Graph, options: EncodeGraphOptions): Forward & { readonly output: Tensor } {
  const { shape, batch, head } = options;
  const { rows, length } = batch;
  const inputs: TokenInputs = {
    ids: graph.input('ids', [rows * length], 'int32'),
    mask: graph.input('mask', [rows, length]),
    ...(options.segments && shape.segments > 0 && { segments: graph.input('segments', [rows * length, 1]) }),
  };
  const family = familyOf(shape);
  const values = family.forward(graph, inputs, options);
  const output =
    head.kind === 'embedding'
      ? pool(graph, values.hidden, batch, head.normalize)
      : transformerOf(shape).classification.logits(graph, values.hidden, [rows, length], head.labels);
  return { ...values, output };
}

function programName(kind: string, { batch }: EncodeGraphOptions): string {
  return `${kind} of ${batch.rows} × ${batch.length} tokens`;
}

/** The forward pass alone, for search and evaluation. */
export function encodeGraph(options: EncodeGraphOptions): Program {
  const { output } = forwardPass(new Graph(), options);
  return program(programName('encoding', options), { [outputName]: output });
}

export interface TrainingGraphOptions extends EncodeGraphOptions {
  /** Names of the parameters that get a gradient. */
  readonly trainable: ReadonlySet<string>;
  /**
   * Who adds up the gradient of the word embeddings: the host, from ∂L/∂(each token's row), or the device, as
   * products and a scatter of distinct rows (word-gradient.ts). Neither depends on the order in which threads finish.
   */
  readonly embeddingRows: 'host' | 'device';
}

/**
 * A micro-batch's forward graph, which leaves what the backward graph needs as further outputs, and its
 * backward graph.
 */
export interface TrainingGraphs {
  readonly forward: Program;
  readonly backward: Program;
  readonly output: TensorType;
  /** Outputs of the forward graph and inputs of the backward graph, by name. */
  readonly saved: ReadonlyMap<string, TensorType>;
  readonly savedBytes: number;
  readonly dropoutSites: readonly DropoutSite[];
  /** Whether ∂L/∂(word embedding rows) comes out as {@link embeddedGradientName}. */
  readonly embeddedGradient: TensorType | undefined;
}

/** Output of the backward graph: ∂L/∂(rows of the word embeddings), [tokens, hidden], one per token. */
export const embeddedGradientName = 'gradient.embedded';

/** Input and output of the backward graph: a parameter's gradient before and after this micro-batch. */
export function gradientNames(parameter: string): { readonly earlier: string; readonly sum: string } {
  return { earlier: `earlier.${parameter}`, sum: `gradient.${parameter}` };
}

/**
 * Builds both graphs of a micro-batch. The backward graph takes each parameter's gradient so far as
 * `earlier.<parameter>` and returns it as `gradient.<parameter>`.
 */
export function trainingGraphs(options: TrainingGraphOptions): TrainingGraphs {
  const graph = new Graph();
  const { embedded, output, dropoutSites } = forwardPass(graph, options);
  const { wordEmbeddings } = familyOf(options.shape);
  const upstream = graph.input(upstreamName, output.shape);

  const dense = [...options.trainable].filter((name) => name !== wordEmbeddings);
  const parameters = dense.map((name) => knownInput(graph, name));
  const trainsWords = options.trainable.has(wordEmbeddings);
  const targets = trainsWords ? [...parameters, embedded] : parameters;
  const gradients = vjp([{ tensor: output, gradient: upstream }], targets);

  const results: Record<string, Tensor> = {};
  let embeddedGradient: Tensor | undefined;
  if (trainsWords) {
    const gradient = gradients[dense.length];
    if (gradient === undefined) throw new Error('the word embeddings do not reach the output');
    if (options.embeddingRows === 'host') {
      embeddedGradient = gradient;
    } else {
      // The first of the results: ONNX Runtime computes the last ones first, so memory for the last layer's gradients
      // is free before the next layer's are computed.
      const { earlier, sum } = gradientNames(wordEmbeddings);
      const { vocabSize, hiddenSize } = options.shape;
      results[sum] = addWordGradient(graph, gradient, graph.input(earlier, [vocabSize, hiddenSize]));
    }
  }
  dense.forEach((name, i) => {
    const gradient = gradients[i];
    const parameter = parameters[i];
    if (gradient === undefined || parameter === undefined)
      throw new Error(`${name} does not reach the output`);
    const names = gradientNames(name);
    results[names.sum] = accumulate(graph.input(names.earlier, parameter.shape), gradient);
  });
  if (embeddedGradient !== undefined) results[embeddedGradientName] = embeddedGradient;

  const saved = savedForBackward([output], Object.values(results), [upstream]);
  const savedTypes = new Map<string, TensorType>();
  const forwardOutputs: Record<string, Tensor> = { [outputName]: output };
  const replaced = new Map<Tensor, Tensor>();
  saved.forEach((tensor, i) => {
    const name = `saved.${i}`;
    savedTypes.set(name, { shape: tensor.shape, dataType: tensor.dataType });
    forwardOutputs[name] = tensor;
    replaced.set(tensor, graph.input(name, tensor.shape, tensor.dataType));
  });
  const cut = cutAt(Object.values(results), replaced);
  const backwardOutputs: Record<string, Tensor> = {};
  Object.keys(results).forEach((name, i) => {
    backwardOutputs[name] = cut[i] as Tensor;
  });
  return {
    forward: program(programName('forward pass', options), forwardOutputs),
    backward: program(programName('backward pass', options), backwardOutputs),
    output: { shape: output.shape, dataType: output.dataType },
    saved: savedTypes,
    savedBytes: [...savedTypes.values()].reduce((sum, type) => sum + tensorBytes(type), 0),
    dropoutSites,
    embeddedGradient,
  };
}

/** The parameter's tensor as the forward pass declared it. */
function knownInput(graph: Graph, name: string): Tensor {
  const tensor = graph.findInput(name);
  if (tensor === undefined) throw new Error(`the encoder has no parameter ${name}`);
  return tensor;
}
