import * as v from 'valibot';
import { InputError, messageOf } from '../core/errors.ts';
import { hasMoreValues, isNestedDeeper } from '../core/json-text.ts';
import { checkRecipe } from './check-recipe.ts';
import { describeIssues, describeReservedKeys } from './describe-issues.ts';
import { recipeSchema, type Recipe } from './schema.ts';

/** A recipe is written by hand: one this long is something else. */
const MAX_CHARACTERS = 1_000_000;
/** The ids of queries that are shown may be 10,000. */
const MOST_VALUES = 20_000;
/** No setting stands half as deep. */
const MAX_DEPTH = 64;
const MOST_SHOWN = 5;
const remedy = 'Fix the recipe; docs/recipes.md describes its members';

/**
 * Reads the JSON of a recipe.
 * @param file names it in errors
 * @throws InputError if it is no JSON, too long or nested too deeply
 */
export function parseRecipeText(text: string, file: string): unknown {
  if (text.length > MAX_CHARACTERS) {
    throw new InputError(`has ${text.length} characters`, { file, remedy: 'Use a recipe file' });
  }
  if (isNestedDeeper(text, MAX_DEPTH)) {
    throw new InputError(`is nested deeper than ${MAX_DEPTH} levels`, { file, remedy });
  }
  if (hasMoreValues(text, MOST_VALUES)) {
    throw new InputError(`contains more than ${MOST_VALUES} values`, { file, remedy });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new InputError(`is not valid JSON: ${messageOf(error)}`, { file, remedy, cause: error });
  }
}

/**
 * A recipe with all its defaults.
 * @param file names it in errors
 * @throws InputError naming the path of each wrong value and the nearest right one
 */
export function readRecipe(document: unknown, file?: string): Recipe {
  // To valibot a list is an object, too.
  if (Array.isArray(document)) throw new InputError('is a list, not an object {…}', { file, remedy });
  refuseOtherVersion(document, file);
  const result = v.safeParse(recipeSchema, document);
  const faults = [
    ...describeReservedKeys(document),
    ...(result.success ? checkRecipe(result.output) : describeIssues(recipeSchema, document)),
  ];
  if (result.success && faults.length === 0) return result.output;
  const more = faults.length > MOST_SHOWN ? [`and ${faults.length - MOST_SHOWN} more`] : [];
  throw new InputError([...faults.slice(0, MOST_SHOWN), ...more].join('; '), { file, remedy });
}

/** Before anything else: what a newer version calls its settings, this one can not know. */
function refuseOtherVersion(document: unknown, file: string | undefined): void {
  if (typeof document !== 'object' || document === null || !('version' in document)) return;
  const { version } = document;
  if (typeof version !== 'number' || version <= 1) return;
  throw new InputError(`the recipe has version ${version}, but this program supports only version 1`, {
    file,
    remedy: 'Update Retriever Studio',
  });
}
