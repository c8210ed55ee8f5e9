/** Every kind of source. */
import * as v from 'valibot';
import { schemasOf } from '../schemas-of.ts';
import type { SourceDefinition } from '../source.ts';
import { generated } from './generated.ts';
import { lists } from './lists.ts';
import { merged } from './merged.ts';
import { mined } from './mined.ts';
import { planted } from './planted.ts';
import { selected } from './selected.ts';

const definitions = [mined, lists, generated, merged, selected, planted] as const;

export const sourceSchema = v.variant('kind', schemasOf(definitions));

export type RecipeSource = v.InferOutput<typeof sourceSchema>;

/** The definition of a source's kind, which takes sources of that kind alone. */
export function definitionOf({ kind }: RecipeSource): SourceDefinition {
  const found = definitions.find(({ schema }) => schema.entries.kind.literal === kind);
  if (found === undefined) throw new Error(`there is no kind of source ${kind}`);
  return found;
}
