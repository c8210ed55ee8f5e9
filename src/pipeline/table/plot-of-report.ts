import { omit } from '../omit.ts';
import { joinReports, type TableReport } from './data-sets.ts';
import { dotPlot } from './dot-plot.ts';
import { resultsTable } from './results-table.ts';

/** The plot of one run's first measure (SVG): its own test queries, even where they are one fold of several. */
export function plotOf(report: TableReport): string {
  const { recipe } = report;
  const whole = { ...report, recipe: { ...recipe, corpus: omit(recipe.corpus, 'fold') } };
  return dotPlot(resultsTable(joinReports([{ file: 'report.json', report: whole }])));
}
