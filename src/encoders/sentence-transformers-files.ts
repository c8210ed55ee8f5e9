/** The files that sentence-transformers writes around a model, whatever the model is. */
import type { ModelFolder } from '../host/contract.ts';
import { InputError } from '../core/errors.ts';
import {
  isJsonObject,
  ownField,
  parseJsonFile,
  parseJsonObject,
  shownJson,
  type JsonObject,
} from '../formats/json-file.ts';

/** Prompts, and how vectors are compared. */
export const LIBRARY_FILE = 'config_sentence_transformers.json';

export function pathIn(folder: ModelFolder, path: string): string {
  return `${folder.name}/${path}`;
}

/** A JSON file of the folder; an empty object where there is none. */
export async function readOptional(folder: ModelFolder, path: string): Promise<JsonObject> {
  return (await folder.has(path)) ? parseJsonObject(await folder.read(path), pathIn(folder, path)) : {};
}

/** One of the modules that a text goes through. */
export interface ListedModule {
  /** The class's name without its package; undefined for other packages' classes. */
  readonly kind: string | undefined;
  /** As the file has it. */
  readonly type: unknown;
  /** The folder of its files, empty for the model's own. */
  readonly path: string;
}

/** What modules.json lists; undefined where there is none. */
export async function readModuleList(folder: ModelFolder): Promise<readonly ListedModule[] | undefined> {
  if (!(await folder.has('modules.json'))) return undefined;
  const file = pathIn(folder, 'modules.json');
  const list = parseJsonFile(await folder.read('modules.json'), file);
  const remedy = 'Fix modules.json, or download the model again';
  if (!Array.isArray(list)) throw new InputError('the file contains no list of modules', { file, remedy });
  return list.map((module: unknown) => {
    const type = isJsonObject(module) ? ownField(module, 'type') : undefined;
    const stated = isJsonObject(module) ? ownField(module, 'path') : undefined;
    const path = stated === '.' ? '' : stated;
    const kind =
      typeof type === 'string' ? /^sentence_transformers\.(?:[\w.]+\.)?(\w+)$/.exec(type)?.[1] : undefined;
    if (kind !== undefined && (typeof path !== 'string' || !/^[\w.-]*$/.test(path) || path.startsWith('.'))) {
      throw new InputError(`the module ${kind} has the invalid path ${shownJson(path)}`, { file, remedy });
    }
    return { kind, type, path: typeof path === 'string' ? path : '' };
  });
}

/** What is put before queries and passages. */
export function readPrompts(library: JsonObject, folder: ModelFolder): { query: string; passage: string } {
  const prompts = ownField(library, 'prompts') ?? {};
  if (!isJsonObject(prompts) || Object.values(prompts).some((text) => typeof text !== 'string')) {
    throw new InputError('the prompts are not an object of texts', {
      file: pathIn(folder, LIBRARY_FILE),
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

/** Whether scores are cosines, which sentence-transformers assumes where the folder does not say. */
export function comparesByCosine(library: JsonObject, folder: ModelFolder): boolean {
  const similarity = ownField(library, 'similarity_fn_name') ?? 'cosine';
  if (similarity === 'cosine') return true;
  if (similarity === 'dot') return false;
  throw new InputError(`the similarity ${shownJson(similarity)} is not supported`, {
    file: pathIn(folder, LIBRARY_FILE),
    remedy: 'Use a model with cosine or dot product similarity',
  });
}
