import { basename } from 'node:path';
import type { Command } from 'commander';
import { sharedWithTrain } from '../../corpus/split.ts';
import type { Judgments } from '../../corpus/types.ts';
import { InputError } from '../../host/errors.ts';
import { settingRanges } from '../../host/setting-ranges.ts';
import type { NamedRun, PairedComparison, RunComparison } from '../../metrics/compare.ts';
import { compareRuns } from '../../metrics/compare.ts';
import { formatValue } from '../../metrics/format.ts';
import { parseMeasures } from '../../metrics/measures/registry.ts';
import type { RequestedMeasure } from '../../metrics/measures/registry.ts';
import type { Table } from '../../metrics/tables.ts';
import { toCsv, toLatex } from '../../metrics/tables.ts';
import type { RunOptions } from '../evaluation-options.ts';
import { addRunOptions, evaluationOptions } from '../evaluation-options.ts';
import type { CliIo } from '../io.ts';
import { integerOption, numberOption } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { textTable } from '../text-table.ts';
import { openJudgments, openRun, requireCommonQueries, warnAboutJudgments } from '../trec-files.ts';
import { own } from '../../host/own.ts';

interface CompareOptions extends RunOptions {
  readonly qrels: string;
  readonly metrics: string;
  readonly baseline?: string;
  readonly disjointFrom?: string;
  readonly csv?: string;
  readonly latex?: string;
  readonly alpha: number;
  readonly samples: number;
  readonly seed: number;
}

export function registerCompare(program: Command, io: CliIo): void {
  const command = program
    .command('compare')
    .description(
      'Compare runs with a baseline, query by query: paired significance tests with Holm correction, ' +
        'bootstrap confidence intervals, wins and losses, and the minimum detectable difference (80% power).',
    )
    .argument('<runs...>', 'Run files (TREC or tab-separated). Judged queries missing from a run score 0')
    .requiredOption('--qrels <file>', 'Relevance judgments: TREC qrels or BEIR TSV')
    .option('--metrics <names>', 'Comma-separated measures', 'ndcg_cut_10,recall_100')
    .option(
      '--disjoint-from <qrels>',
      'Use only queries that share no relevant document with any query of these judgments (the train split)',
    )
    .option('--baseline <run>', 'Run to compare with, by file or name (default: the first)')
    .option('--csv <file>', 'Write the comparisons, unrounded, to a CSV file')
    .option('--latex <file>', 'Write the means to a LaTeX table')
    .option(
      '--alpha <p>',
      'Significance level',
      numberOption('--alpha', settingRanges.significanceLevel),
      0.05,
    )
    .option(
      '--samples <n>',
      'Number of permutations and bootstrap samples',
      integerOption('--samples', settingRanges.samples),
      10_000,
    )
    .option(
      '--seed <n>',
      'Random seed of the permutations and bootstrap samples',
      integerOption('--seed', settingRanges.seed),
      0,
    );
  addRunOptions(command).action((paths: readonly string[], options: CompareOptions) =>
    compareFiles(paths, options, io),
  );
}

async function compareFiles(paths: readonly string[], options: CompareOptions, io: CliIo): Promise<void> {
  const measures = parseComparable(options.metrics);
  const { baseline, others } = orderRuns(paths, options.baseline);
  for (const path of [options.csv, options.latex]) if (path !== undefined) await checkOutputFile(path);
  const judgments = await comparedQueries(options, io);
  warnAboutJudgments(judgments, options, io);
  const open = async ({ name, path }: RunFile): Promise<NamedRun> => {
    const { run } = await openRun(path);
    requireCommonQueries(judgments, run, { qrels: options.qrels, run: path });
    const missing = [...judgments.keys()].filter((query) => !run.has(query)).length;
    if (missing > 0)
      io.warn(`${name} lacks ${missing} of the ${judgments.size} judged queries, which score 0`);
    return { name, run };
  };
  const reference = await open(baseline);
  const compared: NamedRun[] = [];
  for (const other of others) compared.push(await open(other));

  const { alpha, samples, seed } = options;
  const comparison = compareRuns(judgments, reference, compared, measures, {
    ...evaluationOptions(options),
    alpha,
    samples,
    seed,
  });
  if (options.csv !== undefined) await writeOutputFile(options.csv, toCsv(comparisonTable(comparison)));
  if (options.latex !== undefined) await writeOutputFile(options.latex, latexTable(comparison, alpha));
  io.printJson({
    queries: comparison.queries,
    baseline: baseline.name,
    alpha,
    samples,
    seed,
    runs: comparison.runs.map((run) => ({ ...run })),
    comparisons: comparison.comparisons.map((each) => ({ ...each })),
  });
  for (const line of describe(comparison, alpha)) io.print(line);
}

/** The judged queries to compare over. @throws InputError if there are fewer than two. */
async function comparedQueries(options: CompareOptions, io: CliIo): Promise<Judgments> {
  const all = await openJudgments(options.qrels);
  let judgments: Judgments = all;
  if (options.disjointFrom !== undefined) {
    const { disjoint } = sharedWithTrain(all, await openJudgments(options.disjointFrom));
    const kept = new Set(disjoint);
    judgments = new Map([...all].filter(([query]) => kept.has(query)));
    io.note(
      `${judgments.size} of ${all.size} judged queries share no relevant document with ${options.disjointFrom}`,
    );
  }
  if (judgments.size >= 2) return judgments;
  throw new InputError(`has only ${judgments.size} judged query`, {
    file: options.qrels,
    remedy: 'Use two or more queries for paired tests',
  });
}

/** @throws InputError for counts, which have no mean to compare. */
function parseComparable(text: string): readonly RequestedMeasure[] {
  const measures = parseMeasures(text);
  const count = measures.find(({ measure }) => measure.isCount === true);
  if (count === undefined) return measures;
  throw new InputError(`${count.measure.name} is a count and cannot be compared`, {
    remedy: 'Use a measure such as ndcg_cut_10',
  });
}

interface RunFile {
  readonly path: string;
  readonly name: string;
}

/** Names the runs and puts the baseline apart. @throws InputError */
function orderRuns(
  paths: readonly string[],
  wanted: string | undefined,
): { readonly baseline: RunFile; readonly others: readonly RunFile[] } {
  const repeated = paths.find((path, i) => paths.indexOf(path) !== i);
  if (repeated !== undefined) {
    throw new InputError('is passed twice', { file: repeated, remedy: 'Pass each run once' });
  }
  const short = (path: string) => basename(path).replace(/\.(run|trec|txt|tsv)$/, '');
  const files = paths.map((path) => ({
    path,
    // Equal names would make rows of a table that can not be told apart.
    name: paths.filter((other) => short(other) === short(path)).length === 1 ? short(path) : path,
  }));
  const baseline =
    wanted === undefined ? files[0] : files.find(({ path, name }) => path === wanted || name === wanted);
  if (baseline === undefined) {
    throw new InputError(`the baseline "${wanted ?? ''}" is not among the runs`, {
      remedy: `Choose from ${files.map(({ name }) => name).join(', ')}`,
    });
  }
  const others = files.filter((file) => file !== baseline);
  if (others.length === 0) {
    throw new InputError('there is only one run', { remedy: 'Pass two or more run files' });
  }
  return { baseline, others };
}

function comparisonTable({ runs, comparisons }: RunComparison): Table {
  const meanOf = (name: string | undefined, metric: string) =>
    own(runs.find((run) => run.name === name)?.metrics, metric) ?? 0;
  const baseline = runs[0]?.name ?? '';
  return {
    columns: [
      'run',
      'baseline',
      'metric',
      'queries',
      'baseline_mean',
      'run_mean',
      'mean_difference',
      'interval_low',
      'interval_high',
      't_test_p',
      't_test_holm_p',
      'randomization_p',
      'randomization_holm_p',
      'wins',
      'ties',
      'losses',
      'smallest_detectable_difference',
    ],
    rows: comparisons.map((each) => [
      each.run,
      baseline,
      each.metric,
      each.queries,
      meanOf(baseline, each.metric),
      meanOf(each.run, each.metric),
      each.mean,
      ...each.interval,
      each.tTestP,
      each.tTestHolmP,
      each.randomizationP,
      each.randomizationHolmP,
      each.wins,
      each.ties,
      each.losses,
      each.smallestDetectable,
    ]),
  };
}

/** The means, with a mark where the difference from the baseline is significant after Holm's correction. */
function latexTable({ runs, comparisons }: RunComparison, alpha: number): string {
  const metrics = Object.keys(runs[0]?.metrics ?? {});
  const isSignificant = (run: string, metric: string) =>
    comparisons.some(
      (each) => each.run === run && each.metric === metric && each.randomizationHolmP <= alpha,
    );
  const rows = runs.map(({ name, metrics: values }) => [
    name,
    ...metrics.map(
      (metric) => `${formatValue(own(values, metric) ?? 0)}${isSignificant(name, metric) ? '*' : ''}`,
    ),
  ]);
  const note = `% * differs from ${runs[0]?.name.replace(/\s/g, ' ') ?? ''}: paired randomization test, Holm-corrected p <= ${alpha}\n`;
  return note + toLatex({ columns: ['run', ...metrics], rows });
}

function describe(comparison: RunComparison, alpha: number): readonly string[] {
  const metrics = Object.keys(comparison.runs[0]?.metrics ?? {});
  const means = textTable(
    ['run', ...metrics],
    comparison.runs.map(({ name, metrics: values }) => [
      name,
      ...metrics.map((metric) => formatValue(own(values, metric) ?? 0)),
    ]),
  );
  const tests = textTable(
    [
      'run',
      'metric',
      'difference',
      `${formatPercent(1 - alpha)} interval`,
      'p (t)',
      'Holm',
      'p (randomization)',
      'Holm',
      'wins/ties/losses',
      'detectable',
    ],
    comparison.comparisons.map((each) => [
      each.run,
      each.metric,
      formatSigned(each.mean),
      `[${each.interval.map(formatSigned).join(', ')}]`,
      formatP(each.tTestP),
      formatP(each.tTestHolmP),
      formatP(each.randomizationP),
      formatP(each.randomizationHolmP),
      `${each.wins}/${each.ties}/${each.losses}`,
      formatValue(each.smallestDetectable),
    ]),
  );
  const baseline = comparison.runs[0]?.name ?? '';
  return [
    `${comparison.queries} judged queries`,
    ...means,
    '',
    `differences from ${baseline}`,
    ...tests,
    '',
    ...comparison.comparisons.map((each) => conclude(each, baseline, alpha)),
  ];
}

function conclude(each: PairedComparison, baseline: string, alpha: number): string {
  const { run, metric, mean, randomizationHolmP, smallestDetectable } = each;
  if (randomizationHolmP <= alpha) {
    return `${metric}: ${run} is ${mean > 0 ? 'better' : 'worse'} than ${baseline} (corrected p ${formatP(randomizationHolmP)})`;
  }
  if (each.ties === each.queries) return `${metric}: ${run} and ${baseline} are equal on every query`;
  return (
    `${metric}: no difference shown between ${run} and ${baseline}; with these queries a true difference ` +
    `below ${formatValue(smallestDetectable)} had less than an 80% chance to be found`
  );
}

function formatSigned(value: number): string {
  return `${value >= 0 ? '+' : ''}${value.toFixed(4)}`;
}

function formatP(p: number): string {
  return p < 0.0001 ? '<0.0001' : p.toFixed(4);
}

function formatPercent(share: number): string {
  return `${Number((share * 100).toPrecision(4))}%`;
}
