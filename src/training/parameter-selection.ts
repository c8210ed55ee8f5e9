import type { LoraShape } from '../encoders/forward.ts';
import { alternatives, familyOf, tableFamilyOf } from '../encoders/families/index.ts';
import type { EncoderModel, EncoderShape, Weights, WeightTensor } from '../encoders/types.ts';
import { elementCount } from '../core/tensor-size.ts';
import { InputError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { withChangedRows } from './changed-rows.ts';
import type { AdamWSettings } from './optimizer.ts';

/** Which parameters train. */
export type ParameterSelection =
  | { readonly kind: 'all' }
  | { readonly kind: 'embeddings' | 'no-embeddings' }
  | { readonly kind: 'last-layers'; readonly layers: number }
  | { readonly kind: 'lora'; readonly rank: number; readonly alpha: number };

/**
 * Checks that an encoder can be trained as the settings say.
 * @throws InputError with what fits the encoder
 */
export function checkTrainable(
  shape: EncoderShape,
  {
    selection,
    optimizer,
    dropout,
  }: {
    readonly selection: ParameterSelection;
    readonly optimizer: Pick<AdamWSettings, 'weightDecay' | 'clipNorm'>;
    readonly dropout: { readonly hidden: number; readonly attention: number };
  },
): void {
  if (tableFamilyOf(shape) === undefined) {
    checkSelection(shape, selection);
    return;
  }
  const wrong = [
    ...(selection.kind === 'all' ? [] : ['a selection of parameters']),
    ...(optimizer.weightDecay === 0 ? [] : ['weight decay']),
    ...(optimizer.clipNorm === 0 ? [] : ['a maximum gradient norm']),
    ...(dropout.hidden === 0 && dropout.attention === 0 ? [] : ['dropout']),
  ];
  if (wrong.length === 0) return;
  throw new InputError(
    `a static encoder cannot be trained with ${alternatives(wrong)}: a step changes the rows of its tokens alone`,
    {
      remedy: `Remove ${wrong.length === 1 ? 'the setting' : 'these settings'}, or use an encoder with a transformer`,
    },
  );
}

/**
 * Checks that an encoder has what a selection asks for.
 * @throws InputError with the range that fits the encoder
 */
export function checkSelection(shape: EncoderShape, selection: ParameterSelection): void {
  if (selection.kind === 'last-layers' && selection.layers > shape.layers) {
    throw new InputError(
      `the last ${selection.layers} layers were selected for training, but the encoder has only ${shape.layers}`,
      { remedy: `Choose a number of layers from 1 to ${shape.layers}, or train all parameters` },
    );
  }
  // A product of wider matrices has no more rank than the layer itself.
  const widest = Math.min(shape.hiddenSize, shape.intermediateSize);
  if (selection.kind === 'lora' && selection.rank > widest) {
    throw new InputError(
      `the LoRA rank is ${selection.rank}, but the encoder's layers are only ${widest} wide`,
      {
        remedy: `Choose a rank from 1 to ${widest}`,
      },
    );
  }
}

/** The names of the parameters that train, in the order of the forward pass. */
export function trainableParameters(shape: EncoderShape, selection: ParameterSelection): string[] {
  const family = familyOf(shape);
  const all = [...family.parameters(shape).keys()];
  switch (selection.kind) {
    case 'all':
      return all;
    case 'embeddings':
      return all.filter((name) => family.depthOf(shape, name) === 0);
    case 'no-embeddings':
      return all.filter((name) => family.depthOf(shape, name) > 0);
    case 'last-layers':
      return all.filter((name) => family.depthOf(shape, name) > shape.layers - selection.layers);
    case 'lora':
      return family.linearLayers(shape).flatMap(({ name }) => [`${name}.lora_a`, `${name}.lora_b`]);
  }
}

/** How many numbers an encoder has, and how many of them, or of its adapters, train. */
export function parameterCounts(
  shape: EncoderShape,
  selection: ParameterSelection,
): { readonly all: number; readonly trained: number } {
  const { parameters, linearLayers } = familyOf(shape);
  const sizes = new Map([...parameters(shape)].map(([name, dims]) => [name, elementCount(dims)]));
  const sum = (each: Iterable<number>): number => [...each].reduce((total, size) => total + size, 0);
  const trained =
    selection.kind === 'lora'
      ? linearLayers(shape).map(({ inputs, outputs }) => selection.rank * (inputs + outputs))
      : trainableParameters(shape, selection).map((name) => sizes.get(name) ?? 0);
  return { all: sum(sizes.values()), trained: sum(trained) };
}

/** The scale of the low-rank product, α/r (Hu et al. 2021, section 4.1), or undefined without LoRA. */
export function loraShape(selection: ParameterSelection): LoraShape | undefined {
  return selection.kind === 'lora'
    ? { rank: selection.rank, scale: selection.alpha / selection.rank }
    : undefined;
}

/**
 * Adapter matrices to start from: A random (uniform within ±√(3/inputs), a standard deviation of 1/√inputs), B
 * zero, so that the adapted encoder starts as the encoder itself.
 */
export function initialLoraWeights(
  shape: EncoderShape,
  rank: number,
  seed: number,
): Map<string, WeightTensor> {
  const weights = new Map<string, WeightTensor>();
  for (const { name, outputs, inputs } of familyOf(shape).linearLayers(shape)) {
    const stream = new RandomStream(seed, 'lora', name);
    const bound = Math.sqrt(3 / inputs);
    const a = Float32Array.from({ length: rank * inputs }, () => (2 * stream.uniform() - 1) * bound);
    weights.set(`${name}.lora_a`, { dims: [rank, inputs], data: a });
    weights.set(`${name}.lora_b`, { dims: [outputs, rank], data: new Float32Array(outputs * rank) });
  }
  return weights;
}

/**
 * The encoder's own weights with the adapters merged in: W + scale·B·A. Other weights are passed through.
 * @param weights the encoder's weights and its adapters
 */
export function mergeLora(shape: EncoderShape, weights: Weights, lora: LoraShape): Map<string, WeightTensor> {
  const merged = new Map([...weights].filter(([name]) => !/\.lora_[ab]$/.test(name)));
  for (const { name, outputs, inputs } of familyOf(shape).linearLayers(shape)) {
    const w = weights.get(`${name}.weight`);
    const a = weights.get(`${name}.lora_a`);
    const b = weights.get(`${name}.lora_b`);
    if (w === undefined || a === undefined || b === undefined) throw new Error(`${name} has no adapter`);
    const data = w.data.slice();
    for (let row = 0; row < outputs; row++) {
      for (let column = 0; column < inputs; column++) {
        let sum = 0;
        for (let k = 0; k < lora.rank; k++) {
          sum += (b.data[row * lora.rank + k] as number) * (a.data[k * inputs + column] as number);
        }
        const at = row * inputs + column;
        data[at] = (data[at] as number) + lora.scale * sum;
      }
    }
    merged.set(`${name}.weight`, { dims: w.dims, data });
  }
  return merged;
}

/**
 * An encoder's weights as a training left them: its adapters merged where it has some, and the rows of a table that have
 * changed put into it.
 * @param base the encoder that the training started from
 */
export function encoderWeights(
  base: Pick<EncoderModel, 'shape' | 'weights'>,
  weights: Weights,
  lora: LoraShape | undefined,
): Weights {
  return lora === undefined ? withChangedRows(base.weights, weights) : mergeLora(base.shape, weights, lora);
}
