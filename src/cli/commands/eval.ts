import type { Command } from 'commander';
import { evaluate } from '../../metrics/evaluate.ts';
import { formatTrecEvalLine, formatValue } from '../../metrics/format.ts';
import { allMeasures, measureNames, parseMeasures } from '../../metrics/measures/registry.ts';
import type { CliIo } from '../io.ts';
import type { RunOptions } from '../evaluation-options.ts';
import { addRunOptions, evaluationOptions } from '../evaluation-options.ts';
import { openJudgments, openRun, requireCommonQueries, warnAboutJudgments } from '../trec-files.ts';

interface EvalOptions extends RunOptions {
  readonly qrels: string;
  readonly run: string;
  readonly metrics?: string;
  readonly perQuery?: boolean;
  readonly complete?: boolean;
}

export function registerEval(program: Command, io: CliIo): void {
  const command = program
    .command('eval')
    .description('Evaluate a run file with the measures of trec_eval.')
    .requiredOption('--qrels <file>', 'Relevance judgments: TREC qrels or BEIR TSV')
    .requiredOption('--run <file>', 'Run file: TREC, or the same columns separated by tabs')
    .option('--metrics <names>', 'Comma-separated measures: ndcg_cut_10, recall.10,100, map … (default: all)')
    .option('--per-query', 'Also print the values of each query')
    .option('--complete', 'Score judged queries missing from the run as 0 instead of ignoring them');
  addRunOptions(command).action((options: EvalOptions) => evaluateRun(options, io));
}

async function evaluateRun(options: EvalOptions, io: CliIo): Promise<void> {
  const measures = options.metrics === undefined ? allMeasures() : parseMeasures(options.metrics);
  const judgments = await openJudgments(options.qrels);
  const { run, tag } = await openRun(options.run);
  requireCommonQueries(judgments, run, options);
  warnAboutJudgments(judgments, options, io);
  const unjudged = [...run.keys()].filter((query) => !judgments.has(query)).length;
  if (unjudged > 0) io.warn(`${unjudged} of the run's ${run.size} queries have no judgments and are ignored`);
  const missing = [...judgments.keys()].filter((query) => !run.has(query)).length;
  if (missing > 0) {
    const treatment = options.complete === true ? 'they score 0' : 'ignored (--complete scores them 0)';
    io.warn(`the run lacks ${missing} of the ${judgments.size} judged queries: ${treatment}`);
  }

  const { queries, metrics, perQuery } = evaluate(judgments, run, measures, {
    ...evaluationOptions(options),
    complete: options.complete,
  });
  io.printJson({ queries, metrics, perQuery: Object.fromEntries(perQuery) });
  const counts = new Set(
    measures
      .filter(({ measure }) => measure.isCount === true)
      .flatMap((requested) => measureNames(requested)),
  );
  const printAll = (query: string, values: Readonly<Record<string, number>>) => {
    for (const [name, value] of Object.entries(values)) {
      io.print(formatTrecEvalLine(name, query, counts.has(name) ? String(value) : formatValue(value)));
    }
  };
  if (options.perQuery === true) for (const [query, values] of perQuery) printAll(query, values);
  if (options.metrics === undefined) {
    io.print(formatTrecEvalLine('runid', 'all', tag));
    io.print(formatTrecEvalLine('num_q', 'all', String(queries)));
  }
  printAll('all', metrics);
}
