/** WebLLM's models, as a form offers them. Its module is to be fetched when a user asks for them. */
import { readAdapterFacts } from '../../host/browser/generators/adapter-facts.ts';
import { webllmModels } from '../../host/browser/generators/open-generator.ts';
import type { AdapterFacts, WebllmModel } from '../../host/browser/generators/webllm-models.ts';

export type { AdapterFacts, WebllmModel };

/** What is known of the GPU, and what it can run of WebLLM's list, which is fetched with WebLLM. */
export async function listWebllm(): Promise<{
  readonly facts: AdapterFacts | undefined;
  readonly models: readonly WebllmModel[];
}> {
  const facts = await readAdapterFacts();
  return { facts, models: await webllmModels(facts) };
}
