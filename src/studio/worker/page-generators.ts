import { InputError } from '../../host/errors.ts';
import type { Generator } from '../../host/generator.ts';
import { openAiGenerator } from '../../host/generators/openai.ts';
import type { LocalModel } from '../../host/browser/generators/protocol.ts';
import type { LiveGenerator, RecipeGenerators } from '../../recipes/recipe-generators.ts';
import { isDroppedModel } from '../dropped-model.ts';
import type { GeneratorAccess } from '../protocol.ts';

type Access = GeneratorAccess[string];

/**
 * The language models that recipes name, as a page runs them: in a worker of their own, or behind an address.
 * @param accessOf what the user gave for one of them beside the recipe, when it is opened
 */
export function pageGenerators(accessOf: (role: string) => Access): RecipeGenerators {
  return { open: (role, generator) => openLive(role, generator, accessOf(role)) };
}

async function openLive(role: string, generator: LiveGenerator, { key, file }: Access): Promise<Generator> {
  if (generator.kind === 'http') {
    const { address, model, parallel } = generator;
    return openAiGenerator({ address, model, parallel, key, pageOrigin: location.origin });
  }
  // Recipes that write nothing load nothing of this.
  const { openBrowserGenerator } = await import('../../host/browser/generators/open-generator.ts');
  return openBrowserGenerator(modelOf(role, generator, file));
}

function modelOf(
  role: string,
  { kind, model }: Exclude<LiveGenerator, { kind: 'http' }>,
  file: File | undefined,
): LocalModel {
  if (kind === 'webllm' || !isDroppedModel(model)) return { kind, model };
  if (file?.name === model) return { kind, model: file };
  throw new InputError(`generators.${role}: the file ${model} is not here any more`, {
    remedy: 'Drop it again: a page forgets dropped models with its tab',
  });
}
