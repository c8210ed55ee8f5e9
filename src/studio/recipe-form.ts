/** What the form of a recipe changes in it, and what it leaves to the JSON. */
import { own } from '../core/own.ts';
import { numberText } from '../core/setting-ranges.ts';
import { withValueAt, type PlacedSetting } from '../core/setting.ts';
import { baselineName, hybridName } from '../pipeline/baseline-name.ts';
import { formatPath } from '../pipeline/describe-issues.ts';
import { recordingOf } from '../pipeline/generators/index.ts';
import { omit } from '../pipeline/omit.ts';
import type { RecipeInput } from '../pipeline/schema.ts';
import type { RecipeBaseline } from '../pipeline/schema/evaluation.ts';

export type ArmInput = RecipeInput['arms'][number];
type Evaluation = NonNullable<RecipeInput['evaluation']>;

/** Members that have fields, and members whose own members have some; all others are in the JSON alone. */
const covered: readonly string[] = [
  ...['$schema', 'version', 'name', 'title', 'question', 'description', 'seeds'],
  ...['encoder', 'training', 'filters', 'arms'],
];
const coveredInside: Readonly<Record<string, readonly string[]>> = {
  corpus: ['builtIn', 'folder'],
  evaluation: ['measures', 'baselines', 'hybrids', 'pairs', 'against'],
};

/** What a recipe sets that the form has no field for: `sources`, `corpus.dev`. */
export function alsoSet(recipe: RecipeInput): readonly string[] {
  const members = Object.entries(recipe).flatMap(([name, value]: [string, unknown]) => {
    if (covered.includes(name)) return [];
    const inside = own(coveredInside, name);
    if (inside === undefined || typeof value !== 'object' || value === null) return [name];
    return Object.keys(value).flatMap((member) => (inside.includes(member) ? [] : [`${name}.${member}`]));
  });
  const mixes = recipe.arms.flatMap(({ mix }, i) =>
    mix === undefined ? [] : [formatPath(['arms', i, 'mix'])],
  );
  return [...members, ...mixes];
}

/** The same object with another value for a member; without it where that is undefined. */
export function withMember<T extends object, Name extends keyof T>(
  value: T,
  name: Name,
  given: T[Name] | undefined,
): T {
  if (given === undefined) return omit(value, name) as T;
  return { ...value, [name]: given };
}

/** Chosen settings with another value for one of them, or without it; a group that is left empty goes, too. */
export function withSetting<Chosen extends object>(
  chosen: Chosen,
  path: PlacedSetting['path'],
  given: unknown,
): Chosen {
  // What is undefined is no JSON: reading it back leaves it out.
  const changed = JSON.parse(JSON.stringify(withValueAt(chosen, path, given))) as Chosen;
  const [group, name] = path;
  const inGroup: unknown = Object.entries(changed).find(([each]) => each === group)?.[1];
  const isEmpty = typeof inGroup === 'object' && inGroup !== null && Object.keys(inGroup).length === 0;
  return name !== undefined && isEmpty
    ? (Object.fromEntries(Object.entries(changed).filter(([each]) => each !== group)) as Chosen)
    : changed;
}

/** The recipe with an arm in place of the one at that index. Its name changes wherever the evaluation has it. */
export function withArm(recipe: RecipeInput, index: number, arm: ArmInput): RecipeInput {
  const before = recipe.arms[index];
  const arms = recipe.arms.map((each, i) => (i === index ? arm : each));
  if (before === undefined || before.name === arm.name) return { ...recipe, arms };
  const names = new Map([
    [before.name, arm.name],
    [hybridName(before.name), hybridName(arm.name)],
  ]);
  const renamed = (name: string): string => names.get(name) ?? name;
  return withEvaluation({ ...recipe, arms }, ({ pairs, hybrids, against, show, ...rest }) => ({
    ...rest,
    ...(hybrids && { hybrids: hybrids.map(renamed) }),
    ...(against === undefined ? {} : { against: against === null ? null : renamed(against) }),
    ...(pairs && {
      pairs: pairs.map(([system, other]): [string, string] => [renamed(system), renamed(other)]),
    }),
    ...(show && { show: show.arm === undefined ? show : { ...show, arm: renamed(show.arm) } }),
  }));
}

/** The recipe without an arm, and without what its evaluation says of it. */
export function withoutArm(recipe: RecipeInput, index: number): RecipeInput {
  const gone = recipe.arms[index]?.name;
  const arms = recipe.arms.filter((_, i) => i !== index);
  if (gone === undefined) return recipe;
  return withEvaluation({ ...recipe, arms }, (evaluation) => withoutSystems(evaluation, [gone]));
}

/** An evaluation that names none of these arms and baselines, nor what is fused from them. */
export function withoutSystems(evaluation: Evaluation, names: readonly string[]): Evaluation {
  const { pairs, hybrids, against, show, ...rest } = evaluation;
  const gone = new Set([...names, ...names.map(hybridName)]);
  const shown = show?.arm !== undefined && gone.has(show.arm) ? omit(show, 'arm') : show;
  return {
    ...rest,
    ...(hybrids && { hybrids: hybrids.filter((name) => !gone.has(name)) }),
    ...(pairs && { pairs: pairs.filter((pair) => !pair.some((name) => gone.has(name))) }),
    ...(typeof against === 'string' && gone.has(against) ? {} : against === undefined ? {} : { against }),
    ...(shown && { show: shown }),
  };
}

function withEvaluation(recipe: RecipeInput, change: (evaluation: Evaluation) => Evaluation): RecipeInput {
  return recipe.evaluation === undefined ? recipe : { ...recipe, evaluation: change(recipe.evaluation) };
}

/** The recipe with a copy of an arm behind it, under a name of its own. */
export function withCopyOfArm(recipe: RecipeInput, index: number): RecipeInput {
  const arm = recipe.arms[index];
  if (arm === undefined) return recipe;
  const copy = { ...arm, name: freeName(`${arm.name} copy`, systemsOf(recipe)) };
  return { ...recipe, arms: recipe.arms.toSpliced(index + 1, 0, copy) };
}

/** The recipe with another arm at the end, which trains on what the last one does. */
export function withNewArm(recipe: RecipeInput): RecipeInput {
  const source = recipe.arms.at(-1)?.source ?? Object.keys(recipe.sources)[0];
  const name = freeName('new arm', systemsOf(recipe));
  const arm: ArmInput = { name, ...(source === undefined ? {} : { source }), loss: 'infonce' };
  return { ...recipe, arms: [...recipe.arms, arm] };
}

function freeName(wanted: string, taken: readonly string[]): string {
  const start = wanted.slice(0, 55);
  let name = start;
  for (let count = 2; taken.includes(name); count++) name = `${start} ${count}`;
  return name;
}

const defaultBaselines: readonly RecipeBaseline[] = ['bm25', 'untrained'];

export function baselinesOf({ evaluation }: RecipeInput): NonNullable<Evaluation['baselines']> {
  return evaluation?.baselines ?? [...defaultBaselines];
}

/** The systems that rank by themselves, by name. */
export function rankingSystemsOf(recipe: RecipeInput): readonly string[] {
  const baselines = baselinesOf(recipe).map((each) => baselineName(each));
  return [...baselines, ...recipe.arms.map(({ name }) => name)];
}

/** The rows of the table of results: baselines, arms and what is fused with BM25. */
export function systemsOf(recipe: RecipeInput): readonly string[] {
  return [...rankingSystemsOf(recipe), ...(recipe.evaluation?.hybrids ?? []).map(hybridName)];
}

/** `1, 3, 5` as numbers; undefined if one of them is none, or nothing is there. */
export function readSeeds(text: string): number[] | undefined {
  const parts = text.split(/[\s,·;]+/).filter((part) => part !== '');
  const seeds = parts.map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : Number.NaN));
  const isRight = seeds.every((seed) => seed < 2 ** 31) && new Set(seeds).size === seeds.length;
  return seeds.length > 0 && isRight ? seeds : undefined;
}

/** How many trainings a recipe asks for, without the trials of its tuning. */
export function trainingCount({ arms, seeds }: RecipeInput): number {
  return arms.length * (seeds?.length ?? 1);
}

/** `12 trainings of at most 12 steps`, or of how many epochs, and how many trials besides. */
export function trainingsInWords(recipe: RecipeInput): string {
  const count = trainingCount(recipe);
  const trainings = `${count} ${count === 1 ? 'training' : 'trainings'}`;
  const settings = recipe.arms.map(({ training }) => ({ ...recipe.training, ...training }));
  const most = settings.map(({ maxSteps }) => maxSteps);
  const steps = most.every((each) => each !== undefined) ? Math.max(...most) : undefined;
  const epochs = Math.max(...settings.map(({ epochs: each }) => each ?? 1));
  const length =
    steps === undefined
      ? `of ${numberText(epochs)} ${epochs === 1 ? 'epoch' : 'epochs'}`
      : `of at most ${steps.toLocaleString('en')} ${steps === 1 ? 'step' : 'steps'}`;
  return `${trainings} ${length}${recipe.tuning === undefined ? '' : ', after a search for the best settings'}`;
}

/** What writes texts for a recipe. */
export function writingInWords({ generators = {} }: RecipeInput): string {
  const all = Object.values(generators);
  if (all.length === 0) return 'no language model';
  if (all.every(({ kind }) => kind === 'extract')) return 'queries cut out of passages, no language model';
  const recorded = all.filter((generator) => recordingOf(generator) !== undefined).length;
  if (recorded === all.length) return 'generations recorded';
  return recorded > 0 ? 'generations recorded in part' : 'a language model writes';
}

/** @param nameOf what a kept folder is called; undefined where it is not kept */
export function corpusInWords(
  { corpus }: RecipeInput,
  nameOf: (folder: string) => string | undefined,
): string {
  if (corpus.builtIn !== undefined) return 'demo corpus';
  const folder = corpus.folder ?? '';
  const name = nameOf(folder);
  return name === undefined ? `needs a corpus (${folder})` : `corpus ${name}`;
}
