import { openAiSettingTable } from '../../host/generators/openai-setting-table.ts';
import { baseAddress } from '../../host/generators/server-address.ts';
import { defineGenerator } from '../generator.ts';

/** A server that speaks OpenAI's protocol. */
export const http = defineGenerator({
  kind: 'http',
  title: 'A server: vLLM, llama.cpp, Ollama, LM Studio',
  about: 'Texts are sent to the server at this address, which may charge for them.',
  settings: openAiSettingTable,
  named: { by: 'address', prefix: '' },
  describe: ({ model, address }) => `${model} at ${address}`,
  check: ({ address }, path, faults) => void faults.attempt([...path, 'address'], () => baseAddress(address)),
  server: ({ address }) => address,
  open: async (settings, { key, pageOrigin }) => {
    // Recipes that write nothing load nothing of it.
    const { openAiGenerator } = await import('../../host/generators/openai.ts');
    return openAiGenerator({ ...settings, key, pageOrigin });
  },
});
