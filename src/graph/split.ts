import { isConstant, isInput, nodesBehind, type Node, type Tensor } from './expression.ts';

/**
 * Which values of the forward graph a backward graph needs, so that a forward run can leave them on the device.
 *
 * A value that does not depend on the upstream gradient and that the forward outputs are built from is saved
 * where the backward graph first meets it; free operations (reshapes) are looked through, and what only the
 * backward graph uses is computed there.
 * @param forward the outputs of the forward graph
 * @param backward the outputs of the backward graph
 * @param upstream the inputs that carry ∂L/∂output
 */
export function savedForBackward(
  forward: readonly Tensor[],
  backward: readonly Tensor[],
  upstream: readonly Tensor[],
): Tensor[] {
  const inForward = new Set<Node>(nodesBehind(forward));
  const needsUpstream = new Set<Node>(upstream.map((tensor) => tensor.node));
  const order = nodesBehind(backward);
  for (const node of order) {
    if (node.inputs.some((input) => needsUpstream.has(input.node))) needsUpstream.add(node);
  }
  const saved = new Set<Tensor>();
  const seen = new Set<Tensor>();
  const meet = (tensor: Tensor): void => {
    if (seen.has(tensor) || isInput(tensor) || isConstant(tensor)) return;
    seen.add(tensor);
    const { node } = tensor;
    const available = inForward.has(node) && !needsUpstream.has(node);
    if (available && node.operation.free !== true) saved.add(tensor);
    else node.inputs.forEach(meet);
  };
  backward.forEach(meet);
  return [...saved];
}

/**
 * Rewrites tensors so that saved values become separate inputs.
 * @param replaced each saved tensor and the input that replaces it, in the same graph
 */
export function cutAt(tensors: readonly Tensor[], replaced: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const renewed = new Map<Tensor, Tensor>(replaced);
  const current = (tensor: Tensor): Tensor => renewed.get(tensor) ?? tensor;
  for (const node of nodesBehind(tensors)) {
    const inputs = node.inputs.map(current);
    if (inputs.every((input, i) => input === node.inputs[i])) continue;
    const outputs = node.graph.apply(node.operation, inputs, node.attributes);
    node.outputs.forEach((output, i) => {
      const replacement = outputs[i];
      if (replacement !== undefined && !replaced.has(output)) renewed.set(output, replacement);
    });
  }
  return tensors.map(current);
}
