import { InputError } from '../host/errors.ts';
import type { Generator } from '../host/generator.ts';
import { openAiGenerator } from '../host/generators/openai.ts';
import type { LiveGenerator, RecipeGenerators } from '../recipes/recipe-generators.ts';
import { own } from '../host/own.ts';

/**
 * The value of an environment variable that holds a key, so that it stands in no command line, history or recipe.
 * @throws InputError where there is none
 */
export function keyFromEnvironment(variable: string): string {
  const key = own(process.env, variable) ?? '';
  if (key !== '') return key;
  throw new InputError(`the environment variable ${variable} is not set`, {
    remedy: 'Set it to the key of the server, or leave --key-env out where it needs none',
  });
}

/** `main=VAR` or, for every server, `VAR`. @throws InputError */
export function parseKeyVariables(given: readonly string[]): ReadonlyMap<string | undefined, string> {
  return new Map(
    given.map((text) => {
      const at = text.indexOf('=');
      const [role, variable] = at === -1 ? [undefined, text] : [text.slice(0, at), text.slice(at + 1)];
      return [role, keyFromEnvironment(variable)];
    }),
  );
}

/** The generators that recipes name, as far as they run in Node. @param keys by the generator's name, or for all */
export function nodeGenerators(keys: ReadonlyMap<string | undefined, string>): RecipeGenerators {
  return { open: (role, generator) => Promise.resolve(openLive(role, generator, keys)) };
}

function openLive(
  role: string,
  generator: LiveGenerator,
  keys: ReadonlyMap<string | undefined, string>,
): Generator {
  if (generator.kind === 'http') {
    const { address, model, parallel } = generator;
    return openAiGenerator({ address, model, parallel, key: keys.get(role) ?? keys.get(undefined) });
  }
  throw new InputError(`generators.${role}: ${generator.kind} runs in the page only`, {
    remedy:
      'Open the recipe in the page, or put a server in its place, as in ' +
      `--set 'generators.${role}={"kind":"http","address":"http://127.0.0.1:8000/v1","model":"NAME"}'`,
  });
}
