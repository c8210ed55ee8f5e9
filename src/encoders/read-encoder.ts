import type { ModelFolder } from '../host/contract.ts';
import { InputError } from '../core/errors.ts';
import { readConfig } from './config.ts';
import { ownerOf, transformerOf } from './families/index.ts';
import { readEncodingSettings } from './sentence-transformers.ts';
import { TOKENIZER_FILES } from '../host/model-file-names.ts';
import type { CrossEncoderModel, EncoderModel, EncodingOverrides } from './types.ts';
import { headRows, openCheckpoint, takeWeights } from './weights.ts';

const CLASSIFIER_ADVICE =
  'The weights are those of a classifier or cross-encoder; its head is ignored, and the encoder retrieves poorly until it is trained.';

/**
 * Reads a bi-encoder from its folder. The folder's settings apply unless overridden.
 * @throws InputError naming the file, what is wrong or unsupported, and the remedy.
 */
export async function readEncoder(
  folder: ModelFolder,
  overrides: EncodingOverrides = {},
): Promise<EncoderModel> {
  const owner = await ownerOf(folder);
  if (owner !== undefined) {
    const model = await owner.read(folder, overrides);
    return { ...model, baggage: { ...model.baggage, license: await readLicense(folder) } };
  }
  const opened = await openModel(folder, folder, overrides);
  const { shape, raw, family, encoding, advice, tokenizer, checkpoint } = opened;
  const weights = takeWeights(checkpoint, family, family.parameters(shape), folder.name);
  const isClassifier = headRows(checkpoint, family) !== undefined;

  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const path of [...TOKENIZER_FILES, 'sentence_bert_config.json'])
    if (await folder.has(path)) files.set(path, await folder.read(path));
  const license = await readLicense(folder);
  return {
    name: folder.name,
    shape,
    encoding,
    weights,
    tokenizer,
    baggage: { config: raw, files, license },
    advice: isClassifier ? [...advice, CLASSIFIER_ADVICE] : advice,
  };
}

/**
 * Reads a cross-encoder: a sequence-classification checkpoint with pooler and head.
 * @throws InputError naming the file, what is wrong or unsupported, and the remedy.
 */
export async function readCrossEncoder(folder: ModelFolder): Promise<CrossEncoderModel> {
  const opened = await openModel(folder, crossEncoderSettings(folder));
  const { shape, labels: stated, family, encoding, tokenizer, checkpoint } = opened;
  const labels = headRows(checkpoint, family);
  if (labels === undefined) {
    throw new InputError('the weights have no classification head', {
      file: folder.name,
      remedy: 'Use a cross-encoder (BertForSequenceClassification …), or this model as an encoder',
    });
  }
  if (stated !== undefined && stated !== labels) {
    throw new InputError(
      `config.json specifies ${stated} labels, but the classification head has ${labels}`,
      {
        file: `${folder.name}/config.json`,
        remedy: 'Use the config.json that belongs to the weights',
      },
    );
  }
  const weights = takeWeights(
    checkpoint,
    family,
    new Map([...family.parameters(shape), ...family.classification.parameters(shape, labels)]),
    folder.name,
  );
  return { name: folder.name, shape, labels, maxLength: encoding.passageMaxLength, weights, tokenizer };
}

/** @param settingsFolder where the settings of sentence-transformers are read */
async function openModel(folder: ModelFolder, settingsFolder: ModelFolder, overrides?: EncodingOverrides) {
  const config = readConfig(await folder.read('config.json'), `${folder.name}/config.json`);
  const { shape } = config;
  const family = transformerOf(shape);
  const settings = await readEncodingSettings(settingsFolder, shape, overrides);
  const tokenizer = await family.tokenizer.read(folder, settings);
  if (tokenizer.vocabSize > shape.vocabSize) {
    throw new InputError(
      `the tokenizer does not match the embedding table: its ids go up to ${tokenizer.vocabSize - 1}, but the table has ${shape.vocabSize} rows`,
      { file: folder.name, remedy: 'Use the tokenizer files that belong to the model' },
    );
  }
  return { ...config, ...settings, family, tokenizer, checkpoint: await openCheckpoint(folder) };
}

/** A cross-encoder has no pooling of its own: of the encoding files only the lengths matter. */
export function crossEncoderSettings(folder: ModelFolder): ModelFolder {
  const ignored = new Set(['modules.json', 'config_sentence_transformers.json']);
  return {
    name: folder.name,
    has: async (path) => !ignored.has(path) && (await folder.has(path)),
    read: (path) => folder.read(path),
  };
}

/** The license that the model card's front matter names. */
async function readLicense(folder: ModelFolder): Promise<string | undefined> {
  if (!(await folder.has('README.md'))) return undefined;
  const card = new TextDecoder().decode(await folder.read('README.md'));
  const matter = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card)?.[1];
  const value = matter === undefined ? undefined : /^license:[ \t]*(\S[^\r\n#]*)/m.exec(matter)?.[1]?.trim();
  return value?.replace(/^(['"])(.*)\1$/, '$2');
}
