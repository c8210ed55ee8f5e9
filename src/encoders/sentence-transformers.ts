/**
 * The settings that sentence-transformers keeps around a transformer: which modules follow it, how tokens are
 * pooled, prompts, the longest sequence. Both the layout up to version 4 (`sentence_bert_config.json`,
 * `pooling_mode_mean_tokens`) and the newer one (`pooling_mode: "mean"`, the length in tokenizer_config.json) are read.
 */
import type { ModelFolder } from '../host/contract.ts';
import { printable } from '../core/shown.ts';
import { InputError } from '../core/errors.ts';
import { transformerFamilies } from './families/index.ts';
import { ownField, parseJsonObject, shownJson, type JsonObject } from '../formats/json-file.ts';
import {
  comparesByCosine,
  LIBRARY_FILE,
  pathIn,
  readModuleList,
  readOptional,
  readPrompts,
} from './sentence-transformers-files.ts';
import type { EncoderShape, EncodingConfig, EncodingOverrides, Pooling } from './types.ts';

/** Old versions wrote the family's name into this one; where there are several, the first has the last word. */
const TRANSFORMER_FILES = transformerFamilies.map(({ name }) => `sentence_${name}_config.json`);

export interface EncodingSettings {
  readonly encoding: EncodingConfig;
  /** Whether every text is put into lower case before it is tokenized. */
  readonly lowerCase: boolean;
  /** Settings that the folder leaves open and the user may want to set; one sentence each. */
  readonly advice: readonly string[];
}

/** The part of a model's shape that the settings need. */
type Positions = Pick<EncoderShape, 'maxPositions'>;

const WHAT_MODULES =
  'Use a model made of a transformer, a pooling and a normalization, or remove modules.json and set pooling and normalization yourself';

/** [CLS], one token, [SEP]. */
const SHORTEST = 3;

/**
 * Reads the encoding settings of a model folder. Without modules.json: mean pooling, cosine.
 * @throws InputError for modules and settings that the studio cannot follow.
 */
export async function readEncodingSettings(
  folder: ModelFolder,
  shape: Positions,
  overrides: EncodingOverrides = {},
): Promise<EncodingSettings> {
  const modules = await readModules(folder);
  const library = await readOptional(folder, LIBRARY_FILE);
  const prompts = readPrompts(library, folder);
  const pooling = modules.pooling === undefined ? undefined : await readPooling(folder, modules.pooling);
  const { maxLength, lowerCase } = await readTransformerSettings(folder, shape);

  const encoding: EncodingConfig = {
    pooling: overrides.pooling ?? pooling?.mode ?? 'mean',
    normalize: overrides.normalize ?? (modules.normalize || comparesByCosine(library, folder)),
    queryPrefix: overrides.queryPrefix ?? prompts.query,
    passagePrefix: overrides.passagePrefix ?? prompts.passage,
    queryMaxLength: checkedLength(overrides.queryMaxLength, shape) ?? maxLength,
    passageMaxLength: checkedLength(overrides.passageMaxLength, shape) ?? maxLength,
  };
  if (pooling?.excludesPrompt && (encoding.queryPrefix !== '' || encoding.passagePrefix !== '')) {
    throw new InputError('the pooling excludes the prompt (include_prompt: false), which is not supported', {
      file: pathIn(folder, `${modules.pooling ?? ''}/config.json`),
      remedy: 'Set both prefixes to empty texts, or use a model that pools over all tokens',
    });
  }
  return { encoding, lowerCase, advice: adviceOn(folder.name, encoding, overrides, library) };
}

interface Modules {
  /** The folder of the pooling module's settings. */
  readonly pooling: string | undefined;
  readonly normalize: boolean;
}

async function readModules(folder: ModelFolder): Promise<Modules> {
  const modules = await readModuleList(folder);
  if (modules === undefined) return { pooling: undefined, normalize: false };
  const file = pathIn(folder, 'modules.json');
  for (const { kind, type } of modules) {
    if (kind === 'Transformer' || kind === 'Pooling' || kind === 'Normalize') continue;
    throw new InputError(`the module ${shownJson(type)} is not supported`, { file, remedy: WHAT_MODULES });
  }
  const order = modules.map(({ kind }) => kind).join(', ');
  const transformer = modules.find(({ kind }) => kind === 'Transformer')?.path ?? '';
  if (transformer !== '') {
    throw new InputError(`the transformer is in the subfolder ${transformer}, which is not supported`, {
      file,
      remedy: 'Save the model again with a current sentence-transformers',
    });
  }
  if (order !== 'Transformer, Pooling' && order !== 'Transformer, Pooling, Normalize') {
    throw new InputError(`the modules are ${order || 'none'}`, { file, remedy: WHAT_MODULES });
  }
  return { pooling: modules[1]?.path, normalize: modules.length === 3 };
}

async function readPooling(
  folder: ModelFolder,
  path: string,
): Promise<{ mode: Pooling; excludesPrompt: boolean }> {
  const file = `${path}/config.json`;
  const config = parseJsonObject(await folder.read(file), pathIn(folder, file));
  const prefix = 'pooling_mode_';
  const single = ownField(config, 'pooling_mode');
  const modes =
    single === undefined
      ? Object.keys(config).filter((key) => key.startsWith(prefix) && ownField(config, key) === true)
      : Array.isArray(single)
        ? (single as readonly unknown[])
        : [single];
  const mode = modes[0];
  const excludesPrompt = ownField(config, 'include_prompt') === false;
  if (modes.length === 1) {
    if (mode === 'cls' || mode === 'pooling_mode_cls_token') return { mode: 'cls', excludesPrompt };
    if (mode === 'mean' || mode === 'pooling_mode_mean_tokens') return { mode: 'mean', excludesPrompt };
  }
  throw new InputError(
    `the pooling ${printable(modes.map(String).join(' and ')) || 'none'} is not supported`,
    {
      file: pathIn(folder, file),
      remedy: 'Use a model with CLS or mean pooling',
    },
  );
}

async function readTransformerSettings(
  folder: ModelFolder,
  shape: Positions,
): Promise<{ maxLength: number; lowerCase: boolean }> {
  let settings: JsonObject = {};
  for (const path of TRANSFORMER_FILES) settings = { ...(await readOptional(folder, path)), ...settings };
  const tokenizer = await readOptional(folder, 'tokenizer_config.json');
  const stated = ownField(settings, 'max_seq_length') ?? ownField(tokenizer, 'model_max_length');
  // transformers writes 1e30 where a tokenizer has no limit of its own.
  const usable = typeof stated === 'number' && stated >= SHORTEST ? Math.floor(stated) : shape.maxPositions;
  return {
    maxLength: Math.min(usable, shape.maxPositions),
    lowerCase: ownField(settings, 'do_lower_case') === true,
  };
}

function checkedLength(length: number | undefined, shape: Positions): number | undefined {
  if (length === undefined) return undefined;
  if (Number.isInteger(length) && length >= SHORTEST && length <= shape.maxPositions) return length;
  throw new InputError(`a maximum length of ${length} tokens is not possible with this model`, {
    remedy: `Choose a whole number from ${SHORTEST} to ${shape.maxPositions}`,
  });
}

/** Families whose folders often lack what their model cards ask for. Pointed out, never guessed. */
function adviceOn(
  name: string,
  encoding: EncodingConfig,
  overrides: EncodingOverrides,
  library: JsonObject,
): string[] {
  const advice: string[] = [];
  const plain = encoding.queryPrefix === '' && encoding.passagePrefix === '';
  const asked = overrides.queryPrefix !== undefined || overrides.passagePrefix !== undefined;
  const model = name.split(/[\\/]/).at(-1)?.toLowerCase() ?? '';
  if (plain && !asked) {
    if (/(^|[-_])e5([-_]|$)/.test(model)) {
      advice.push(
        'E5 models expect the query prefix "query: " and the passage prefix "passage: ", but the folder has no prompts.',
      );
    } else if (/(^|[-_])bge[-_].*en|arctic[-_]embed/.test(model)) {
      advice.push(
        'English BGE and Arctic-embed models expect the query prefix "Represent this sentence for searching relevant passages: ", but the folder has no prompts.',
      );
    }
  }
  if (
    /contriever|(^|[-_])dot([-_]|$)/.test(model) &&
    overrides.normalize === undefined &&
    encoding.normalize &&
    ownField(library, 'similarity_fn_name') === undefined
  ) {
    advice.push(
      'The name suggests a model trained with dot product similarity, but the folder does not specify it; vectors are normalized unless you turn that off.',
    );
  }
  return advice;
}
