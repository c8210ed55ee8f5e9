/** What has to be fetched before a recipe's language models can write. */
import type { WebllmModel } from '../host/browser/generators/webllm-models.ts';
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
  return Promise.all(
    unique.map(async ({ kind, model }) =>
      kind === 'wllama' ? { model, text: await ggufText(model) } : webllmDownload(model),
    ),
  );
}

async function webllmDownload(named: string): Promise<ModelDownload> {
  const { cachedModels, webllmModels } = await import('../host/browser/generators/open-generator.ts');
  const models = await webllmModels();
  const substitute = models.find(({ id }) => id === named)?.substitute;
  const model = substitute ?? named;
  if ((await cachedModels()).webllm.includes(model)) return { model, text: 'here already' };
  return { model, text: await webllmText(models.find(({ id }) => id === model)) };
}

async function webllmText(model: WebllmModel | undefined): Promise<string> {
  if (model === undefined) return 'of unknown size';
  const { sizeOfWebllm } = await import('../host/browser/generators/webllm-size.ts');
  const bytes = await sizeOfWebllm(model.address);
  if (bytes !== undefined) return bytesText(bytes);
  // Its weights are the largest part of what it needs of the GPU.
  return model.memoryMb === undefined ? 'of unknown size' : `at most ${bytesText(model.memoryMb * 1e6)}`;
}

async function ggufText(model: string): Promise<string> {
  const { sizeOfGguf } = await import('../host/browser/generators/gguf-files.ts');
  const { bytes, isKept } = await sizeOfGguf(model);
  if (isKept) return 'here already';
  return bytes === undefined ? 'of unknown size' : bytesText(bytes);
}
