/** WebLLM's models, as a form offers them. Import it only when a user asks for them. */
import { readAdapterFacts } from '../../host/browser/generators/adapter-facts.ts';
import { webllmModels } from '../../host/browser/generators/open-generator.ts';
import type { AdapterFacts, WebllmModel } from '../../host/browser/generators/webllm-models.ts';

export type { AdapterFacts, WebllmModel };

/** Facts about the GPU, which need no library; undefined where there is no WebGPU. */
export { readAdapterFacts };

/** Facts about the GPU, and WebLLM's models with whether it can run them. */
export async function listWebllm(): Promise<{
  readonly facts: AdapterFacts | undefined;
  readonly models: readonly WebllmModel[];
}> {
  const facts = await readAdapterFacts();
  return { facts, models: await webllmModels(facts) };
}
