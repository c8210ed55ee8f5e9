/** What the schema of recipes says of a member. */
import { own } from '../core/own.ts';
import { recipeSchema } from '../pipeline/schema.ts';

/** The part of a schema that this file looks at. */
interface SchemaNode {
  readonly type: string;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly wrapped?: SchemaNode;
  readonly pipe?: readonly unknown[];
}

/** The sentence about the member at a path; empty where there is none. */
export function recipeHelp(...path: readonly string[]): string {
  const node = path.reduce<SchemaNode | undefined>(
    (parent, name) => (parent === undefined ? undefined : own(membersOf(parent), name)),
    recipeSchema,
  );
  return node === undefined ? '' : (descriptionOf(node) ?? '');
}

function membersOf({ entries, wrapped }: SchemaNode): Readonly<Record<string, SchemaNode>> {
  return entries ?? (wrapped === undefined ? {} : membersOf(wrapped));
}

function descriptionOf({ pipe = [], wrapped }: SchemaNode): string | undefined {
  for (const step of pipe) {
    if (typeof step !== 'object' || step === null || !('description' in step)) continue;
    if (typeof step.description === 'string') return step.description;
  }
  return wrapped === undefined ? undefined : descriptionOf(wrapped);
}
