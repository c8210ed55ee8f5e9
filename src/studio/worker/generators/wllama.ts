import { bytesText } from '../../words/bytes.ts';
import { definePageGenerator } from './page-generator.ts';

export const wllama = definePageGenerator({
  kind: 'wllama',
  open: async ({ kind, model }, { file }) => {
    const { openBrowserGenerator } = await import('../../../host/browser/generators/open-generator.ts');
    return openBrowserGenerator({ kind, model: file ?? model });
  },
  download: async ({ model }) => {
    const { sizeOfGguf } = await import('../../../host/browser/generators/gguf-files.ts');
    const { bytes, isKept } = await sizeOfGguf(model);
    if (isKept) return { model, text: 'here already' };
    return { model, text: bytes === undefined ? 'of unknown size' : bytesText(bytes) };
  },
});
