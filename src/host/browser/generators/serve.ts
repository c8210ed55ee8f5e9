import { serveCalls } from '../../channel.ts';
import { InputError } from '../../../core/errors.ts';
import { workerPort } from '../worker-tasks.ts';
import type { Engine, OnLoadProgress } from './engine.ts';
import type { GenerationCalls, LocalModel } from './protocol.ts';

/** Makes this worker a generation worker: it loads one model and writes what the page asks for. */
export function serveGeneration(): void {
  let engine: Engine | undefined;
  serveCalls<GenerationCalls>(workerPort(), {
    load: async ({ model }, { tell }) => {
      engine = await openEngine(model, tell);
      return null;
    },
    generate: ({ request }, { signal, tell }) => {
      if (engine === undefined)
        throw new InputError('no model is loaded', { remedy: 'Re-run after loading a model' });
      return engine.generate(request, { signal, onToken: () => tell(null) });
    },
    close: async () => {
      await engine?.close();
      return null;
    },
    records: async () => (await webllm()).webllmRecords(),
    cachedWebllm: async ({ records }) => (await webllm()).cachedWebllm(records),
    forgetWebllm: async ({ folder }) => {
      await (await webllm()).forgetWebllm(folder);
      return null;
    },
  });
}

/** Each library is fetched when it is first needed. */
async function openEngine(model: LocalModel, onProgress: OnLoadProgress): Promise<Engine> {
  if (model.kind === 'webllm') return (await webllm()).openWebllm(model, onProgress);
  const { openWllama } = await import('./wllama-engine.ts');
  return openWllama(model, onProgress);
}

const webllm = () => import('./webllm-engine.ts');
