import type { ComparisonTable, PairResult } from '../../metrics/compare-systems.ts';
import { conclusions } from '../../metrics/comparison-text.ts';
import { formatSigned } from '../../metrics/format.ts';
import type { RecipeReport } from '../../pipeline/report.ts';
import { capitalized } from '../../core/capitalized.ts';
import { own } from '../../core/own.ts';

/** How systems are called in sentences; arms by their own names. */
const names: Readonly<Record<string, string>> = {
  bm25: 'keyword search (BM25)',
  untrained: 'the untrained encoder',
};

export function systemName(system: string): string {
  return own(names, system) ?? system;
}

/** What most systems were compared with, the first of them where there are several. */
export function commonBaseline(comparisons: readonly PairResult[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { baseline } of comparisons) counts.set(baseline, (counts.get(baseline) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** As the first word of a row. */
export function systemTitle(system: string): string {
  return capitalized(systemName(system).replace(/^the /, ''));
}

/** How the page says the conclusions of tests. */
export const wording = { nameOf: systemName, digits: 3, minus: '−' };

/** `+0.042` */
export function signed(value: number): string {
  return formatSigned(value, wording);
}

/** The trained system with the highest mean on the first measure. */
export function bestArm({ recipe, arms, results }: RecipeReport): string | undefined {
  const metric = recipe.evaluation.measures[0] ?? '';
  const meanOf = (arm: string): number =>
    own(results.all.systems.find(({ name }) => name === arm)?.metrics, metric)?.mean ?? 0;
  return arms.map(({ name }) => name).sort((a, b) => meanOf(b) - meanOf(a))[0];
}

/** The comparisons on the first measure, each in a sentence. */
export function findings(table: ComparisonTable, alpha: number): readonly string[] {
  return conclusions(table, alpha, wording);
}

/** The trainings that ended as they began: no step did better on the dev queries than the start. */
export function unchanged({ arms }: Pick<RecipeReport, 'arms'>): readonly string[] {
  return arms.flatMap(({ name, trainings }) => {
    const kept = trainings.filter(({ bestStep }) => bestStep === 0).length;
    if (kept === 0) return [];
    const which = trainings.length === 1 ? '' : ` with ${kept} of ${trainings.length} seeds`;
    return [
      `${capitalized(name)}${which}: after no step was it better on the dev queries than before the training, so the ` +
        'weights it began with were kept.',
    ];
  });
}
