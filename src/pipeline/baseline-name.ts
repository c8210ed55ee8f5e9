import type { RecipeBaseline } from './schema/evaluation.ts';

/** The name of a baseline in tables. (In a file of its own: whoever shows a report needs no more of recipes.) */
export function baselineName(baseline: RecipeBaseline): string {
  return typeof baseline === 'string' ? baseline : baseline.name;
}
