import { bertLayer } from '../../src/encoders/families/bert.ts';
import { Graph, type Tensor } from '../../src/graph/expression.ts';
import { vjp } from '../../src/graph/gradients.ts';
import { toOnnx, type EmbeddedWeights } from '../../src/graph/onnx.ts';
import { reduceSum, reshape } from '../../src/graph/ops/broadcasting.ts';
import { add, erf, mul } from '../../src/graph/ops/elementwise.ts';
import { gemm, matMul } from '../../src/graph/ops/linear.ts';
import { layerNorm, softmax } from '../../src/graph/ops/normalization.ts';
import { swapLastAxes, transpose } from '../../src/graph/ops/shape.ts';
import { cutAt, savedForBackward } from '../../src/graph/split.ts';
import { epsilon, inputName, length, rows, tokens, type Problem } from './problem.ts';

export const lossName = 'loss';
export const upstreamName = 'upstream';

export function gradientName(name: string): string {
  return `gradient.${name}`;
}

/** The layer, written as src/encoders/families/bert-transformer.ts writes it, without its mask. */
function layer(graph: Graph, { hidden, heads, parameters }: Problem): Tensor {
  const names = bertLayer(0);
  const parameter = (name: string): Tensor => graph.input(name, parameters.get(name)?.dims ?? []);
  const linear = (x: Tensor, name: string, scale = 1, inputScale = 1): Tensor =>
    gemm(x, parameter(`${name}.weight`), {
      c: parameter(`${name}.bias`),
      transB: true,
      alpha: scale * inputScale,
      beta: scale,
    });
  const norm = (x: Tensor, name: string): Tensor =>
    layerNorm(x, parameter(`${name}.weight`), parameter(`${name}.bias`), epsilon);
  const splitHeads = (x: Tensor): Tensor =>
    transpose(reshape(x, [rows, length, heads, hidden / heads]), [0, 2, 1, 3]);

  const x = graph.input(inputName, [tokens, hidden]);
  const query = splitHeads(linear(x, names.query, 1 / Math.sqrt(hidden / heads)));
  const key = splitHeads(linear(x, names.key));
  const value = splitHeads(linear(x, names.value));
  const probabilities = softmax(matMul(query, swapLastAxes(key)));
  const context = reshape(transpose(matMul(probabilities, value), [0, 2, 1, 3]), [tokens, hidden]);
  const attended = norm(add(linear(context, names.attentionOutput), x), names.attentionNorm);
  const u = linear(attended, names.intermediate, Math.SQRT1_2);
  const narrow = linear(mul(u, add(erf(u), 1)), names.output, 1, Math.SQRT1_2);
  return norm(add(narrow, attended), names.outputNorm);
}

interface Layer {
  readonly graph: Graph;
  readonly loss: Tensor;
  readonly upstream: Tensor;
  readonly gradients: Readonly<Record<string, Tensor>>;
}

function differentiated(problem: Problem): Layer {
  const graph = new Graph();
  const output = layer(graph, problem);
  const upstream = graph.input(upstreamName, output.shape);
  const names = [inputName, ...problem.parameters.keys()];
  const targets = names.map((name) => graph.findInput(name) as Tensor);
  const results = vjp([{ tensor: output, gradient: upstream }], targets);
  return {
    graph,
    loss: reduceSum(mul(output, upstream), [0, 1]),
    upstream,
    gradients: Object.fromEntries(names.map((name, i) => [gradientName(name), results[i] as Tensor])),
  };
}

/** Loss and gradients in one graph. */
export function wholeGraph(problem: Problem): Uint8Array<ArrayBuffer> {
  const { loss, gradients } = differentiated(problem);
  return toOnnx('layer', { [lossName]: loss, ...gradients }).model;
}

/**
 * As a training has them, where the loss of a batch lies between the two: a forward graph, whose further outputs
 * `saved.…` the backward graph takes.
 */
export function splitGraphs(
  problem: Problem,
): Readonly<Record<'forward' | 'backward', Uint8Array<ArrayBuffer>>> {
  const { graph, loss, upstream, gradients } = differentiated(problem);
  const results = Object.values(gradients);
  const forward: Record<string, Tensor> = { [lossName]: loss };
  const replaced = new Map<Tensor, Tensor>();
  savedForBackward([loss], results, [upstream]).forEach((tensor, i) => {
    const name = `saved.${i}`;
    forward[name] = tensor;
    replaced.set(tensor, graph.input(name, tensor.shape, tensor.dataType));
  });
  const cut = cutAt(results, replaced);
  const backward = Object.fromEntries(Object.keys(gradients).map((name, i) => [name, cut[i] as Tensor]));
  return { forward: toOnnx('forward', forward).model, backward: toOnnx('backward', backward).model };
}

/** The loss with all that gets a gradient stored in the file, as ONNX Runtime's own training wants it. */
export function forwardForTraining({ input, parameters, ...rest }: Problem): Uint8Array<ArrayBuffer> {
  const { loss } = differentiated({ input, parameters, ...rest });
  const embed: EmbeddedWeights = new Map(
    [[inputName, input] as const, ...parameters].map(([name, { data }]) => [name, data]),
  );
  return toOnnx('layer', { [lossName]: loss }, embed).model;
}
