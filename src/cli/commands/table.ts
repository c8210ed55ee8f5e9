import type { Command } from 'commander';
import { InputError, messageOf } from '../../core/errors.ts';
import { readText } from '../input-files.ts';
import type { CliIo } from '../io.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';

interface TableOptions {
  readonly out?: string;
  readonly plot?: string;
  readonly measure?: string;
}

export function registerTable(program: Command, io: CliIo): void {
  program
    .command('table')
    .description(
      'Combine the reports of several experiments in one table: a row for each arm, a column for each data set and one ' +
        'for their mean, with paired tests on each data set and over all. The folds of a cross-fitted data set share a ' +
        'column.',
    )
    .argument('<reports...>', 'report.json files of experiments whose arms have the same names')
    .option('--out <file>', 'Write the table to a Markdown file')
    .option('--plot <file>', 'Write a plot of one measure to an SVG file')
    .option('--measure <name>', 'Measure to plot (default: the first)')
    .action((paths: readonly string[], options: TableOptions) => makeTable(paths, options, io));
}

async function makeTable(paths: readonly string[], options: TableOptions, io: CliIo): Promise<void> {
  const { out, plot } = options;
  for (const path of [out, plot]) if (path !== undefined) await checkOutputFile(path);
  const { joinReports, readReport } = await import('../../pipeline/table/data-sets.ts');
  const { resultsTable } = await import('../../pipeline/table/results-table.ts');
  const { tableMarkdown } = await import('../../pipeline/table/table-markdown.ts');
  const { dotPlot } = await import('../../pipeline/table/dot-plot.ts');
  const reports = [];
  for (const file of paths) reports.push({ file, report: readReport(await readJson(file), file) });
  const data = joinReports(reports);
  const measure = plottedMeasure(options.measure, data.measures);
  const table = resultsTable(data);
  if (out !== undefined) await writeOutputFile(out, tableMarkdown(table));
  if (plot !== undefined) await writeOutputFile(plot, dotPlot(table, measure));
  io.printJson(table);
  if (!io.json) for (const line of tableMarkdown(table).trimEnd().split('\n')) io.print(line);
}

function plottedMeasure(asked: string | undefined, measures: readonly string[]): string | undefined {
  if (asked === undefined || measures.includes(asked)) return asked;
  throw new InputError(`--measure is ${asked}, which the reports do not have`, {
    remedy: `Use one of ${measures.join(', ')}`,
  });
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`is not JSON: ${messageOf(error)}`, {
      file: path,
      remedy: 'Use the report.json that `run --out` wrote',
      cause: error,
    });
  }
}
