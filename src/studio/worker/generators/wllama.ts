import { sizeOfGguf } from '../../../host/browser/generators/gguf-files.ts';
import { openBrowserGenerator } from '../../../host/browser/generators/open-generator.ts';
import { bytesText } from '../../words/bytes.ts';
import { definePageGenerator } from './page-generator.ts';

export const wllama = definePageGenerator({
  kind: 'wllama',
  open: ({ kind, model }, { file }) => Promise.resolve(openBrowserGenerator({ kind, model: file ?? model })),
  download: async ({ model }) => {
    const { bytes, isKept } = await sizeOfGguf(model);
    if (isKept) return { model, text: 'here already' };
    return { model, text: bytes === undefined ? 'of unknown size' : bytesText(bytes) };
  },
});
