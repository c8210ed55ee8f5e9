import { InputError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import { own } from '../core/own.ts';
import { foldName } from '../losses/settings.ts';
import { lossByName } from '../losses/index.ts';
import { parseMeasures } from '../metrics/measures/registry.ts';
import { parseRules } from '../lists/rule-spec.ts';
import { lossOfSource } from '../training/mixing/loss-of-source.ts';
import { mixOf, originOf } from './arm-mix.ts';
import { baselineName, hybridName } from './baseline-name.ts';
import { checkFile, checkScorer, Faults, type Path } from './faults.ts';
import { generatorKind } from './generators/index.ts';
import { isHeldOut } from './written-sets.ts';
import { hasTemperature, lossOfDiagnosis, readLoss, teacherFault } from './loss.ts';
import { omit } from './omit.ts';
import type { Recipe, RecipeArm } from './schema.ts';
import type { RecipeLoss } from './schema/loss.ts';
import type { RecipeNames, SourcePart } from './source.ts';
import { writesForPassages } from './sources/generated.ts';
import { definitionOf, type RecipeSource } from './sources/index.ts';

/** The rows of the table that rank by themselves: baselines, then arms. */
function rankingSystems({ evaluation, arms }: Recipe): string[] {
  return [...evaluation.baselines.map(baselineName), ...arms.map(({ name }) => name)];
}

/** Every row of the table: baselines, arms, then hybrids. */
export function systemNames(recipe: Recipe): string[] {
  return [...rankingSystems(recipe), ...recipe.evaluation.hybrids.map(hybridName)];
}

/** What the parts of a recipe get wrong about each other; empty if nothing. */
export function checkRecipe(recipe: Recipe): string[] {
  const faults = new Faults();
  checkCorpus(recipe, faults);
  checkDev(recipe, faults);
  checkHeldOut(recipe, faults);
  for (const [name, generator] of Object.entries(recipe.generators)) {
    generatorKind(generator.kind).check?.(generator, ['generators', name], faults);
  }
  checkSources(recipe, faults);
  checkTeacher(recipe, faults);
  checkEvidence(recipe, faults);
  for (const [name, rules] of Object.entries(recipe.filters)) {
    rules.forEach((rule, i) => faults.attempt(['filters', name, i], () => parseRules([rule])));
  }
  faults.distinct(
    (i) => ['arms', i, 'name'],
    recipe.arms.map(({ name }) => name),
    'arms',
  );
  recipe.arms.forEach((arm, i) => checkArm(recipe, arm, i, faults));
  faults.distinct((i) => ['seeds', i], recipe.seeds.map(String), 'seeds');
  checkTuning(recipe, faults);
  checkEvaluation(recipe, faults);
  checkDiagnostics(recipe, faults);
  return faults.lines;
}

function checkCorpus({ corpus }: Recipe, faults: Faults): void {
  if ((corpus.folder === undefined) === (corpus.builtIn === undefined)) {
    faults.add(['corpus'], 'set either "folder" or "builtIn"');
  }
  const { dev, test, fold } = corpus;
  if (fold !== undefined && fold.index >= fold.of) {
    faults.add(
      ['corpus', 'fold', 'index'],
      `is ${fold.index}, but the last of ${fold.of} folds is ${fold.of - 1}`,
    );
  }
  if (typeof test !== 'string') {
    if (fold !== undefined) faults.add(['corpus', 'test'], 'must be the split that is divided into folds');
    return;
  }
  if (fold !== undefined && corpus.train !== test) {
    faults.add(['corpus', 'train'], `must be "${test}", the split that is divided into folds`);
  }
  const devSplit = dev !== null && 'split' in dev ? dev.split : null;
  if (devSplit === test || (fold === undefined && corpus.train === test)) {
    faults.add(['corpus', 'test'], `"${test}" is also used for training or as the dev set`);
  }
}

/** Lists are held out where they come from files alone. */
function checkDev({ corpus }: Recipe, faults: Faults): void {
  const { dev, train } = corpus;
  if (dev === null || 'split' in dev || 'heldOut' in dev) return;
  if (!('share' in dev)) checkFile(dev, ['corpus', 'dev'], faults);
  else if (dev.among === 'lists' && train !== null) {
    faults.add(
      ['corpus', 'dev', 'among'],
      '"lists" requires that all lists come from files, but corpus.train is not null',
    );
  }
}

/** Queries for held-out passages come from a source that can be asked about any passage. */
function checkHeldOut({ corpus, sources, generators }: Recipe, faults: Faults): void {
  for (const set of ['test', 'dev'] as const) {
    const settings = corpus[set];
    if (!isHeldOut(settings)) continue;
    const path = ['corpus', set, 'heldOut'];
    const name = settings.heldOut;
    const source = own(sources, name);
    if (source === undefined) faults.reference(path, name, Object.keys(sources), 'source');
    else if (!writesForPassages(source, generators)) {
      faults.add(path, `"${name}" is not a generated source with "prompts" and "of": {"passages": {}}`);
    }
  }
}

function checkEvidence({ evidence }: Recipe, faults: Faults): void {
  for (const name of ['modelLabels', 'handLabels', 'answers'] as const) {
    const file = evidence[name];
    if (file !== undefined) checkFile(file, ['evidence', name], faults);
  }
  checkScorer(evidence.guide, ['evidence', 'guide'], faults);
}

/** What sources are checked beside. */
type SourcesParts = Pick<Recipe, 'sources' | 'generators'> & Pick<RecipeNames, 'corpus'>;

/** What sources get wrong about themselves and each other. */
export function checkSources(recipe: SourcesParts, faults: Faults): void {
  for (const [name, source] of Object.entries(recipe.sources)) checkSource(recipe, name, source, faults);
  checkCircles(recipe, faults);
}

function checkSource(recipe: SourcesParts, name: string, source: RecipeSource, faults: Faults): void {
  const path = ['sources', name];
  const definition = definitionOf(source);
  const { partKinds } = definition;
  const known = Object.entries(recipe.sources).flatMap(([each, { kind }]) =>
    partKinds === undefined || partKinds.includes(kind) ? [each] : [],
  );
  for (const part of definition.parts(source)) {
    faults.reference([...path, ...part.path], part.name, known, partKinds?.what ?? 'source');
  }
  definition.check?.(source, recipe, path, faults);
}

function checkCircles({ sources }: Pick<Recipe, 'sources'>, faults: Faults): void {
  const partsOf = (source: RecipeSource): readonly SourcePart[] => definitionOf(source).parts(source);
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
        faults.add(['sources', name, ...part.path], `"${part.name}" depends on "${name}" itself`);
      }
    }
  }
}

export function checkTeacher({ teacher }: Pick<Recipe, 'teacher'>, faults: Faults): void {
  checkScorer(teacher, ['teacher'], faults);
}

function checkArm(recipe: Recipe, arm: RecipeArm, i: number, faults: Faults): void {
  if ((arm.source === undefined) === (arm.mix === undefined)) {
    faults.add(['arms', i], 'set either "source" or "mix"');
  }
  if (arm.mix !== undefined && arm.filters !== undefined) {
    faults.add(['arms', i, 'filters'], 'set filters for each source of the mix instead');
  }
  checkSourceOfArm(recipe, arm, ['arms', i], faults);
  arm.mix?.sources.forEach((part, j) =>
    checkSourceOfArm(recipe, part, ['arms', i, 'mix', 'sources', j], faults),
  );
  faults.distinct(
    (j) => ['arms', i, 'mix', 'sources', j],
    arm.mix?.sources.map(originOf) ?? [],
    'sources of the mix',
  );
  checkMixOfArm(arm, i, faults);
  checkLoss(arm.loss, ['arms', i, 'loss'], faults);
  checkTeacherOfArm(recipe, arm, i, faults);
}

/** A loss that compares every query with every passage asks for a teacher that can. */
export function checkTeacherOfArm(
  { teacher }: Pick<Recipe, 'teacher'>,
  { loss }: RecipeArm,
  i: number,
  faults: Faults,
): void {
  if (!new Faults().attempt([], () => readLoss(loss))) return;
  const fault = teacherFault(readLoss(loss), teacher);
  if (fault !== undefined)
    faults.add(['arms', i, 'loss'], `${fault}; set "teacher" to an encoder or to vectors`);
}

/** A source and the filters that its lists go through. */
function checkSourceOfArm(
  recipe: Recipe,
  { source, filters }: { readonly source?: string | undefined; readonly filters?: string | undefined },
  path: Path,
  faults: Faults,
): void {
  if (source !== undefined) {
    faults.reference([...path, 'source'], source, Object.keys(recipe.sources), 'source');
  }
  if (filters !== undefined) {
    faults.reference([...path, 'filters'], filters, Object.keys(recipe.filters), 'stack of filters');
  }
}

/** What a mix sets for its sources must be something that the arm's loss has. */
function checkMixOfArm({ mix, loss }: RecipeArm, i: number, faults: Faults): void {
  if (mix === undefined || !new Faults().attempt([], () => readLoss(loss))) return;
  const spec = readLoss(loss);
  mixOf(mix).sources.forEach((source, j) => {
    faults.attempt(['arms', i, 'mix', 'sources', j], () => lossOfSource(spec, source));
  });
}

function checkLoss(loss: RecipeLoss, path: Path, faults: Faults): void {
  if (typeof loss === 'string') {
    faults.attempt(path, () => readLoss(loss));
    return;
  }
  (Array.isArray(loss) ? loss : [loss]).forEach((term, i) => {
    const at = Array.isArray(loss) ? [...path, i] : path;
    const { name } = term;
    const settings = omit(term, 'name', 'weight', 'scope');
    if (!faults.attempt([...at, 'name'], () => lossByName(name))) return;
    const known = [...Object.keys(lossByName(name).settings), 'scale', 'mask', 'maskMargin'];
    const unknown = Object.keys(settings).find(
      (setting) => !known.some((each) => foldName(each) === foldName(setting)),
    );
    if (unknown === undefined) faults.attempt(at, () => readLoss(term));
    else {
      const nearest = nearestName(unknown, [...known, 'weight', 'scope']);
      const hint = nearest === undefined ? `known: ${known.join(', ')}` : `did you mean "${nearest}"?`;
      faults.add([...at, unknown], `unknown setting (${hint})`);
    }
  });
}

function checkTuning({ tuning, corpus, arms }: Recipe, faults: Faults): void {
  if (tuning === undefined) return;
  if (corpus.dev === null) faults.add(['tuning'], 'tuning requires a dev set, but corpus.dev is null');
  if (tuning.learningRates.length + tuning.temperatures.length === 0) {
    faults.add(['tuning'], 'set learningRates, temperatures or both');
  }
  const canRead = arms.every(({ loss }) => new Faults().attempt([], () => readLoss(loss)));
  if (tuning.learningRates.length > 0 || tuning.temperatures.length === 0 || !canRead) return;
  if (!arms.some(({ loss }) => hasTemperature(readLoss(loss)))) {
    faults.add(['tuning', 'temperatures'], 'no arm has a loss with a temperature');
  }
}

function checkDiagnostics({ diagnostics, sources }: Recipe, faults: Faults): void {
  if (diagnostics === undefined) return;
  const path = ['diagnostics', 'sources'];
  diagnostics.sources.forEach((source, i) => {
    faults.reference([...path, i], source, Object.keys(sources), 'source');
  });
  faults.distinct((i) => [...path, i], diagnostics.sources, 'sources');
  faults.attempt(['diagnostics', 'loss'], () => lossOfDiagnosis(diagnostics.loss));
  checkScorer(diagnostics.by, ['diagnostics', 'by'], faults);
}

function checkEvaluation(recipe: Recipe, faults: Faults): void {
  const { measures, baselines, hybrids, against, pairs, show } = recipe.evaluation;
  measures.forEach((measure, i) => {
    faults.attempt(['evaluation', 'measures', i], () => {
      const count = parseMeasures(measure).find((each) => each.measure.isCount === true);
      if (count === undefined) return;
      throw new InputError(`${count.measure.name} is a count and cannot be compared`, {
        remedy: 'Use a measure such as ndcg_cut_10',
      });
    });
  });
  const systems = systemNames(recipe);
  const ranking = rankingSystems(recipe);
  const placeOf = (i: number): Path => {
    if (i < baselines.length) return ['evaluation', 'baselines', i];
    return i < ranking.length
      ? ['arms', i - baselines.length, 'name']
      : ['evaluation', 'hybrids', i - ranking.length];
  };
  faults.distinct(placeOf, systems, 'systems');
  hybrids.forEach((system, i) => {
    const path = ['evaluation', 'hybrids', i];
    faults.reference(path, system, ranking, 'system');
    if (system === 'bm25') faults.add(path, 'fuses bm25 with itself');
    else if (!baselines.includes('bm25')) faults.add(path, 'needs the baseline bm25, with which it is fused');
  });
  if (typeof against === 'string') {
    faults.reference(['evaluation', 'against'], against, systems, 'system');
  }
  pairs.forEach((pair, i) => {
    pair.forEach((system, j) => faults.reference(['evaluation', 'pairs', i, j], system, systems, 'system'));
    if (pair[0] === pair[1]) faults.add(['evaluation', 'pairs', i], 'compares a system with itself');
  });
  if (show.arm !== undefined) {
    const arms = recipe.arms.map(({ name }) => name);
    faults.reference(['evaluation', 'show', 'arm'], show.arm, arms, 'arm');
  }
}
