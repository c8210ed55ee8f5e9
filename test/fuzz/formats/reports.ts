import { InputError } from '../../../src/core/errors.ts';
import { joinReports, readReport } from '../../../src/pipeline/table/data-sets.ts';
import { dotPlot } from '../../../src/pipeline/table/dot-plot.ts';
import { resultsTable } from '../../../src/pipeline/table/results-table.ts';
import { tableMarkdown } from '../../../src/pipeline/table/table-markdown.ts';
import { jsonMutation, repeatMutation, tokenMutation } from '../mutate.ts';
import { json, textOf, type FuzzFormat } from '../format.ts';

const values = (shift: number): number[][] => [
  [0.1 + shift, 0.2, 0.3],
  [0.2, 0.3 + shift, 0.4],
];
const report = {
  format: 1,
  recipe: { seeds: [1, 2], corpus: {}, evaluation: { alpha: 0.05, samples: 100 } },
  corpus: { name: 'sets/demo' },
  results: {
    all: { comparisons: [{ system: 'kl', baseline: 'infonce' }] },
    perQuery: {
      queries: ['q1', 'q2', 'q3'],
      systems: {
        bm25: { 'nDCG@10': [[0.1, 0.2, 0.3]], 'R@100': [[0.5, 0.5, 0.5]] },
        infonce: { 'nDCG@10': values(0), 'R@100': values(0.1) },
        kl: { 'nDCG@10': values(0.05), 'R@100': values(0.2) },
      },
    },
  },
};

export const reportFormat: FuzzFormat = {
  name: 'report',
  what: 'a report of a recipe (table)',
  readers: ['src/cli/commands/table.ts', 'src/pipeline/table/data-sets.ts'],
  examples: [json(report)],
  mutations: [tokenMutation, repeatMutation, jsonMutation],
  read: (input) => {
    const data = joinReports([
      { file: 'report.json', report: readReport(parsed(textOf(input.bytes)), 'report.json') },
    ]);
    // Many samples are slow by their nature; what is drawn of them is not what a file decides about.
    const table = resultsTable({ ...data, samples: Math.min(data.samples, 100) });
    tableMarkdown(table);
    dotPlot(table, undefined);
  },
};

/** As the command does. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError('is not valid JSON', {
      file: 'report.json',
      remedy: 'Use the report.json that `run --out` wrote',
      cause,
    });
  }
}
