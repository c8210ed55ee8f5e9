/** Opens language models that run in this tab. Neither library is loaded before it is used. */
import { readAdapterFacts } from './adapter-facts.ts';
import { LocalGenerator, openGenerationWorker, type LocalGeneratorOptions } from './local-generator.ts';
import type { GenerationCall, GenerationCalls, LocalModel } from './protocol.ts';
import { judgeModels, type AdapterFacts, type WebllmModel, type WebllmRecord } from './webllm-models.ts';

/** Deleting and listing take no longer, and the library may have to be fetched first. */
const silenceMs = 120_000;

/** A model of WebLLM or a GGUF file, in a worker of its own. Nothing is loaded yet. */
export function openBrowserGenerator(
  model: LocalModel,
  options: Partial<LocalGeneratorOptions> = {},
): LocalGenerator {
  return new LocalGenerator(model, { start: startWorker, ...options });
}

/**
 * WebLLM's language models, and whether this device can run them.
 * @param facts of the GPU; by default it is asked
 * @param records custom ones and mirrors; they take precedence over those of the same id
 */
export async function webllmModels(
  facts?: AdapterFacts,
  records: readonly WebllmRecord[] = [],
): Promise<WebllmModel[]> {
  const own = new Set(records.map(({ model_id }) => model_id));
  const listed = (await askOnce('records', {})).filter(({ model_id }) => !own.has(model_id));
  return judgeModels([...records, ...listed], facts ?? (await readAdapterFacts()));
}

/** The ids of WebLLM's models that are here whole. */
export function cachedWebllm(records?: readonly WebllmRecord[]): Promise<readonly string[]> {
  return askOnce('cachedWebllm', { records });
}

/** Asks a new worker, and terminates it afterwards. */
export async function askOnce<Call extends GenerationCall>(
  call: Call,
  ask: GenerationCalls[Call]['ask'],
): Promise<GenerationCalls[Call]['answer']> {
  const worker = openGenerationWorker(startWorker);
  try {
    return await worker.ask(call, ask, { silenceMs });
  } finally {
    worker.end('it is done');
  }
}

/** Bundlers look for this very form. */
function startWorker(): Worker {
  return new Worker(new URL('../../../../workers/generation.ts', import.meta.url), { type: 'module' });
}
