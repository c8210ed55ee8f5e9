import * as v from 'valibot';
import { nearestName } from '../core/nearest-name.ts';
import { own } from '../core/own.ts';
import { reservedKeyPaths } from '../core/reserved-keys.ts';

/** The part of a schema that this file looks at. */
interface SchemaNode {
  readonly type: string;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly options?: readonly unknown[];
  readonly wrapped?: SchemaNode;
  readonly item?: SchemaNode;
  readonly items?: readonly SchemaNode[];
  readonly key?: string;
  readonly value?: SchemaNode;
}

/** Where a value stands: `arms[2].loss.temperature`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((shown, part) => {
    if (typeof part === 'number') return `${shown}[${part}]`;
    const plain = /^[A-Za-z$_][\w$-]*$/.test(part);
    if (!plain) return `${shown}[${JSON.stringify(part)}]`;
    return shown === '' ? part : `${shown}.${part}`;
  }, '');
}

/** One line for each member whose name would be dropped without a word. */
export function describeReservedKeys(document: unknown): string[] {
  return reservedKeyPaths(document).map((path) => `${formatPath(path)}: this name is not allowed`);
}

/**
 * One line for each value that does not fit: its path, what is wrong with it and, where there is one near, the right
 * name.
 */
export function describeIssues(schema: v.GenericSchema, input: unknown): string[] {
  const result = v.safeParse(schema, input);
  return result.success ? [] : describe(schema, input, []);
}

function describe(schema: v.GenericSchema, input: unknown, before: readonly (string | number)[]): string[] {
  const result = v.safeParse(schema, input);
  return (result.issues ?? []).flatMap((issue) => {
    const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
    const place = [...before, ...path];
    if (issue.type === 'union') {
      const option = fittingOption(nodeAt(schema, input, path), issue.input);
      if (option !== undefined) return describe(option, issue.input, place);
    }
    return [`${formatPath(place) || 'the recipe'}: ${problemOf(schema, input, path, issue)}`];
  });
}

function problemOf(
  schema: v.GenericSchema,
  input: unknown,
  path: readonly (string | number)[],
  issue: v.BaseIssue<unknown>,
): string {
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const parent = nodeAt(schema, input, path.slice(0, -1));
    return `unknown setting${suggest(String(path.at(-1)), Object.keys(parent?.entries ?? {}))}`;
  }
  if (issue.received === 'undefined' && issue.kind === 'schema') return 'is missing';
  if (issue.type === 'variant' || issue.type === 'picklist' || issue.type === 'literal') {
    const choices = choicesOf(issue.expected ?? '');
    const hint =
      typeof issue.input === 'string' ? suggest(issue.input, choices, `one of ${choices.join(', ')}`) : '';
    return `is ${shown(issue.input)}, not ${choices.length === 1 ? choices.join('') : `one of ${choices.join(', ')}`}${hint}`;
  }
  if (issue.kind === 'validation') {
    if (issue.type === 'non_empty') return 'is empty';
    const problem =
      issue.type === 'min_length'
        ? `must be of length ${(issue.expected ?? '').replace('>=', '')} or more`
        : issue.message;
    return problem.startsWith('must be') ? `is ${shown(issue.input)}, but ${problem}` : problem;
  }
  return `is ${shown(issue.input)}, not ${article(issue.expected ?? '')}`;
}

const kinds: Readonly<Record<string, string>> = {
  Object: 'an object {…}',
  Array: 'a list […]',
  string: 'a text in quotes',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

function article(expected: string): string {
  return choicesOf(expected)
    .map((kind) => own(kinds, kind) ?? kind)
    .join(' or ');
}

/** valibot writes alternatives as `("a" | "b")`. */
function choicesOf(expected: string): string[] {
  return expected
    .replace(/^\(|\)$/g, '')
    .split(' | ')
    .map((choice) => choice.replace(/^"(.*)"$/, '$1'));
}

function suggest(typed: string, known: readonly string[], otherwise?: string): string {
  const nearest = nearestName(typed, known);
  if (nearest !== undefined) return ` (did you mean "${nearest}"?)`;
  return otherwise === undefined && known.length > 0 ? ` (known: ${known.join(', ')})` : '';
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const json = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}

/** The schema of what stands at a path of the input. */
function nodeAt(
  root: SchemaNode,
  input: unknown,
  path: readonly (string | number)[],
): SchemaNode | undefined {
  let node: SchemaNode | undefined = unwrapped(root, input);
  let value = input;
  for (const part of path) {
    value =
      typeof value === 'object' && value !== null
        ? own(value as Record<string, unknown>, String(part))
        : undefined;
    const next: SchemaNode | undefined =
      own(node?.entries, String(part)) ?? node?.item ?? node?.items?.[Number(part)] ?? node?.value;
    node = next === undefined ? undefined : unwrapped(next, value);
  }
  return node;
}

/** Looks through what may be left out, and into the alternative that the value chose. */
function unwrapped(node: SchemaNode, value: unknown): SchemaNode {
  if (node.wrapped !== undefined) return unwrapped(node.wrapped, value);
  if (node.type !== 'variant' || node.key === undefined) return node;
  const { key, options = [] } = node;
  const chosen =
    typeof value === 'object' && value !== null ? own(value as Record<string, unknown>, key) : undefined;
  const option = (options as readonly SchemaNode[]).find(
    ({ entries }) => (own(entries, key) as { literal?: unknown } | undefined)?.literal === chosen,
  );
  return option ?? node;
}

/** The alternative of a union that is of the value's kind, where one alone is or one has the value's first key. */
function fittingOption(
  node: SchemaNode | undefined,
  value: unknown,
): (v.GenericSchema & SchemaNode) | undefined {
  const options = (node?.options ?? []) as readonly (v.GenericSchema & SchemaNode)[];
  const fitting = options.filter((option) => kindOf(option) === jsonKind(value));
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const best =
    fitting.find(({ entries }) => keys.some((key) => Object.hasOwn(entries ?? {}, key))) ?? fitting[0];
  return best;
}

function kindOf({ type, wrapped }: SchemaNode): string {
  if (wrapped !== undefined) return kindOf(wrapped);
  if (/object|record|variant/.test(type)) return 'object';
  if (/array|tuple/.test(type)) return 'array';
  return type === 'picklist' || type === 'literal' ? 'string' : type;
}

function jsonKind(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
