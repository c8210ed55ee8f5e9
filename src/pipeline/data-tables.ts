/** Tables of a report about the training data, as rows of cells: a header, and a row for each thing. */
import { diagnosisColumns, diagnosisRow } from '../lists/diagnostics/diagnosis-table.ts';
import { filterRates } from '../lists/planted.ts';
import type { RecipeReport } from './report.ts';

type Rows = readonly (readonly string[])[];

/** What the negatives of sources look like; undefined where the recipe did not ask. */
export function diagnosisRows({ diagnosis }: Pick<RecipeReport, 'diagnosis'>): Rows | undefined {
  if (diagnosis === undefined) return undefined;
  return [diagnosisColumns.map(([name]) => name), ...diagnosis.map(diagnosisRow)];
}

/** What each stack of rules found of the positives that were planted; undefined where none were. */
export function plantedRows({ arms }: Pick<RecipeReport, 'arms'>): Rows | undefined {
  const stacks = new Map<string, string[]>();
  for (const { source, filters, filtered } of arms) {
    if (filters === null || filtered?.planted === undefined) continue;
    const { planted } = filtered;
    const rates = filterRates(planted);
    stacks.set(`${source} ${filters}`, [
      source,
      (filtered.filter?.rules ?? []).map(({ rule }) => rule).join(', '),
      `${planted.found} of ${planted.answers}`,
      share(rates.recall),
      share(rates.precision),
      share(rates.lost),
    ]);
  }
  if (stacks.size === 0) return undefined;
  const header = ['source', 'rules', 'planted dropped', 'recall', 'precision', 'true negatives lost'];
  return [header, ...stacks.values()];
}

function share(value: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(3);
}
