import { InputError } from '../host/errors.ts';
import { isJsonObject, ownField, parseJsonObject, shownJson, type JsonObject } from './json-file.ts';
import type { Activation, EncoderFamily, EncoderShape } from './types.ts';

export interface EncoderConfig {
  readonly shape: EncoderShape;
  /** Logits of the classification head, where the config says so. */
  readonly labels: number | undefined;
  /** The whole file, unknown fields included. */
  readonly raw: JsonObject;
}

const WHAT_WORKS =
  'Use a model whose config.json says model_type bert or distilbert, such as MiniLM, BGE, E5, GTE-small, ' +
  'Arctic-embed (v1, xs to m), Contriever or DistilBERT';

/** What each family calls a size in config.json, and what transformers takes where it is missing. */
const FIELDS = {
  bert: {
    hiddenSize: ['hidden_size', 768],
    layers: ['num_hidden_layers', 12],
    heads: ['num_attention_heads', 12],
    intermediateSize: ['intermediate_size', 3072],
    activation: 'hidden_act',
    hiddenDropout: 'hidden_dropout_prob',
    attentionDropout: 'attention_probs_dropout_prob',
  },
  distilbert: {
    hiddenSize: ['dim', 768],
    layers: ['n_layers', 6],
    heads: ['n_heads', 12],
    intermediateSize: ['hidden_dim', 3072],
    activation: 'activation',
    hiddenDropout: 'dropout',
    attentionDropout: 'attention_dropout',
  },
} as const;

const ACTIVATIONS: ReadonlyMap<unknown, Activation> = new Map([
  ['gelu', 'gelu'],
  ['gelu_new', 'gelu_tanh'],
  ['gelu_pytorch_tanh', 'gelu_tanh'],
  ['relu', 'relu'],
]);

/**
 * Reads config.json of a BERT or DistilBERT model.
 * @throws InputError naming what is unsupported or wrong, and what works.
 */
export function readConfig(bytes: Uint8Array<ArrayBuffer>, file: string): EncoderConfig {
  const raw = parseJsonObject(bytes, file);
  const family = familyOf(raw, file);
  refuseUnsupported(raw, file);
  const names = FIELDS[family];
  const size = ([key, fallback]: readonly [string, number], limit: number): number =>
    wholeNumber(raw, key, fallback, limit, file);

  const activation = ownField(raw, names.activation) ?? 'gelu';
  const known = ACTIVATIONS.get(activation);
  if (known === undefined) {
    throw new InputError(`the activation ${shownJson(activation)} is not supported`, {
      file,
      remedy: `Use a model with one of ${[...ACTIVATIONS.keys()].join(', ')}`,
    });
  }
  const shape: EncoderShape = {
    family,
    vocabSize: size(['vocab_size', 30522], 2 ** 24),
    hiddenSize: size(names.hiddenSize, 2 ** 16),
    layers: size(names.layers, 1024),
    heads: size(names.heads, 1024),
    intermediateSize: size(names.intermediateSize, 2 ** 20),
    maxPositions: size(['max_position_embeddings', 512], 2 ** 20),
    segments: family === 'bert' ? size(['type_vocab_size', 2], 1024) : 0,
    layerNormEpsilon: fraction(raw, family === 'bert' ? 'layer_norm_eps' : undefined, 1e-12, file),
    activation: known,
    hiddenDropout: fraction(raw, names.hiddenDropout, 0.1, file),
    attentionDropout: fraction(raw, names.attentionDropout, 0.1, file),
  };
  if (shape.hiddenSize % shape.heads !== 0) {
    throw new InputError(
      `${names.hiddenSize[0]} ${shape.hiddenSize} is not a multiple of ${names.heads[0]} ${shape.heads}`,
      { file, remedy: 'Correct config.json' },
    );
  }
  return { shape, labels: labelCount(raw), raw };
}

export function isEncoderFamily(type: unknown): type is EncoderFamily {
  return type === 'bert' || type === 'distilbert';
}

function familyOf(raw: JsonObject, file: string): EncoderFamily {
  const type = ownField(raw, 'model_type');
  if (isEncoderFamily(type)) return type;
  if (type === undefined) {
    // Models of 2019 say it by their class alone.
    const architectures = ownField(raw, 'architectures');
    const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
    if (typeof first === 'string' && /^Bert[A-Z]/.test(first)) return 'bert';
    if (typeof first === 'string' && /^DistilBert[A-Z]/.test(first)) return 'distilbert';
    throw new InputError('config.json does not say its model_type', { file, remedy: WHAT_WORKS });
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
      remedy: 'Use the checkpoint in F32, F16 or BF16 that it was made from',
    });
  }
}

function labelCount(raw: JsonObject): number | undefined {
  const names = ownField(raw, 'id2label');
  if (isJsonObject(names)) return Object.keys(names).length;
  const count = ownField(raw, 'num_labels');
  return typeof count === 'number' && Number.isInteger(count) && count > 0 ? count : undefined;
}

function wholeNumber(raw: JsonObject, key: string, fallback: number, limit: number, file: string): number {
  const value = ownField(raw, key) ?? fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= limit) return value;
  throw new InputError(`${key} is ${shownJson(value)}, not a whole number from 1 to ${limit}`, {
    file,
    remedy: 'Correct config.json',
  });
}

function fraction(raw: JsonObject, key: string | undefined, fallback: number, file: string): number {
  const value = (key === undefined ? undefined : ownField(raw, key)) ?? fallback;
  if (typeof value === 'number' && value >= 0 && value < 1) return value;
  throw new InputError(`${key ?? ''} is ${shownJson(value)}, not a number from 0 to 1`, {
    file,
    remedy: 'Correct config.json',
  });
}
