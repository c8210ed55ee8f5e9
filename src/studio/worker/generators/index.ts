/** The kinds of generators that the page opens in its own way. */
import { generatorKind } from '../../../pipeline/generators/index.ts';
import type { RecipeInput } from '../../../pipeline/schema.ts';
import type { ModelDownload } from '../../protocol.ts';
import type { PageGenerator } from './page-generator.ts';
import { webllm } from './webllm.ts';
import { wllama } from './wllama.ts';

export const pageKinds: readonly PageGenerator[] = [webllm, wllama];

/** What has to be fetched before a recipe's language models can write. */
export async function modelDownloads({ generators }: RecipeInput): Promise<readonly ModelDownload[]> {
  const downloads = Object.values(generators ?? {}).map(async (generator) => {
    if (generatorKind(generator.kind).droppedFile?.(generator) !== undefined) return undefined;
    return pageKinds.find(({ kind }) => kind === generator.kind)?.download?.(generator);
  });
  const found = (await Promise.all(downloads)).filter((each) => each !== undefined);
  return [...new Map(found.map((each) => [each.model, each])).values()];
}
