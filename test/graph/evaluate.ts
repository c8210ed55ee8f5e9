import { isConstant, isInput, nodesBehind, type Tensor } from '../../src/graph/expression.ts';
import type { NdArray } from '../../src/graph/nd-array.ts';

/**
 * Reference evaluation in float64, one node after the other. Slow and exact: what tests hold every runtime and
 * every gradient against.
 * @param feeds by input name
 */
export function evaluate(outputs: readonly Tensor[], feeds: ReadonlyMap<string, NdArray>): NdArray[] {
  const values = new Map<Tensor, NdArray>();
  const valueOf = (tensor: Tensor): NdArray => {
    const value = values.get(tensor);
    if (value === undefined) throw new Error(`${tensor.node.operation.name} was not evaluated`);
    return value;
  };
  for (const node of nodesBehind(outputs)) {
    const [first] = node.outputs;
    if (first === undefined) continue;
    if (isConstant(first)) {
      values.set(first, node.graph.valueOf(first));
    } else if (isInput(first)) {
      const name = node.attributes.name as string;
      const value = feeds.get(name);
      if (value === undefined) throw new Error(`no value for input ${name}`);
      values.set(first, { shape: first.shape, data: value.data });
    } else {
      const results = node.operation.evaluate(node.inputs.map(valueOf), node.attributes, node.outputs);
      node.outputs.forEach((output, i) => {
        const result = results[i];
        if (result !== undefined) values.set(output, result);
      });
    }
  }
  return outputs.map(valueOf);
}
