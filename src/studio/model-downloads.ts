/** What has to be fetched before a recipe's language models can write. */
import type { RecipeInput } from '../recipes/schema.ts';
import { isDroppedModel } from './dropped-model.ts';
import { bytesText } from './words/bytes.ts';

export interface ModelDownload {
  readonly model: string;
  /** `about 400.0 MB`. */
  readonly text: string;
}

/** Of the models that run in the tab. Their hosts are asked for sizes; who does not answer has an unknown one. */
export async function modelDownloads(recipe: RecipeInput): Promise<readonly ModelDownload[]> {
  const named = Object.values(recipe.generators ?? {}).flatMap((generator) =>
    generator.kind === 'webllm' || (generator.kind === 'wllama' && !isDroppedModel(generator.model))
      ? [generator]
      : [],
  );
  const unique = [...new Map(named.map((each) => [each.model, each])).values()];
  if (unique.length === 0) return [];
  const { cachedModels, webllmModels } = await import('../host/browser/generators/open-generator.ts');
  const { webllm } = await cachedModels();
  return Promise.all(
    unique.map(async ({ kind, model }) => {
      if (kind === 'wllama') return { model, text: await ggufText(model) };
      if (webllm.includes(model)) return { model, text: 'here already' };
      const memoryMb = (await webllmModels()).find(({ id }) => id === model)?.memoryMb;
      // Its weights are the largest part of what it needs of the GPU.
      return {
        model,
        text: memoryMb === undefined ? 'of unknown size' : `at most ${bytesText(memoryMb * 1e6)}`,
      };
    }),
  );
}

async function ggufText(model: string): Promise<string> {
  const { sizeOfGguf } = await import('../host/browser/generators/gguf-files.ts');
  const { bytes, isKept } = await sizeOfGguf(model);
  if (isKept) return 'here already';
  return bytes === undefined ? 'of unknown size' : bytesText(bytes);
}
