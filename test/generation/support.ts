import { join } from 'node:path';
import type { Store } from '../../src/host/contract.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import type { Prompt } from '../../src/generation/prompt.ts';
import type { GenerationTask } from '../../src/generation/index.ts';
import { SimulatedDisk, type SimulatedProcess } from '../support/simulated-disk.ts';

/** A store in memory. */
export function openStore(
  disk = new SimulatedDisk(),
  process: SimulatedProcess = disk.start(),
): Promise<Store> {
  return FolderStore.open(join('/', 'store'), { disk: process });
}

/** Asks for two short texts about a passage. */
export const smallPrompt: Prompt = {
  id: 'small',
  version: 1,
  title: 'Small',
  description: 'Two short texts.',
  writes: 'queries',
  slots: [{ name: 'passage', description: 'a passage' }],
  system: 'Write {{count}} queries as JSON.',
  user: 'Passage: {{passage}}',
  count: 2,
  schema: {
    type: 'object',
    properties: {
      queries: {
        type: 'array',
        items: {
          type: 'object',
          properties: { text: { type: 'string', minLength: 1, maxLength: 200 } },
          required: ['text'],
          additionalProperties: false,
        },
      },
    },
    required: ['queries'],
    additionalProperties: false,
  },
  reply: { form: 'object', items: 'queries' },
  sampling: { maxTokens: 100, temperature: 0.8 },
};

export function tasksFor(count: number): GenerationTask[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `p${i}`,
    slots: { passage: `Passage number ${i} about subject ${i}.` },
  }));
}

/** A reply to `smallPrompt` that fits, about what was asked. */
export function fittingReply(request: {
  readonly messages: readonly { readonly content: string }[];
}): string {
  const passage = /number (\d+)/.exec(request.messages.at(-1)?.content ?? '')?.[1] ?? '?';
  return JSON.stringify({
    queries: [{ text: `first of ${passage}` }, { text: `what says number ${passage}` }],
  });
}
