import { textSetting } from '../../core/setting.ts';
import { defineGenerator } from '../generator.ts';

/** A model on the GPU of a browser. */
export const webllm = defineGenerator({
  kind: 'webllm',
  title: 'WebLLM: a model on this GPU',
  about: 'Texts stay on this device, at no cost.',
  settings: {
    model: textSetting({
      title: 'model',
      help: 'A model id of WebLLM.',
      wanted: 'a model of WebLLM',
      isRequired: true,
      form: 'first',
    }),
  },
  named: { by: 'model', prefix: 'webllm:' },
  describe: ({ model }) => `${model} with WebLLM`,
});
