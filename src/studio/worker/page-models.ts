import type { FileTree } from '../../core/source.ts';
import { openModelFiles, type ModelFilesOptions } from '../../host/browser/model-files.ts';
import type { ModelFiles } from '../../host/contract.ts';
import type { KeptItems } from './kept-items.ts';

/** The page's models, with those that were dropped on it. */
export async function pageModels(
  items: KeptItems,
  options: Omit<ModelFilesOptions, 'folders'>,
): Promise<ModelFiles> {
  const folders = new Map<string, FileTree>();
  for (const { id, kind } of await items.list()) {
    if (kind === 'model') folders.set(id, await items.openTree(id));
  }
  return openModelFiles({ ...options, folders });
}
