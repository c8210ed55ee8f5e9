import { InputError } from '../../core/errors.ts';
import { generatorKind, openGenerator } from '../../pipeline/generators/index.ts';
import type { RecipeGenerators } from '../../pipeline/recipe-generators.ts';
import { pageKinds } from './generators/index.ts';
import type { GeneratorAccess } from '../protocol.ts';

/**
 * The language models that recipes name, as a page runs them: in a worker of their own, or behind an address.
 * @param accessOf what the user gave for one of them beside the recipe, when it is opened
 */
export function pageGenerators(accessOf: (role: string) => GeneratorAccess[string]): RecipeGenerators {
  return {
    open: async (role, generator, openFile) => {
      const { key, file: given } = accessOf(role);
      const dropped = generatorKind(generator.kind).droppedFile?.(generator);
      const file = given?.name === dropped ? given : undefined;
      if (dropped !== undefined && file === undefined) {
        throw new InputError(`generators.${role}: the file ${dropped} is not here any more`, {
          remedy: 'Drop it again: a page forgets dropped models with its tab',
        });
      }
      const means = { key, file, openFile, pageOrigin: location.origin };
      const opened = openGenerator(generator, means, pageKinds);
      if (opened !== undefined) return opened;
      throw new InputError(`generators.${role}: ${generator.kind} does not run in the page`, {
        remedy: 'Run the recipe on the command line, or choose another generator',
      });
    },
  };
}
