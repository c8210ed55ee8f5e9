import { InputError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import type { FilterRule, RuleDefinition } from './rules/contract.ts';
import { filterRules } from './rules/index.ts';

const RULE = /^([a-z][a-z-]*)\s*(<=|>=|[<>=]+)\s*([^@\s]*)\s*(?:@\s*(.*))?$/i;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Reads a stack of rules, in the order in which they are to be applied, e.g.
 * `rank<=20, teacher-rank<=1, share<=0.95, margin>=0.05@bm25, length>=5`. Each names what stays: a rule, its bound
 * and threshold, and after `@` the only source that it judges.
 *
 * @throws InputError that quotes the rule and names what would be right.
 */
export function parseRules(text: string | readonly string[]): readonly FilterRule[] {
  const parts = typeof text === 'string' ? text.split(',') : text;
  const rules = parts.map((part) => part.trim()).filter((part) => part !== '');
  if (rules.length === 0) {
    throw new InputError('there are no rules', { remedy: 'Use rules such as share<=0.95, length>=5' });
  }
  const parsed = rules.map(parseRule);
  const seen = new Set<string>();
  for (const rule of parsed) {
    const name = formatRule(rule);
    if (seen.has(name)) throw new InputError(`the rule "${name}" is used twice`, { remedy: 'Use it once' });
    seen.add(name);
  }
  return parsed;
}

/** The text that reads back as the same rules. */
export function formatRules(rules: readonly FilterRule[]): string {
  return rules.map(formatRule).join(', ');
}

/** One rule as it is written, and as its verdicts are named. */
export function formatRule({ definition, threshold, source }: FilterRule): string {
  return `${definition.name}${definition.bound}${threshold}${source === undefined ? '' : `@${source}`}`;
}

/** Whether a verdict of this name was written by a rule of ours, with whatever threshold. */
export function isRuleName(name: string): boolean {
  const [, rule = '', bound] = RULE.exec(name) ?? [];
  return filterRules.some((definition) => definition.name === rule && definition.bound === bound);
}

function parseRule(text: string): FilterRule {
  const [, typed = '', bound = '', number = '', source] = RULE.exec(text) ?? [];
  const fail = (problem: string, remedy: string): never => {
    throw new InputError(`rule "${text}": ${problem}`, { remedy });
  };
  if (typed === '') fail('is not a rule', 'Use a name, <= or >=, and a number, as in share<=0.95');
  const kinds = filterRules.filter(({ name }) => name === typed.toLowerCase());
  const [first] = kinds;
  if (first === undefined) return fail(`there is no rule "${typed}"`, suggestName(typed));
  const definition = kinds.find((kind) => kind.bound === bound);
  if (definition === undefined) {
    return fail(`"${bound}" does not fit ${first.name}`, `Use ${first.name}${first.bound}${number}`);
  }
  const threshold = readThreshold(definition, number, fail);
  if (source === undefined) return { definition, threshold };
  if (source.trim() === '') fail('no source follows @', 'Use a source name, as in share<=0.95@bm25');
  if (definition.judges === 'lists' && !definition.takesSource) {
    fail(`${definition.name} applies to whole lists, not to single sources`, `Remove @${source.trim()}`);
  }
  return { definition, threshold, source: source.trim() };
}

function readThreshold(
  { name, threshold: { min, max, isWhole = false } }: RuleDefinition,
  text: string,
  fail: (problem: string, remedy: string) => never,
): number {
  const value = Number(text);
  const kind = isWhole ? 'a whole number' : 'a number';
  if (!NUMBER.test(text) || value < min || value > max || (isWhole && !Number.isInteger(value))) {
    fail(`"${text}" is not a threshold of ${name}`, `Use ${kind} from ${min} to ${max}`);
  }
  return value;
}

function suggestName(typed: string): string {
  const names = new Set(filterRules.map(({ name }) => name));
  const nearest = nearestName(typed, names);
  return nearest === undefined ? `Use one of ${[...names].join(', ')}` : `Did you mean ${nearest}`;
}
