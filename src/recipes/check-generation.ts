/** What a recipe says of language models and of what they write. */
import { promptById } from '../generation/prompts/index.ts';
import { baseAddress } from '../host/generators/server-address.ts';
import { checkFile, type Faults, type Path } from './faults.ts';
import { generatorOf, isWithoutLog } from './recipe-generators.ts';
import { checkSubject, isPromptFile } from './recipe-prompts.ts';
import type { GeneratedSource, Recipe, RecipeGenerator, RecipeSource } from './schema.ts';
import { own } from '../host/own.ts';

export function checkGenerator(name: string, generator: RecipeGenerator, faults: Faults): void {
  const path = ['generators', name];
  if (generator.kind === 'recorded' && !isWithoutLog(generator)) checkFile(generator, path, faults);
  if (generator.kind === 'http') faults.attempt([...path, 'address'], () => baseAddress(generator.address));
}

export function checkGenerated(recipe: Recipe, source: GeneratedSource, path: Path, faults: Faults): void {
  const { recorded, generator, prompts, of } = source;
  if (recorded !== undefined) {
    checkFile(recorded, [...path, 'recorded'], faults);
    const saysMore = [generator, prompts, of, source.count, source.seed].some((each) => each !== undefined);
    if (!saysMore) return;
  }
  if (prompts === undefined || of === undefined) {
    faults.add(path, 'give "prompts" and "of", what is to be written, or "recorded" lists');
    return;
  }
  const generators = Object.keys(recipe.generators);
  if (generator !== undefined) {
    faults.reference([...path, 'generator'], generator, generators, 'generator');
  } else if (generators.length !== 1) {
    faults.add(
      [...path, 'generator'],
      `name one of the generators (there are ${generators.join(', ') || 'none'})`,
    );
  }
  if (recorded === undefined && isWithoutLog(own(recipe.generators, generatorOf(recipe, source)))) {
    faults.add(path, 'its generator is recorded without a log: give "recorded" lists');
  }
  prompts.forEach((prompt, i) => {
    if (isPromptFile(prompt)) return;
    faults.attempt([...path, 'prompts', i], () => checkSubject(promptById(prompt), of));
  });
  faults.distinct((i) => [...path, 'prompts', i], prompts, 'prompts');
  if ('train' in of && recipe.corpus.train === null) {
    faults.add([...path, 'of'], 'asks about train queries, but corpus.train is null');
  }
  if ('source' in of) {
    faults.reference([...path, 'of', 'source'], of.source, Object.keys(recipe.sources), 'source');
  }
}

/** Sources that others are made of, by their paths. */
function partsOf(source: RecipeSource): readonly { readonly name: string; readonly path: Path }[] {
  switch (source.kind) {
    case 'merged':
      return source.of.map((name, i) => ({ name, path: ['of', i] }));
    case 'generated': {
      const { of } = source;
      return of !== undefined && 'source' in of ? [{ name: of.source, path: ['of', 'source'] }] : [];
    }
    case 'mined':
      return source.of === undefined ? [] : [{ name: source.of, path: ['of'] }];
    case 'selected':
      return [
        { name: source.of, path: ['of'] },
        ...(source.queriesOf === undefined ? [] : [{ name: source.queriesOf, path: ['queriesOf'] }]),
      ];
    case 'planted':
      return [{ name: source.of, path: ['of'] }];
    case 'lists':
      return [];
  }
}

export function checkCircles({ sources }: Recipe, faults: Faults): void {
  const leadsTo = (from: string, target: string, seen: Set<string>): boolean => {
    if (from === target) return true;
    const source = own(sources, from);
    if (source === undefined || seen.has(from)) return false;
    seen.add(from);
    return partsOf(source).some(({ name }) => leadsTo(name, target, seen));
  };
  for (const [name, source] of Object.entries(sources)) {
    for (const part of partsOf(source)) {
      if (leadsTo(part.name, name, new Set())) {
        faults.add(['sources', name, ...part.path], `"${part.name}" is made of "${name}" itself`);
      }
    }
  }
}
