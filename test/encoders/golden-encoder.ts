import { readFileSync } from 'node:fs';
import { readConfig } from '../../src/encoders/config.ts';
import { transformerOf } from '../../src/encoders/families/index.ts';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import type { EncoderShape } from '../../src/encoders/types.ts';
import { goldenFile } from '../support/golden.ts';

/** One of the tiny random encoders of test/golden/encoders, with PyTorch's outputs and gradients. */
export interface GoldenEncoder {
  readonly shape: EncoderShape;
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  readonly weights: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  readonly rows: number;
  readonly length: number;
  readonly ids: Int32Array<ArrayBuffer>;
  readonly mask: Float32Array<ArrayBuffer>;
  readonly segments: Float32Array<ArrayBuffer> | undefined;
  readonly variants: Readonly<Record<string, { pooling: 'mean' | 'cls'; normalize: boolean }>>;
  /** Parameters whose exact gradient is zero, so that only rounding is left of it. */
  readonly vanishing: Readonly<Record<string, readonly string[]>> | readonly string[];
  golden(name: string): Float32Array;
}

interface GoldenJson {
  readonly inputIds: readonly (readonly number[])[];
  readonly attentionMask: readonly (readonly number[])[];
  readonly segments?: readonly (readonly number[])[];
  readonly variants: GoldenEncoder['variants'];
  readonly vanishing: GoldenEncoder['vanishing'];
}

export function readGoldenEncoder(
  name: 'tiny-bert' | 'tiny-distilbert' | 'tiny-cross-encoder',
): GoldenEncoder {
  const at = (file: string): URL => goldenFile(`encoders/${name}/${file}`);
  const json = JSON.parse(readFileSync(at('golden.json'), 'utf8')) as GoldenJson;
  const tensors = (file: string): Map<string, Float32Array<ArrayBuffer>> =>
    new Map(
      [...readSafetensors(new Uint8Array(readFileSync(at(file))), file).tensors].map(([key, tensor]) => [
        key,
        toFloat32(tensor, key, file),
      ]),
    );
  const config = readConfig(new Uint8Array(readFileSync(at('config.json'))), 'config.json').shape;
  const shape: EncoderShape = { ...config, hiddenDropout: 0, attentionDropout: 0 };
  const family = transformerOf(shape);
  const weights = new Map(
    [...tensors('model.safetensors')].map(([key, data]) => [key.replace(`${family.name}.`, ''), data]),
  );
  const values = tensors('golden.safetensors');
  return {
    shape,
    parameters: new Map([
      ...family.parameters(shape),
      ...(name === 'tiny-cross-encoder' ? family.classification.parameters(shape, 1) : []),
    ]),
    weights,
    rows: json.inputIds.length,
    length: json.inputIds[0]!.length,
    ids: Int32Array.from(json.inputIds.flat()),
    mask: Float32Array.from(json.attentionMask.flat()),
    segments: json.segments === undefined ? undefined : Float32Array.from(json.segments.flat()),
    variants: json.variants,
    vanishing: json.vanishing,
    golden: (key) => {
      const value = values.get(key);
      if (value === undefined) throw new Error(`no ${key} in ${[...values.keys()].join(', ')}`);
      return value;
    },
  };
}

/** Pooling weights as the host feeds them: [rows, 1, length]. */
export function poolingWeights(encoder: GoldenEncoder, pooling: 'mean' | 'cls'): Float32Array<ArrayBuffer> {
  const { rows, length, mask } = encoder;
  const weights = new Float32Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const tokens = mask.subarray(row * length, (row + 1) * length).reduce((a, b) => a + b, 0);
    for (let i = 0; i < length; i++) {
      const share = pooling === 'mean' ? mask[row * length + i]! / tokens : Number(i === 0);
      weights[row * length + i] = share;
    }
  }
  return weights;
}
