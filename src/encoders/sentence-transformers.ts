/**
 * The settings that sentence-transformers keeps around a transformer: which modules follow it, how tokens are
 * pooled, prompts, the longest sequence. Both the layout up to version 4 (`sentence_bert_config.json`,
 * `pooling_mode_mean_tokens`) and the newer one (`pooling_mode: "mean"`, the length in tokenizer_config.json) are read.
 */
import type { ModelFolder } from '../host/contract.ts';
import { printable } from '../core/shown.ts';
import { InputError } from '../core/errors.ts';
import { encoderFamilies } from './families/index.ts';
import {
  isJsonObject,
  ownField,
  parseJsonFile,
  parseJsonObject,
  shownJson,
  type JsonObject,
} from '../formats/json-file.ts';
import type { EncoderShape, EncodingConfig, Pooling } from './types.ts';

/** Old versions wrote the family's name into this one; where there are several, the first has the last word. */
const TRANSFORMER_FILES = encoderFamilies.map(({ name }) => `sentence_${name}_config.json`);

/** Settings by which the user overrides the folder. */
export type EncodingOverrides = { readonly [Key in keyof EncodingConfig]?: EncodingConfig[Key] | undefined };

export interface EncodingSettings {
  readonly encoding: EncodingConfig;
  /** Whether every text is put into lower case before it is tokenized. */
  readonly lowerCase: boolean;
  /** Settings that the folder leaves open and the user may want to set; one sentence each. */
  readonly advice: readonly string[];
}

/** The part of a model's shape that the settings need. */
type Positions = Pick<EncoderShape, 'maxPositions'>;

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
  const library = await readOptional(folder, 'config_sentence_transformers.json');
  const prompts = readPrompts(library, pathIn(folder, 'config_sentence_transformers.json'));
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

function pathIn(folder: ModelFolder, path: string): string {
  return `${folder.name}/${path}`;
}

async function readOptional(folder: ModelFolder, path: string): Promise<JsonObject> {
  return (await folder.has(path)) ? parseJsonObject(await folder.read(path), pathIn(folder, path)) : {};
}

interface Modules {
  /** The folder of the pooling module's settings. */
  readonly pooling: string | undefined;
  readonly normalize: boolean;
}

async function readModules(folder: ModelFolder): Promise<Modules> {
  if (!(await folder.has('modules.json'))) return { pooling: undefined, normalize: false };
  const file = pathIn(folder, 'modules.json');
  const list = parseJsonFile(await folder.read('modules.json'), file);
  const remedy =
    'Use a model made of a transformer, a pooling and a normalization, or remove modules.json and set pooling and normalization yourself';
  if (!Array.isArray(list)) throw new InputError('the file contains no list of modules', { file, remedy });

  const kinds: string[] = [];
  let pooling: string | undefined;
  for (const module of list as readonly unknown[]) {
    const type = isJsonObject(module) ? ownField(module, 'type') : undefined;
    const path = isJsonObject(module) ? ownField(module, 'path') : undefined;
    const kind =
      typeof type === 'string' ? /^sentence_transformers\.(?:[\w.]+\.)?(\w+)$/.exec(type)?.[1] : undefined;
    if (kind !== 'Transformer' && kind !== 'Pooling' && kind !== 'Normalize') {
      throw new InputError(`the module ${shownJson(type)} is not supported`, { file, remedy });
    }
    if (typeof path !== 'string' || !/^[\w.-]*$/.test(path) || path.startsWith('.')) {
      throw new InputError(`the module ${kind} has the invalid path ${shownJson(path)}`, { file, remedy });
    }
    if (kind === 'Transformer' && path !== '') {
      throw new InputError(`the transformer is in the subfolder ${path}, which is not supported`, {
        file,
        remedy: 'Save the model again with a current sentence-transformers',
      });
    }
    if (kind === 'Pooling') pooling = path;
    kinds.push(kind);
  }
  const order = kinds.join(', ');
  if (order !== 'Transformer, Pooling' && order !== 'Transformer, Pooling, Normalize') {
    throw new InputError(`the modules are ${order || 'none'}`, { file, remedy });
  }
  return { pooling, normalize: kinds.length === 3 };
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

function readPrompts(library: JsonObject, file: string): { query: string; passage: string } {
  const prompts = ownField(library, 'prompts') ?? {};
  if (!isJsonObject(prompts) || Object.values(prompts).some((text) => typeof text !== 'string')) {
    throw new InputError('the prompts are not an object of texts', {
      file,
      remedy: 'Fix or remove the field prompts',
    });
  }
  const fallback = ownField(library, 'default_prompt_name');
  const firstOf = (...names: readonly unknown[]): string => {
    const name = names.find((each) => typeof each === 'string' && Object.hasOwn(prompts, each));
    return typeof name === 'string' ? (ownField(prompts, name) as string) : '';
  };
  return { query: firstOf('query', fallback), passage: firstOf('document', 'passage', 'corpus', fallback) };
}

/** Whether scores are cosines, which sentence-transformers assumes if the folder does not state it. */
function comparesByCosine(library: JsonObject, folder: ModelFolder): boolean {
  const similarity = ownField(library, 'similarity_fn_name') ?? 'cosine';
  if (similarity === 'cosine') return true;
  if (similarity === 'dot') return false;
  throw new InputError(`the similarity ${shownJson(similarity)} is not supported`, {
    file: pathIn(folder, 'config_sentence_transformers.json'),
    remedy: 'Use a model with cosine or dot product similarity',
  });
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
