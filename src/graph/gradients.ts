import { nodesBehind, type Node, type Tensor } from './expression.ts';
import { accumulate } from './ops/linear.ts';

/**
 * Vector-Jacobian products: ∂L/∂target for each target, given ∂L/∂output for each output. Reverse-mode
 * differentiation; the result is an expression in the same graph.
 * @returns undefined for a target that no output depends on
 * @throws Error if a path to a target leads through an operation without a gradient
 */
export function vjp(
  outputs: readonly { readonly tensor: Tensor; readonly gradient: Tensor }[],
  targets: readonly Tensor[],
): (Tensor | undefined)[] {
  const order = nodesBehind(outputs.map(({ tensor }) => tensor));
  const reaching = nodesReaching(order, targets);
  const gradients = new Map<Tensor, Tensor>();
  const receive = (tensor: Tensor, gradient: Tensor): void => {
    const earlier = gradients.get(tensor);
    gradients.set(tensor, earlier === undefined ? gradient : accumulate(earlier, gradient));
  };
  for (const { tensor, gradient } of outputs) receive(tensor, gradient);
  for (const node of order.reverse()) {
    const upstream = node.outputs.map((output) => gradients.get(output));
    if (!node.inputs.some((input) => reaching.has(input)) || upstream.every((g) => g === undefined)) continue;
    if (node.operation.gradient === undefined) {
      throw new Error(`${node.operation.name} has no gradient, and a target lies behind it`);
    }
    node.operation.gradient(node, upstream).forEach((gradient, i) => {
      const input = node.inputs[i];
      if (gradient !== undefined && input !== undefined && reaching.has(input)) receive(input, gradient);
    });
  }
  return targets.map((target) => gradients.get(target));
}

/** The tensors that depend on a target, targets included. */
function nodesReaching(order: readonly Node[], targets: readonly Tensor[]): Set<Tensor> {
  const reaching = new Set<Tensor>(targets);
  for (const node of order) {
    if (node.inputs.some((input) => reaching.has(input))) {
      for (const output of node.outputs) reaching.add(output);
    }
  }
  return reaching;
}
