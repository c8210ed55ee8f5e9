import { basename } from 'node:path';
import type { Command } from 'commander';
import { sharedWithTrain } from '../../corpus/split.ts';
import type { Judgments } from '../../corpus/types.ts';
import { InputError } from '../../core/errors.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { compareSystems, type ComparedSystem } from '../../metrics/compare-systems.ts';
import { comparisonCsv, comparisonLatex, meanRows } from '../../metrics/comparison-tables.ts';
import { comparisonRows, conclusion } from '../../metrics/comparison-text.ts';
import { parseMeasures } from '../../metrics/measures/registry.ts';
import type { RequestedMeasure } from '../../metrics/measures/registry.ts';
import type { RunOptions } from '../evaluation-options.ts';
import { addRunOptions, addSignificanceOptions, evaluationOptions } from '../evaluation-options.ts';
import type { CliIo } from '../io.ts';
import { integerOption } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { textTable } from '../text-table.ts';
import { openJudgments, openRun, requireCommonQueries, warnAboutJudgments } from '../trec-files.ts';

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
      '--seed <n>',
      'Random seed of the permutations and bootstrap samples',
      integerOption('--seed', settingRanges.seed),
      0,
    );
  addSignificanceOptions(command);
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
  const open = async ({ name, path }: RunFile): Promise<ComparedSystem> => {
    const { run } = await openRun(path);
    requireCommonQueries(judgments, run, { qrels: options.qrels, run: path });
    const missing = [...judgments.keys()].filter((query) => !run.has(query)).length;
    if (missing > 0)
      io.warn(`${name} lacks ${missing} of the ${judgments.size} judged queries, which score 0`);
    return { name, runs: [run] };
  };
  const systems: ComparedSystem[] = [];
  for (const file of [baseline, ...others]) systems.push(await open(file));

  const { alpha, samples, seed } = options;
  const evaluation = evaluationOptions(options);
  const table = compareSystems(judgments, systems, { ...evaluation, measures, alpha, samples, seed });
  const { queries, comparisons } = table;
  if (options.csv !== undefined) await writeOutputFile(options.csv, comparisonCsv(table));
  if (options.latex !== undefined) await writeOutputFile(options.latex, comparisonLatex(table, alpha));
  io.printJson({
    queries,
    ...{ baseline: baseline.name, alpha, samples, seed },
    runs: table.systems.map(({ name, metrics }) => ({
      name,
      metrics: Object.fromEntries(Object.entries(metrics).map(([metric, { mean }]) => [metric, mean])),
    })),
    comparisons: comparisons.map(({ system: run, difference: mean, ...rest }) => ({
      ...{ run, queries, mean },
      ...rest,
    })),
  });
  const [header = [], ...means] = meanRows(table);
  const [testHeader = [], ...tests] = comparisonRows(table, alpha);
  const lines = [
    ...[`${queries} judged queries`, ...textTable(header, means), ''],
    ...[...textTable(testHeader, tests), ''],
    ...comparisons.map((pair) => conclusion(pair, { alpha, queries })),
  ];
  for (const line of lines) io.print(line);
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
