import {
  cachedWebllm,
  openBrowserGenerator,
  webllmModels,
} from '../../../host/browser/generators/open-generator.ts';
import { sizeOfWebllm } from '../../../host/browser/generators/webllm-files.ts';
import type { WebllmModel } from '../../../host/browser/generators/webllm-models.ts';
import { bytesText } from '../../words/bytes.ts';
import { definePageGenerator } from './page-generator.ts';

export const webllm = definePageGenerator({
  kind: 'webllm',
  open: ({ kind, model }) => Promise.resolve(openBrowserGenerator({ kind, model })),
  download: async ({ model: named }) => {
    const models = await webllmModels();
    const model = models.find(({ id }) => id === named)?.substitute ?? named;
    if ((await cachedWebllm()).includes(model)) return { model, text: 'here already' };
    return { model, text: await sizeText(models.find(({ id }) => id === model)) };
  },
});

async function sizeText(model: WebllmModel | undefined): Promise<string> {
  if (model === undefined) return 'of unknown size';
  const bytes = await sizeOfWebllm(model.address);
  if (bytes !== undefined) return bytesText(bytes);
  // Its weights are the largest part of what it needs of the GPU.
  return model.memoryMb === undefined ? 'of unknown size' : `at most ${bytesText(model.memoryMb * 1e6)}`;
}
