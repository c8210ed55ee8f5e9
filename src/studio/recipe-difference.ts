/** What a changed recipe has that its original has not: for marks beside fields, and in one line of words. */
import { memberSettings, shownSetting } from './recipe-settings.ts';
import { own } from '../core/own.ts';
import { numberText } from '../core/setting-ranges.ts';
import { parseRules, formatRule } from '../lists/rule-spec.ts';
import type { FilterRule } from '../lists/rules/contract.ts';
import type { LossSpec } from '../losses/loss-spec.ts';
import { formatPath } from '../pipeline/describe-issues.ts';
import { readLoss } from '../pipeline/loss.ts';
import type { RecipeInput } from '../pipeline/schema.ts';
import { encodingSettingTable } from '../encoders/encoding-setting-table.ts';
import { trainingSettingTable } from '../training/setting-table.ts';
import { lossInWords, lossSettingTitle } from './words/losses.ts';

type Path = readonly (string | number)[];
type Arm = RecipeInput['arms'][number];

export interface RecipeChange {
  /** Where it is in the changed recipe, as error messages write it; in the original where it was removed. */
  readonly path: string;
  /** `temperature`. */
  readonly label: string;
  /** What became of it: two values, or a word where there is nothing short to show. */
  readonly change: { readonly from: string; readonly to: string } | 'added' | 'removed' | 'changed';
  /** The arm that it belongs to, by its name in the changed recipe. */
  readonly arm?: string;
}

/** Longer values are not shown. */
const mostCharacters = 48;
const mostTold = 4;

/** What people call some members. */
const labels: Readonly<Record<string, string>> = {
  'encoder.model': 'encoder',
  'evaluation.measures': 'measures',
  'evaluation.baselines': 'baselines',
  'evaluation.hybrids': 'fusions with BM25',
  'evaluation.pairs': 'comparisons',
  'evaluation.against': 'reference of all comparisons',
};

/**
 * @param nameOf what a folder of the corpus is called; by default as the recipe has it
 */
export function recipeChanges(
  original: RecipeInput,
  changed: RecipeInput,
  nameOf: (folder: string) => string = (folder) => folder,
): readonly RecipeChange[] {
  const { training, encoder, filters, corpus } = changed;
  const others = ['$schema', 'arms', 'training', 'encoder', 'filters', 'corpus'] as const;
  return [
    ...jsonChanges(without(original, ...others), without(changed, ...others), []),
    ...corpusChanges(original.corpus, corpus, nameOf),
    ...jsonChanges(original.encoder.model, encoder.model, ['encoder', 'model']),
    ...settingChanges(encodingSettingTable, original.encoder, encoder, ['encoder'], {}),
    ...filterChanges(original.filters ?? {}, filters ?? {}),
    ...settingChanges(trainingSettingTable, original.training ?? {}, training ?? {}, ['training'], {}),
    ...armChanges(original, changed),
  ];
}

/** By their paths. */
export function changesByPath(changes: readonly RecipeChange[]): ReadonlyMap<string, RecipeChange> {
  return new Map(changes.map((change) => [change.path, change]));
}

/**
 * One line: `Differs from paper-c: temperature 0.05 → 0.5 in two arms.`
 * @param armCount how many arms the changed recipe has
 */
export function differenceInWords(from: string, changes: readonly RecipeChange[], armCount: number): string {
  if (changes.length === 0) return `Same as ${from}.`;
  const grouped = new Map<string, string[]>();
  for (const { label, change, arm } of changes) {
    const words =
      typeof change === 'string' ? `${label} ${change}` : `${label} ${change.from} → ${change.to}`;
    const arms = grouped.get(words) ?? [];
    grouped.set(words, arm === undefined ? arms : [...arms, arm]);
  }
  const told = [...grouped].map(([words, arms]) => `${words}${placesInWords(arms, armCount)}`);
  const more = told.length - mostTold;
  const shown = more > 1 ? [...told.slice(0, mostTold), `and ${numberInWords(more)} more`] : told;
  return `Differs from ${from}: ${shown.join('; ')}.`;
}

function placesInWords(arms: readonly string[], armCount: number): string {
  const [first] = arms;
  if (first === undefined) return '';
  if (arms.length === armCount && armCount > 1) return ` in all ${numberInWords(armCount)} arms`;
  return arms.length === 1 ? ` in “${first}”` : ` in ${numberInWords(arms.length)} arms`;
}

const smallNumbers = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

/** Small numbers in letters. */
export function numberInWords(count: number): string {
  return smallNumbers[count] ?? String(count);
}

function corpusChanges(
  before: RecipeInput['corpus'],
  after: RecipeInput['corpus'],
  nameOf: (folder: string) => string,
): RecipeChange[] {
  const place = ({ builtIn, folder }: RecipeInput['corpus']): string =>
    builtIn ?? (folder === undefined ? 'none' : nameOf(folder));
  const [from, to] = [place(before), place(after)];
  const isSame = before.builtIn === after.builtIn && before.folder === after.folder;
  return [
    ...(isSame ? [] : [{ path: 'corpus', label: 'corpus', change: { from, to } }]),
    ...jsonChanges(without(before, 'builtIn', 'folder'), without(after, 'builtIn', 'folder'), ['corpus']),
  ];
}

/** @param inherited what holds where nothing is set, before the table's defaults */
function settingChanges(
  table: Parameters<typeof memberSettings>[0],
  before: object,
  after: object,
  path: Path,
  inherited: { readonly before?: object; readonly after?: object },
): RecipeChange[] {
  return memberSettings(table).flatMap(({ path: inTable, setting, valueIn }) => {
    const [from, to] = [valueIn(before), valueIn(after)];
    if (isSameJson(from, to)) return [];
    const [shownFrom, shownTo] = [
      shownSetting(setting, from ?? valueIn(inherited.before ?? {})),
      shownSetting(setting, to ?? valueIn(inherited.after ?? {})),
    ];
    // What stands there is the same, whether it is said or not.
    if (shownFrom === shownTo) return [];
    return [
      {
        path: formatPath([...path, ...inTable]),
        label: setting.title,
        change: { from: shownFrom, to: shownTo },
      },
    ];
  });
}

type Stacks = NonNullable<RecipeInput['filters']>;

function filterChanges(before: Stacks, after: Stacks): RecipeChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name): RecipeChange[] => {
    const [from, to] = [own(before, name), own(after, name)];
    const path = formatPath(['filters', name]);
    const label = `filter “${name}”`;
    if (from === undefined || to === undefined) {
      return [{ path, label, change: from === undefined ? 'added' : 'removed' }];
    }
    if (isSameJson(from, to)) return [];
    const [rulesBefore, rulesAfter] = [readRules(from), readRules(to)];
    const isSameKinds =
      rulesBefore.length === rulesAfter.length &&
      rulesBefore.every((rule, i) => isSameKind(rule, rulesAfter[i]));
    if (!isSameKinds) return [{ path, label, change: short(from.join(', '), to.join(', ')) }];
    return rulesAfter.flatMap((rule, i): RecipeChange[] => {
      const earlier = rulesBefore[i];
      if (earlier === undefined || earlier.threshold === rule.threshold) return [];
      const change = { from: formatRule(earlier), to: formatRule(rule) };
      return [{ path: formatPath(['filters', name, i]), label, change }];
    });
  });
}

function isSameKind(a: FilterRule, b: FilterRule | undefined): boolean {
  return a.definition === b?.definition && a.source === b.source;
}

function readRules(stack: readonly string[]): readonly FilterRule[] {
  return attempt(() => stack.flatMap((rule) => parseRules([rule]))) ?? [];
}

function armChanges(original: RecipeInput, changed: RecipeInput): RecipeChange[] {
  const earlier = earlierArms(original.arms, changed.arms);
  const removed = original.arms.flatMap((arm, i): RecipeChange[] =>
    [...earlier.values()].includes(arm)
      ? []
      : [{ path: formatPath(['arms', i]), label: `arm “${arm.name}”`, change: 'removed' }],
  );
  const others = changed.arms.flatMap((arm, i): RecipeChange[] => {
    const before = earlier.get(arm);
    const path = ['arms', i];
    if (before === undefined) {
      return [{ path: formatPath(path), label: `arm “${arm.name}”`, change: 'added' }];
    }
    const named = (changes: readonly RecipeChange[]) => changes.map((each) => ({ ...each, arm: arm.name }));
    const renamed = before.name === arm.name ? [] : [nameChange(before.name, arm.name, path)];
    return [
      ...renamed,
      ...named([
        ...sourceChanges(before, arm, path),
        ...lossChanges(before, arm, path),
        ...settingChanges(
          trainingSettingTable,
          before.training ?? {},
          arm.training ?? {},
          [...path, 'training'],
          {
            before: original.training ?? {},
            after: changed.training ?? {},
          },
        ),
      ]),
    ];
  });
  return [...removed, ...others];
}

function nameChange(from: string, to: string, path: Path): RecipeChange {
  return { path: formatPath([...path, 'name']), label: 'arm', change: { from: `“${from}”`, to: `“${to}”` } };
}

function sourceChanges(before: Arm, after: Arm, path: Path): RecipeChange[] {
  const none = 'none';
  return [
    ...jsonChanges(before.source ?? none, after.source ?? none, [...path, 'source'], 'source'),
    ...jsonChanges(before.filters ?? none, after.filters ?? none, [...path, 'filters'], 'filter'),
    ...jsonChanges(before.mix, after.mix, [...path, 'mix'], 'mix'),
  ];
}

function lossChanges(before: Arm, after: Arm, path: Path): RecipeChange[] {
  const [from, to] = [attempt(() => readLoss(before.loss)), attempt(() => readLoss(after.loss))];
  const place = [...path, 'loss'];
  if (from === undefined || to === undefined) return jsonChanges(before.loss, after.loss, place, 'loss');
  const isSameSum =
    from.terms.length === to.terms.length &&
    from.terms.every(({ definition }, i) => definition === to.terms[i]?.definition);
  if (!isSameSum) {
    const change = { from: titlesOf(from), to: titlesOf(to) };
    return [{ path: formatPath(place), label: 'loss', change }];
  }
  return to.terms.flatMap((term, i): RecipeChange[] => {
    const earlier = from.terms[i];
    if (earlier === undefined) return [];
    const value = (label: string, name: string, a: string, b: string): RecipeChange[] =>
      a === b ? [] : [{ path: formatPath([...place, i, name]), label, change: { from: a, to: b } }];
    const shown = (given: number | null | undefined): string =>
      given === null || given === undefined ? 'off' : numberText(given);
    return [
      ...value('weight', 'weight', shown(earlier.weight), shown(term.weight)),
      ...value('candidates', 'scope', earlier.scope, term.scope),
      ...Object.keys(term.settings).flatMap((name) =>
        value(
          lossSettingTitle(name),
          name,
          shown(own(earlier.settings, name)),
          shown(own(term.settings, name)),
        ),
      ),
      ...value('mask', 'mask', shown(earlier.mask.share), shown(term.mask.share)),
      ...value('mask margin', 'maskMargin', shown(earlier.mask.margin), shown(term.mask.margin)),
    ];
  });
}

/** Without their settings, unless nothing else tells them apart. */
function titlesOf(spec: LossSpec): string {
  const titles = spec.terms.map(({ definition }) => definition.title).join(' + ');
  return titles.length > 0 ? titles : lossInWords(spec);
}

/** The arm of the original that each arm of a changed recipe was; those that are new are left out. */
function earlierArms(original: readonly Arm[], changed: readonly Arm[]): ReadonlyMap<Arm, Arm> {
  const found = new Map<Arm, Arm>();
  const taken = new Set<Arm>();
  const pair = (arm: Arm, before: Arm | undefined): void => {
    if (before === undefined || taken.has(before) || found.has(arm)) return;
    found.set(arm, before);
    taken.add(before);
  };
  for (const arm of changed)
    pair(
      arm,
      original.find(({ name }) => name === arm.name),
    );
  const isLeft = (before: Arm): boolean => !taken.has(before);
  const content = (arm: Arm): string => JSON.stringify({ ...arm, name: '' });
  // What has another name and nothing else new was renamed; so was what stands where another stood.
  for (const arm of changed) {
    pair(
      arm,
      original.find((before) => isLeft(before) && content(before) === content(arm)),
    );
  }
  if (original.length === changed.length) changed.forEach((arm, i) => pair(arm, original[i]));
  return found;
}

/** What differs between two values of JSON, as deep as both have the same members. */
function jsonChanges(before: unknown, after: unknown, path: Path, label?: string): RecipeChange[] {
  if (isSameJson(before, after)) return [];
  if (isRecord(before) && isRecord(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) =>
      jsonChanges(own(before, name), own(after, name), [...path, name]),
    );
  }
  const at = formatPath(path);
  const named = label ?? own(labels, at) ?? at;
  if (before === undefined || after === undefined) {
    const there = shortText(after ?? before);
    const change = before === undefined ? 'added' : 'removed';
    const isWhole = there === undefined || isRecord(after ?? before);
    if (isWhole) return [{ path: at, label: named, change }];
    const [from, to] = before === undefined ? ['default', there] : [there, 'default'];
    return [{ path: at, label: named, change: { from, to } }];
  }
  const [from, to] = [shortText(before), shortText(after)];
  const change = from === undefined || to === undefined ? 'changed' : { from, to };
  return [{ path: at, label: named, change }];
}

function short(from: string, to: string): RecipeChange['change'] {
  return from.length > mostCharacters || to.length > mostCharacters ? 'changed' : { from, to };
}

/** A value in a few letters; undefined where it takes more. */
function shortText(value: unknown): string | undefined {
  const text = Array.isArray(value) ? listText(value) : plainText(value);
  return text === undefined || text === '' || text.length > mostCharacters ? undefined : text;
}

function listText(values: readonly unknown[]): string | undefined {
  const texts = values.map(plainText);
  return texts.includes(undefined) ? undefined : texts.join(', ');
}

function plainText(value: unknown): string | undefined {
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (value === null) return 'none';
  return typeof value === 'string' ? value : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** The same value with members in the order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(own(value, name))]),
  );
}

function without(value: object, ...names: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
