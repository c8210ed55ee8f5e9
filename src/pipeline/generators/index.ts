/** Every kind of generator. */
import * as v from 'valibot';
import type { Generator } from '../../host/generator.ts';
import type { GeneratorDefinition, GeneratorMeans, HostGenerator } from '../generator.ts';
import type { Place } from '../recipe-lists.ts';
import { schemasOf } from '../schemas-of.ts';
import { extract } from './extract.ts';
import { http } from './http.ts';
import { recorded } from './recorded.ts';
import { webllm } from './webllm.ts';
import { wllama } from './wllama.ts';

const definitions = [webllm, wllama, http, extract, recorded] as const;

/** The language models that write. */
export const generatorSchema = v.variant('kind', schemasOf(definitions));

export type RecipeGenerator = v.InferOutput<typeof generatorSchema>;
/** The generators of a recipe, by name. */
export type GeneratorsByName = Readonly<Record<string, RecipeGenerator>>;

/** In the order in which they are offered. */
export const generatorKinds: readonly [GeneratorDefinition, ...GeneratorDefinition[]] = definitions;

/** The definition of a kind, which takes generators of that kind alone. */
export function generatorKind(kind: string): GeneratorDefinition {
  const found = generatorKinds.find((each) => each.kind === kind);
  if (found === undefined) throw new Error(`there is no kind of generator ${kind}`);
  return found;
}

/** Where what a generator replays is kept; undefined for one that writes. */
export function recordingOf(generator: RecipeGenerator | undefined): Place | undefined {
  return generator && generatorKind(generator.kind).recording?.(generator);
}

/** Whether a generator has nothing to replay but the lists that its sources name. */
export function isWithoutLog(generator: RecipeGenerator | undefined): boolean {
  const place = recordingOf(generator);
  return place !== undefined && place.file === undefined && place.corpusFile === undefined;
}

/**
 * Opens a generator as its host does, or as every host does.
 * @param own the host's own list
 * @returns undefined where this host cannot open its kind
 */
export function openGenerator<Means extends GeneratorMeans>(
  generator: RecipeGenerator,
  means: Means,
  own: readonly HostGenerator<RecipeGenerator, Means>[],
): Promise<Generator> | undefined {
  const opener = own.find(({ kind }) => kind === generator.kind);
  return opener?.open(generator, means) ?? generatorKind(generator.kind).open?.(generator, means);
}
