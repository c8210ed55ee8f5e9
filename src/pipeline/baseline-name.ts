import type { RecipeBaseline } from './schema/evaluation.ts';

/** The name of a baseline in tables. (In a file of its own: whoever shows a report needs no more of recipes.) */
export function baselineName(baseline: RecipeBaseline): string {
  return typeof baseline === 'string' ? baseline : baseline.name;
}

/** The row of a system that is fused with BM25. */
export function hybridName(system: string): string {
  return `${system} + bm25`;
}
