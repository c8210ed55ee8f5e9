import { InputError } from '../core/errors.ts';
import { isJsonObject, ownField, parseJsonObject, shownJson, type JsonObject } from '../formats/json-file.ts';
import type { ConfigField, ConfigFields, TransformerFamily } from './families/family.ts';
import { alternatives, familyNamed, transformerFamilies, transformerOf } from './families/index.ts';
import type { Activation, EncoderShape } from './types.ts';

export interface EncoderConfig {
  readonly shape: EncoderShape;
  /** Logits of the classification head, if the config states them. */
  readonly labels: number | undefined;
  /** The whole file, unknown fields included. */
  readonly raw: JsonObject;
}

const WHAT_WORKS = `Use a model with model_type ${alternatives(transformerFamilies.map(({ name }) => name))}, such as ${alternatives(transformerFamilies.flatMap(({ examples }) => examples))}`;

const ACTIVATIONS: ReadonlyMap<unknown, Activation> = new Map([
  ['gelu', 'gelu'],
  ['gelu_new', 'gelu_tanh'],
  ['gelu_pytorch_tanh', 'gelu_tanh'],
  ['relu', 'relu'],
]);

/**
 * Reads config.json of an encoder.
 * @throws InputError naming what is unsupported or wrong, and what works.
 */
export function readConfig(bytes: Uint8Array<ArrayBuffer>, file: string): EncoderConfig {
  const raw = parseJsonObject(bytes, file);
  const { name: family, config: fields } = statedFamily(raw, file);
  refuseUnsupported(raw, file);
  const read = (field: ConfigField, fits: (value: number) => boolean, what: string): number => {
    if (typeof field === 'number') return field;
    const [key, fallback] = field;
    const value = ownField(raw, key) ?? fallback;
    if (typeof value === 'number' && fits(value)) return value;
    throw new InputError(`${key} is ${shownJson(value)}, not ${what}`, {
      file,
      remedy: 'Fix config.json',
    });
  };
  const size = (field: ConfigField, limit: number): number =>
    read(
      field,
      (value) => Number.isInteger(value) && value >= 1 && value <= limit,
      `a whole number from 1 to ${limit}`,
    );
  const share = (field: ConfigField): number =>
    read(field, (value) => value >= 0 && value < 1, 'a number from 0 to 1');

  const activation = ownField(raw, fields.activation) ?? 'gelu';
  const known = ACTIVATIONS.get(activation);
  if (known === undefined) {
    throw new InputError(`the activation ${shownJson(activation)} is not supported`, {
      file,
      remedy: `Use a model with one of ${[...ACTIVATIONS.keys()].join(', ')}`,
    });
  }
  const shape: EncoderShape = {
    family,
    vocabSize: size(fields.vocabSize, 2 ** 24),
    hiddenSize: size(fields.hiddenSize, 2 ** 16),
    layers: size(fields.layers, 1024),
    heads: size(fields.heads, 1024),
    intermediateSize: size(fields.intermediateSize, 2 ** 20),
    maxPositions: size(fields.maxPositions, 2 ** 20),
    segments: size(fields.segments, 1024),
    layerNormEpsilon: share(fields.layerNormEpsilon),
    activation: known,
    hiddenDropout: share(fields.hiddenDropout),
    attentionDropout: share(fields.attentionDropout),
  };
  if (shape.hiddenSize % shape.heads !== 0) {
    const [width, heads] = [keyOf(fields.hiddenSize), keyOf(fields.heads)];
    throw new InputError(`${width} ${shape.hiddenSize} is not a multiple of ${heads} ${shape.heads}`, {
      file,
      remedy: 'Fix config.json',
    });
  }
  return { shape, labels: labelCount(raw), raw };
}

/** The config.json of a shape, as {@link readConfig} reads it. */
export function configOf(shape: EncoderShape): JsonObject {
  const { name, className, config } = transformerOf(shape);
  const [activation] = [...ACTIVATIONS].find(([, known]) => known === shape.activation) ?? [];
  const values = { ...shape, activation };
  const entries = Object.entries(config).flatMap(([part, field]) =>
    typeof field === 'number' ? [] : [[keyOf(field), values[part as keyof ConfigFields]] as const],
  );
  return { architectures: [`${className}Model`], model_type: name, ...Object.fromEntries(entries) };
}

function keyOf(field: ConfigField | string): string {
  return typeof field === 'object' ? field[0] : String(field);
}

function statedFamily(raw: JsonObject, file: string): TransformerFamily {
  const type = ownField(raw, 'model_type');
  const known = familyNamed(type);
  if (known !== undefined) return known;
  if (type === undefined) {
    // Models from 2019 state it only through their class.
    const architectures = ownField(raw, 'architectures');
    const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
    const family = transformerFamilies.find(
      ({ className }) => typeof first === 'string' && new RegExp(`^${className}[A-Z]`).test(first),
    );
    if (family !== undefined) return family;
    throw new InputError('config.json does not specify a model_type', { file, remedy: WHAT_WORKS });
  }
  throw new InputError(`the architecture ${shownJson(type)} is not supported`, { file, remedy: WHAT_WORKS });
}

/** Switches that change what the layers compute; a model that sets them would run, and be wrong. */
function refuseUnsupported(raw: JsonObject, file: string): void {
  const positions = ownField(raw, 'position_embedding_type');
  if (positions !== undefined && positions !== 'absolute') {
    throw new InputError(`position_embedding_type ${shownJson(positions)} is not supported`, {
      file,
      remedy: 'Use a model with absolute position embeddings',
    });
  }
  for (const key of ['is_decoder', 'is_encoder_decoder', 'add_cross_attention']) {
    if (ownField(raw, key) === true) {
      throw new InputError(`${key} is not supported`, { file, remedy: WHAT_WORKS });
    }
  }
  if (isJsonObject(ownField(raw, 'quantization_config'))) {
    throw new InputError('the weights are quantized', {
      file,
      remedy: 'Use the original checkpoint in F32, F16 or BF16',
    });
  }
}

function labelCount(raw: JsonObject): number | undefined {
  const names = ownField(raw, 'id2label');
  if (isJsonObject(names)) return Object.keys(names).length;
  const count = ownField(raw, 'num_labels');
  return typeof count === 'number' && Number.isInteger(count) && count > 0 ? count : undefined;
}
