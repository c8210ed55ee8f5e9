import { capitalized } from '../../core/capitalized.ts';
import { own } from '../../core/own.ts';
import type { RecipeReport } from '../../pipeline/report.ts';

/** How a query's value changed by training. */
export interface QueryChange {
  readonly id: string;
  /** Of the first measure, averaged over seeds. */
  readonly before: number;
  readonly after: number;
  readonly change: 'better' | 'same' | 'worse';
}

type Results = Pick<RecipeReport, 'results'>;

/** The values of a system's queries, averaged over seeds. */
function valuesOf({ results }: Results, system: string, metric: string): readonly number[] | undefined {
  const rows = own(own(results.perQuery.systems, system), metric);
  const [first] = rows ?? [];
  if (rows === undefined || first === undefined) return undefined;
  return first.map((_, query) => rows.reduce((sum, row) => sum + (row[query] ?? 0), 0) / rows.length);
}

/** Below it a difference is rounding. */
const smallest = 1e-5;

/** Every test query under an arm and before its training; empty where values are missing. */
export function queryChanges(report: Results, arm: string, metric: string): readonly QueryChange[] {
  const before = valuesOf(report, 'untrained', metric);
  const after = valuesOf(report, arm, metric);
  if (before === undefined || after === undefined) return [];
  return report.results.perQuery.queries.map((id, i) => {
    const [old, now] = [before[i] ?? 0, after[i] ?? 0];
    const change = Math.abs(now - old) < smallest ? 'same' : now > old ? 'better' : 'worse';
    return { id, before: old, after: now, change };
  });
}

/**
 * `Listwise ranks the passages better than before training for 126 of 250 queries, and worse for 56. Contrastive: better
 * for 88, worse for 110.` The arm that gained most comes first. Undefined where queries were not measured.
 */
export function verdict({
  results,
  arms,
  recipe,
}: Results & Pick<RecipeReport, 'arms' | 'recipe'>): string | undefined {
  const metric = recipe.evaluation.measures[0] ?? '';
  const counts = arms
    .flatMap(({ name }) => {
      const changes = queryChanges({ results }, name, metric);
      const countOf = (kind: QueryChange['change']): number =>
        changes.filter(({ change }) => change === kind).length;
      return changes.length === 0 ? [] : [{ name, better: countOf('better'), worse: countOf('worse') }];
    })
    .sort((a, b) => b.better - b.worse - (a.better - a.worse));
  const [first, ...others] = counts;
  if (first === undefined) return undefined;
  return [
    `${capitalized(first.name)} ranks the passages better than before training for ${first.better} of ` +
      `${results.perQuery.queries.length} queries, and worse for ${first.worse}.`,
    ...others.map(
      ({ name, better, worse }) => `${capitalized(name)}: better for ${better}, worse for ${worse}.`,
    ),
  ].join(' ');
}
