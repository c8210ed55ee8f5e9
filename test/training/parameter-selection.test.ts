import { describe, expect, it } from 'vitest';
import { familyOf } from '../../src/encoders/families/index.ts';
import { RandomStream } from '../../src/core/random.ts';
import {
  checkSelection,
  encoderWeights,
  initialLoraWeights,
  loraShape,
  mergeLora,
  trainableParameters,
} from '../../src/training/parameter-selection.ts';
import { readGoldenEncoder } from '../encoders/golden-encoder.ts';

describe.each(['tiny-bert', 'tiny-distilbert'] as const)('parameters that train, of %s', (name) => {
  const { shape, weights: values, parameters } = readGoldenEncoder(name);
  const all = [...familyOf(shape).parameters(shape).keys()];
  const layer = name === 'tiny-bert' ? 'encoder.layer.' : 'transformer.layer.';

  it('are all, the embeddings or all others, or those of the last layers', () => {
    expect(trainableParameters(shape, { kind: 'all' })).toEqual(all);
    const inLayers = all.filter((each) => each.startsWith(layer));
    expect(inLayers).toHaveLength(all.length - (name === 'tiny-bert' ? 5 : 4));
    expect(trainableParameters(shape, { kind: 'no-embeddings' })).toEqual(inLayers);
    expect(trainableParameters(shape, { kind: 'embeddings' })).toEqual(
      all.filter((each) => !inLayers.includes(each)),
    );
    expect(trainableParameters(shape, { kind: 'last-layers', layers: 2 })).toEqual(inLayers);
    expect(trainableParameters(shape, { kind: 'last-layers', layers: 1 })).toEqual(
      all.filter((each) => each.startsWith(`${layer}1.`)),
    );
  });

  it('are of layers and ranks that the encoder has', () => {
    const lora = (rank: number) => ({ kind: 'lora', rank, alpha: 1 }) as const;
    checkSelection(shape, lora(shape.hiddenSize));
    checkSelection(shape, { kind: 'last-layers', layers: shape.layers });
    expect(() => checkSelection(shape, lora(shape.hiddenSize + 1))).toThrow(
      `the LoRA rank is ${shape.hiddenSize + 1}, but the encoder's layers are only ${shape.hiddenSize} wide. Choose a rank from 1 to ${shape.hiddenSize}.`,
    );
    expect(() => checkSelection(shape, { kind: 'last-layers', layers: 3 })).toThrow('from 1 to 2');
  });

  it('are two matrices for each linear layer with LoRA, which start by changing nothing', () => {
    const selection = { kind: 'lora', rank: 3, alpha: 6 } as const;
    const lora = loraShape(selection)!;
    expect(lora).toEqual({ rank: 3, scale: 2 });
    expect(loraShape({ kind: 'all' })).toBeUndefined();
    const names = trainableParameters(shape, selection);
    expect(names).toHaveLength(shape.layers * 6 * 2);
    const adapters = initialLoraWeights(shape, 3, 7);
    expect([...adapters.keys()].sort()).toEqual([...names].sort());
    for (const [each, { dims, data }] of adapters) {
      const [outputs, inputs] = parameters.get(each.replace(/\.lora_[ab]$/, '.weight')) as [number, number];
      if (each.endsWith('_b')) {
        expect(dims).toEqual([outputs, 3]);
        expect(data.every((value) => value === 0)).toBe(true);
        continue;
      }
      expect(dims).toEqual([3, inputs]);
      expect(Math.max(...data.map(Math.abs))).toBeLessThanOrEqual(Math.sqrt(3 / inputs));
      expect(new Set(data).size).toBeGreaterThan(data.length / 2);
    }
    expect(initialLoraWeights(shape, 3, 7)).toEqual(adapters);
    expect(initialLoraWeights(shape, 3, 8)).not.toEqual(adapters);

    const own = new Map([...parameters].map(([each, dims]) => [each, { dims, data: values.get(each)! }]));
    expect(mergeLora(shape, new Map([...own, ...adapters]), lora)).toEqual(own);
    expect(encoderWeights({ shape, weights: own }, own, undefined)).toEqual(own);
    expect(() => mergeLora(shape, own, lora)).toThrow(/has no adapter/);
  });

  it('merge to W + scale·B·A', () => {
    const own = new Map([...parameters].map(([each, dims]) => [each, { dims, data: values.get(each)! }]));
    const adapters = initialLoraWeights(shape, 2, 7);
    const random = new RandomStream(1, 'b');
    for (const { data } of adapters.values()) data.forEach((_, i) => (data[i] = random.normal()));
    const lora = { rank: 2, scale: 0.5 };
    const merged = encoderWeights({ shape, weights: own }, new Map([...own, ...adapters]), lora);
    expect([...merged.keys()].sort()).toEqual([...all].sort());
    const wide = trainableParameters(shape, { kind: 'lora', rank: 2, alpha: 1 })
      .filter((each) => each.endsWith('_a'))
      .map((each) => each.replace(/\.lora_a$/, ''));
    for (const each of wide) {
      const [outputs, inputs] = parameters.get(`${each}.weight`) as [number, number];
      const [a, b] = ['a', 'b'].map((side) => adapters.get(`${each}.lora_${side}`)!.data) as [
        Float32Array,
        Float32Array,
      ];
      for (const [row, column] of [
        [0, 0],
        [outputs - 1, inputs - 1],
        [1, inputs - 2],
      ] as const) {
        const product = b[row * 2]! * a[column]! + b[row * 2 + 1]! * a[inputs + column]!;
        const at = row * inputs + column;
        expect(merged.get(`${each}.weight`)!.data[at]).toBeCloseTo(
          values.get(`${each}.weight`)![at]! + 0.5 * product,
          5,
        );
      }
      expect(merged.get(`${each}.bias`)!.data).toBe(values.get(`${each}.bias`));
    }
  });
});
