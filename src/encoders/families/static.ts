import { InputError } from '../../core/errors.ts';
import {
  isJsonObject,
  jsonFile,
  ownField,
  parseJsonObject,
  shownJson,
  type JsonObject,
} from '../../formats/json-file.ts';
import {
  fromFloat32,
  safetensorsChunks,
  toFloat16,
  toInt8,
  type StoredTensor,
} from '../../formats/safetensors.ts';
import { gather } from '../../graph/ops/indexing.ts';
import type { ModelFolder } from '../../host/contract.ts';
import {
  comparesByCosine,
  LIBRARY_FILE,
  pathIn,
  readModuleList,
  readOptional,
  readPrompts,
} from '../sentence-transformers-files.ts';
import { plainTokenizer } from '../tokenizer.ts';
import {
  unlimitedLength,
  type EncoderFile,
  type EncoderModel,
  type EncoderShape,
  type EncodingConfig,
  type EncodingOverrides,
  type StoredWeights,
} from '../types.ts';
import type { TableFamily } from './family.ts';
import { foldedTable } from './static-table.ts';

const table = 'embedding.weight';
/** What sentence-transformers calls the module, and its folder. */
const moduleName = 'StaticEmbedding';
const moduleFolder = `0_${moduleName}`;
/** What model2vec writes into config.json. */
const className = 'StaticModel';
const model2vec = { model_type: 'model2vec', architectures: [className] };

/**
 * Static encoders: a text's vector is the mean of its tokens' rows in a table. Their folders are those of
 * sentence-transformers' StaticEmbedding, or of model2vec (Tulkens and van Dongen 2024).
 */
export const staticEmbedding: TableFamily = {
  name: 'static',
  title: moduleName,
  className,
  examples: ['static-retrieval-mrl-en-v1', 'potion-retrieval-32M'],
  isTable: true,
  wordEmbeddings: table,
  parameters: ({ vocabSize, hiddenSize }) => new Map([[table, [vocabSize, hiddenSize]]]),
  linearLayers: () => [],
  depthOf: () => 0,
  forward: (graph, { ids }, { shape }) => {
    const rows = gather(graph.input(table, [shape.vocabSize, shape.hiddenSize]), ids);
    return { embedded: rows, hidden: rows, dropoutSites: [] };
  },
  owns: async (folder) => {
    if (await isModel2vec(folder)) return true;
    // A list that cannot be read is for whoever reads the folder to refuse.
    const modules = await readModuleList(folder).catch(() => undefined);
    return modules?.[0]?.kind === moduleName;
  },
  read: readStatic,
  files: (model, weights) =>
    weights === 'I8' || ownField(model.baggage.config, 'model_type') === model2vec.model_type
      ? model2vecFiles(model, tableWeights(weights))
      : moduleFiles(model, tableWeights(weights)),
};

async function isModel2vec(folder: ModelFolder): Promise<boolean> {
  if (!(await folder.has('config.json'))) return false;
  const config = parseJsonObject(await folder.read('config.json'), pathIn(folder, 'config.json'));
  return ownField(config, 'model_type') === model2vec.model_type;
}

/** The fields of model2vec's config.json: those that the studio follows, and those that only say how the model was made. */
const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  ...['model_type', 'architectures', 'normalize', 'max_length', 'embedding_dtype', 'vocabulary_quantization'],
  ...['tokenizer_name', 'apply_pca', 'apply_zipf', 'sif_coefficient', 'hidden_dim', 'seq_length', 'pooling'],
]);
/** Tokens of a text at most where model2vec's config.json does not say. */
const usualLength = 512;

/** How a folder turns texts into tokens and tokens into vectors. */
interface Layout {
  /** Of tokenizer.json and model.safetensors, with a slash at the end; empty for the folder itself. */
  readonly path: string;
  readonly config: JsonObject;
  readonly normalize: boolean;
  readonly maxLength: number;
  readonly isModel2vec: boolean;
}

async function readStatic(folder: ModelFolder, overrides: EncodingOverrides): Promise<EncoderModel> {
  const library = await readOptional(folder, LIBRARY_FILE);
  const layout = (await isModel2vec(folder))
    ? await model2vecLayout(folder)
    : await moduleLayout(folder, library);
  const { path, config, maxLength } = layout;
  const tokenizerPath = `${path}tokenizer.json`;
  const tokenizerFile = pathIn(folder, tokenizerPath);
  const bytes = await folder.read(tokenizerPath);
  const definition = parseJsonObject(bytes, tokenizerFile);
  const tokenizer = plainTokenizer(
    definition,
    tokenizerFile,
    layout.isModel2vec ? { dropsUnknown: true, cutsCharacters: true } : {},
  );
  const weightsPath = `${path}model.safetensors`;
  const { dims, data } = foldedTable(
    await folder.read(weightsPath),
    pathIn(folder, weightsPath),
    layout.isModel2vec ? 'embeddings' : table,
    layout.normalize,
  );
  const [vocabSize = 0, hiddenSize = 0] = dims;
  if (tokenizer.vocabSize > vocabSize) {
    throw new InputError(
      `the tokenizer does not match the table of token vectors: its ids go up to ${tokenizer.vocabSize - 1}, but the table has ${vocabSize} rows`,
      { file: tokenizerFile, remedy: 'Use the tokenizer file that belongs to the model' },
    );
  }
  const prompts = readPrompts(library, folder);
  const encoding: EncodingConfig = {
    pooling: meanPooling(overrides.pooling, folder),
    normalize: overrides.normalize ?? layout.normalize,
    queryPrefix: overrides.queryPrefix ?? prompts.query,
    passagePrefix: overrides.passagePrefix ?? prompts.passage,
    queryMaxLength: overrides.queryMaxLength ?? maxLength,
    passageMaxLength: overrides.passageMaxLength ?? maxLength,
  };
  const files = new Map([['tokenizer.json', bytes]]);
  if (layout.isModel2vec) files.set('config.json', await folder.read('config.json'));
  return {
    name: folder.name,
    shape: shapeOf(vocabSize, hiddenSize),
    encoding,
    weights: new Map([[table, { dims: [vocabSize, hiddenSize], data }]]),
    tokenizer,
    baggage: { config, files, license: undefined },
  };
}

function shapeOf(vocabSize: number, hiddenSize: number): EncoderShape {
  return {
    ...{ family: staticEmbedding.name, vocabSize, hiddenSize },
    ...{ layers: 0, heads: 1, intermediateSize: 0, maxPositions: unlimitedLength, segments: 0 },
    ...{ layerNormEpsilon: 0, activation: 'relu', hiddenDropout: 0, attentionDropout: 0 },
  };
}

function meanPooling(asked: EncodingOverrides['pooling'], folder: ModelFolder): 'mean' {
  if (asked === undefined || asked === 'mean') return 'mean';
  throw new InputError(`a static encoder has no ${asked} pooling`, {
    file: folder.name,
    remedy: 'Choose mean pooling, or leave it to the model',
  });
}

async function model2vecLayout(folder: ModelFolder): Promise<Layout> {
  const file = pathIn(folder, 'config.json');
  const config = parseJsonObject(await folder.read('config.json'), file);
  const refuse = (problem: string): never => {
    throw new InputError(problem, {
      file,
      remedy: 'Use a model that model2vec has saved, or remove the field if it changes no vectors',
    });
  };
  for (const field of Object.keys(config)) {
    if (!KNOWN_FIELDS.has(field)) refuse(`the field ${shownJson(field)} is unknown in a model2vec model`);
  }
  const normalize = ownField(config, 'normalize') ?? false;
  if (typeof normalize !== 'boolean')
    return refuse(`normalize is ${shownJson(normalize)}, not true or false`);
  const stated =
    ownField(config, 'max_length') === null
      ? unlimitedLength
      : (ownField(config, 'max_length') ?? usualLength);
  if (typeof stated !== 'number' || !Number.isInteger(stated) || stated < 1) {
    return refuse(`max_length is ${shownJson(stated)}, not a whole number above 0`);
  }
  return { path: '', config, normalize, maxLength: Math.min(stated, unlimitedLength), isModel2vec: true };
}

async function moduleLayout(folder: ModelFolder, library: JsonObject): Promise<Layout> {
  const modules = (await readModuleList(folder)) ?? [];
  const order = modules.map(({ kind }) => kind ?? 'unknown').join(', ');
  if (order !== moduleName && order !== `${moduleName}, Normalize`) {
    throw new InputError(`the modules are ${order}`, {
      file: pathIn(folder, 'modules.json'),
      remedy: 'Use a model made of a table of token vectors and a normalization',
    });
  }
  const inFolder = modules[0]?.path ?? '';
  const path = inFolder === '' ? '' : `${inFolder}/`;
  const { truncation } = await readOptional(folder, `${path}tokenizer.json`);
  const longest = isJsonObject(truncation) ? ownField(truncation, 'max_length') : undefined;
  return {
    path,
    config: {},
    normalize: modules.length === 2 || comparesByCosine(library, folder),
    maxLength:
      typeof longest === 'number' && longest >= 1
        ? Math.min(Math.floor(longest), unlimitedLength)
        : unlimitedLength,
    isModel2vec: false,
  };
}

const stores = { F32: fromFloat32, F16: toFloat16, I8: toInt8 } as const;
const numpyTypes = { F32: 'float32', F16: 'float16', I8: 'int8' } as const;

type TableWeights = keyof typeof stores;

function tableWeights(type: StoredWeights): TableWeights {
  if (type === 'F8_E4M3') throw new RangeError('only transformers are stored as float8');
  return type;
}

function storedTable(
  name: string,
  { shape, weights }: EncoderModel,
  type: TableWeights,
): EncoderFile['content'] {
  const stored = weights.get(table);
  if (stored === undefined) throw new RangeError(`the model has no tensor ${table}`);
  const tensors = new Map<string, StoredTensor>([
    [name, stores[type]([shape.vocabSize, shape.hiddenSize], stored.data)],
  ]);
  return { [Symbol.iterator]: () => safetensorsChunks(tensors, new Map([['format', 'pt']])) };
}

/** The folder of sentence-transformers. */
function moduleFiles(model: EncoderModel, weights: TableWeights): EncoderFile[] {
  return [
    { path: 'modules.json', content: modulesFile(moduleFolder, model.encoding.normalize) },
    { path: `${moduleFolder}/tokenizer.json`, content: tokenizerFile(model) },
    { path: `${moduleFolder}/model.safetensors`, content: storedTable(table, model, weights) },
  ];
}

/** The folder of model2vec, which sentence-transformers opens as well. */
function model2vecFiles(model: EncoderModel, weights: TableWeights): EncoderFile[] {
  // Each token has a row of its own by now.
  const kept = Object.entries(model.baggage.config).filter(([field]) => field !== 'vocabulary_quantization');
  const length = longest(model);
  const settings = {
    ...Object.fromEntries(kept),
    ...model2vec,
    hidden_dim: model.shape.hiddenSize,
    normalize: model.encoding.normalize,
    max_length: length < unlimitedLength ? length : null,
    embedding_dtype: numpyTypes[weights],
  };
  return [
    { path: 'config.json', content: jsonFile(settings) },
    { path: 'modules.json', content: modulesFile('.', model.encoding.normalize) },
    { path: 'tokenizer.json', content: tokenizerFile(model) },
    { path: 'tokenizer_config.json', content: jsonFile(tokenizerSettings(model)) },
    { path: 'model.safetensors', content: storedTable('embeddings', model, weights) },
  ];
}

function modulesFile(path: string, normalize: boolean): Uint8Array<ArrayBuffer> {
  const module = (idx: number, place: string, type: string): JsonObject => ({
    ...{ idx, name: String(idx), path: place, type: `sentence_transformers.models.${type}` },
  });
  return jsonFile([
    module(0, path, moduleName),
    ...(normalize ? [module(1, '1_Normalize', 'Normalize')] : []),
  ]);
}

function longest({ encoding }: EncoderModel): number {
  return Math.max(encoding.queryMaxLength, encoding.passageMaxLength);
}

/** What transformers.js needs beside tokenizer.json: without it, it opens no tokenizer and pads no batch. */
function tokenizerSettings({ baggage }: EncoderModel): JsonObject {
  const bytes = baggage.files.get('tokenizer.json');
  const { added_tokens: added } = bytes === undefined ? {} : parseJsonObject(bytes, 'tokenizer.json');
  const names = (Array.isArray(added) ? added : []).map((token) =>
    isJsonObject(token) ? ownField(token, 'content') : undefined,
  );
  const padding = names.find((name) => name === '[PAD]' || name === '<pad>');
  return { tokenizer_class: 'PreTrainedTokenizerFast', ...(padding !== undefined && { pad_token: padding }) };
}

/** As it was read, but for the length at which it cuts texts where that has changed. */
function tokenizerFile(model: EncoderModel): Uint8Array<ArrayBuffer> {
  const bytes = model.baggage.files.get('tokenizer.json');
  if (bytes === undefined) throw new RangeError('the model has no tokenizer.json');
  const definition = parseJsonObject(bytes, 'tokenizer.json');
  const { truncation } = definition;
  const length = longest(model);
  const before = isJsonObject(truncation) ? truncation.max_length : unlimitedLength;
  if (before === length) return bytes;
  return jsonFile({
    ...definition,
    truncation:
      length < unlimitedLength
        ? { direction: 'Right', max_length: length, strategy: 'LongestFirst', stride: 0 }
        : null,
  });
}
