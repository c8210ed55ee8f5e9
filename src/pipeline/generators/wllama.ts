import { textSetting } from '../../core/setting.ts';
import { defineGenerator } from '../generator.ts';

/** A GGUF model in a browser. */
export const wllama = defineGenerator({
  kind: 'wllama',
  title: 'wllama: any GGUF model, no GPU required',
  about: 'Texts stay on this device, at no cost. Expect a few words per second on the CPU.',
  settings: {
    model: textSetting({
      title: 'GGUF file',
      help: 'Address of a GGUF file, or ORG/NAME/FILE on the hub.',
      wanted: 'a GGUF file of the hub, as in ORG/NAME/FILE.gguf, or an address, or drop the file',
      isRequired: true,
      example: 'ORG/NAME/FILE.gguf or https://…',
      form: 'first',
    }),
  },
  named: { by: 'model', prefix: 'wllama:' },
  describe: ({ model }) => `${model} with wllama`,
  // Addresses and names of a hub have slashes.
  droppedFile: ({ model }) => (model === '' || model.includes('/') ? undefined : model),
});
