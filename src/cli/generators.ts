import type { Command } from 'commander';
import * as v from 'valibot';
import { InputError } from '../core/errors.ts';
import { own } from '../core/own.ts';
import type { Setting } from '../core/setting.ts';
import type { GeneratorDefinition, HostGenerator } from '../pipeline/generator.ts';
import {
  generatorKinds,
  generatorSchema,
  openGenerator,
  type RecipeGenerator,
} from '../pipeline/generators/index.ts';
import type { RecipeGenerators } from '../pipeline/recipe-generators.ts';
import { addSettingOptions, chosenSettings } from './setting-options.ts';

/**
 * The value of an environment variable that holds a key, so that it stands in no command line, history or recipe.
 * @throws InputError where there is none
 */
export function keyFromEnvironment(variable: string): string {
  const key = own(process.env, variable) ?? '';
  if (key !== '') return key;
  throw new InputError(`the environment variable ${variable} is not set`, {
    remedy: "Set it to the server's API key, or remove --key-env if the server needs none",
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

/** Kinds that Node alone opens, or opens otherwise than a page: none yet. */
const nodeKinds: readonly HostGenerator<RecipeGenerator>[] = [];

/** The generators that recipes name, as far as they run in Node. @param keys by the generator's name, or for all */
export function nodeGenerators(keys: ReadonlyMap<string | undefined, string>): RecipeGenerators {
  return {
    open: async (role, generator, openFile) => {
      const where = `generators.${role}`;
      const key = keys.get(role) ?? keys.get(undefined);
      const opened = openGenerator(generator, { key, openFile }, nodeKinds);
      if (opened !== undefined) return opened;
      throw new InputError(`${where}: ${generator.kind} runs only in the browser`, {
        remedy:
          'Run the recipe in the browser, or use a server instead, as in ' +
          `--set '${where}={"kind":"http","address":"http://127.0.0.1:8000/v1","model":"NAME"}'`,
      });
    },
  };
}

/** The kinds that run here. */
const ownKinds = generatorKinds.filter(
  (each) => each.open !== undefined || nodeKinds.some(({ kind }) => kind === each.kind),
);

/** The form of `--generator` for a kind, as in `recorded:FILE`. */
function formOf({ named: { prefix, by } }: GeneratorDefinition): string {
  return `${prefix}${by?.toUpperCase() ?? ''}`;
}

/** The settings that are options. Where kinds share one, it is described as the first has it. */
const optionTable: Readonly<Record<string, Setting>> = Object.fromEntries(
  ownKinds.flatMap(({ settings }) => Object.entries(settings)).reverse(),
);

/** Options that name a generator, its settings and its key. */
export function addGeneratorOptions(command: Command): Command {
  command.option('--generator <what>', `Language model: ${ownKinds.map(formOf).join(' or ')} (see below)`);
  addSettingOptions(command, optionTable);
  return command
    .option('--key-env <variable>', "Environment variable that holds the server's API key")
    .addHelpText('after', `\n${describeGenerators()}`);
}

function describeGenerators(): string {
  return ['Generators:', ...ownKinds.map((kind) => `  ${formOf(kind)}: ${kind.title}. ${kind.about}`)].join(
    '\n',
  );
}

/**
 * The generator that the options name, as a recipe has it.
 * @throws InputError naming the option that is missing or wrong, or a generator that does not run here
 */
export function chosenGenerator(options: object): RecipeGenerator {
  const named = own({ ...options }, 'generator');
  const forms = ownKinds.map((each) => {
    const wanted = own(each.settings, each.named.by)?.wanted;
    if (wanted === undefined) return formOf(each);
    return each.named.prefix === '' ? wanted : `${formOf(each)} for ${wanted}`;
  });
  const remedy = `Use ${forms.join(', or ')}`;
  if (typeof named !== 'string') throw new InputError('--generator is missing', { remedy });
  // One prefix is empty: another that fits is meant.
  const fitting = generatorKinds.filter(({ named: { by, prefix } }) =>
    by === undefined ? named === prefix : named.startsWith(prefix),
  );
  const kind = fitting.find(({ named: { prefix } }) => prefix !== '') ?? fitting[0];
  if (kind === undefined || !ownKinds.includes(kind)) {
    throw new InputError(`--generator is "${named}", which runs only in the browser`, { remedy });
  }
  const chosen: Readonly<Record<string, unknown>> = {
    ...chosenSettings(optionTable, options),
    ...(kind.named.by !== undefined && { [kind.named.by]: named.slice(kind.named.prefix.length) }),
  };
  for (const [member, { option = member }] of Object.entries(optionTable)) {
    if (own(chosen, member) === undefined || own(kind.settings, member) !== undefined) continue;
    throw new InputError(`--${option} is not a setting of ${kind.kind} generators`, { remedy: 'Remove it' });
  }
  for (const [member, { option = 'generator', isRequired, schema, wanted }] of Object.entries(
    kind.settings,
  )) {
    const value = own(chosen, member);
    if (value === undefined ? isRequired !== true : v.is(schema, value)) continue;
    const problem = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`;
    throw new InputError(`--${option} ${problem}`, { remedy: `Use ${wanted}` });
  }
  return v.parse(generatorSchema, { kind: kind.kind, ...chosen });
}
