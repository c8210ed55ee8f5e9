import type { Command } from 'commander';
import { settingRanges } from '../../core/setting-ranges.ts';
import { comparisonRows, intervalName } from '../../metrics/comparison-text.ts';
import { formatValue, metricTitle } from '../../metrics/format.ts';
import type { ComparedRow, ModelChoices, ModelComparison } from '../../pipeline/compare-models.ts';
import { queriesByText } from '../../pipeline/test-queries-text.ts';
import { own } from '../../core/own.ts';
import { bm25SettingTable } from '../../retrieval/bm25-setting-table.ts';
import { addCorpusOptions, type CorpusOptions } from '../corpus-options.ts';
import { addEncodingOptions, encodingOverrides } from '../encoding-options.ts';
import { addStoreOptions, withHost, type StoreOptions } from '../fragment-command.ts';
import type { CliIo } from '../io.ts';
import { addSignificanceOptions } from '../evaluation-options.ts';
import { addComputeOptions, integerOption, type ComputeOptions } from '../options.ts';
import { addSettingOptions, chosenSettings } from '../setting-options.ts';
import { textTable } from '../text-table.ts';

interface CompareModelsOptions extends CorpusOptions, StoreOptions, ComputeOptions {
  readonly models: string;
  readonly lists?: string;
  readonly k: number;
  readonly level: number;
  readonly dropIdentical?: boolean;
  readonly alpha: number;
  readonly samples: number;
}

/** Recall@100 needs as many. */
const leastDepth = 100;

export function registerCompareModels(program: Command, io: CliIo): void {
  const command = program
    .command('compare-models')
    .description(
      'Compare encoders on a corpus without training: nDCG@10 and Recall@100 of BM25, of each encoder, and of each ' +
        'encoder fused with BM25 (reciprocal rank fusion), with bootstrap intervals and paired tests against BM25; size ' +
        'and encoding speed; and the encoder to start a training from. Stages are cached, and an interrupted comparison ' +
        'resumes when the command is re-run.',
    );
  addCorpusOptions(command, 'test');
  command
    .requiredOption(
      '--models <names>',
      'Comma-separated encoders: nano, pico, a folder or ORG/NAME; transformers.js: before a name runs it with transformers.js',
    )
    .option(
      '--lists <file>',
      'Use the queries of training lists, with their positives as judgments, instead of a split: for example the ' +
        'output of generate',
    )
    .option(
      '--k <n>',
      'Documents per query and system; the fusion reads as many',
      integerOption('--k', { ...settingRanges.depth, min: leastDepth }),
      leastDepth,
    )
    .option(
      '--level <grade>',
      'Lowest grade that counts as relevant',
      integerOption('--level', settingRanges.level),
      1,
    )
    .option('--drop-identical', 'Ignore documents with the same id as the query (ArguAna, Quora)');
  addSignificanceOptions(command);
  addSettingOptions(command, bm25SettingTable);
  addEncodingOptions(command);
  addStoreOptions(command, './.retriever-studio');
  addComputeOptions(command).action((options: CompareModelsOptions) => compare(options, io));
}

async function compare(options: CompareModelsOptions, io: CliIo): Promise<void> {
  const { compareModels } = await import('../../pipeline/compare-models.ts');
  const extras = { file: options.lists ?? options.corpus, runsModel: true };
  await withHost(options, extras, io, async ({ stopDownloads, ...host }, view) => {
    const comparison = await compareModels(choicesOf(options), {
      ...host,
      onEvent: (event) => {
        stopDownloads();
        view.show(event);
      },
      onFailed: ({ model, problem, remedy }) => {
        view.stop();
        io.warn(`${model} is left out: ${problem}.${remedy === null ? '' : ` ${remedy}.`}`);
      },
      onWarning: (warning) => io.warn(warning),
    });
    view.stop();
    io.printJson(comparison);
    if (!io.json) await print(comparison, io);
  });
}

function choicesOf(options: CompareModelsOptions): ModelChoices {
  const { corpus: folder, split, titles, models, lists, k: depth, level, alpha, samples } = options;
  return {
    corpus: { folder, titles, split },
    lists,
    models: models.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()])),
    encoding: encodingOverrides(options),
    evaluation: {
      ...{ depth, level, alpha, samples, bm25: chosenSettings(bm25SettingTable, options) },
      dropIdentical: options.dropIdentical === true,
    },
  };
}

async function print({ corpus, alpha, rows, proposal }: ModelComparison, io: CliIo): Promise<void> {
  const { comparedMeasures } = await import('../../pipeline/compare-models.ts');
  const { proposalText } = await import('../../pipeline/start-proposal.ts');
  io.print(
    `${corpus.name}: ${corpus.queries} queries${queriesByText(corpus.queriesBy)} judged by ${corpus.judgedBy}, ${corpus.passages} passages`,
  );
  const interval = intervalName(alpha);
  const header = [
    'system',
    ...comparedMeasures.flatMap((metric) => [metricTitle(metric), interval]),
    ...['parameters', 'dimensions', 'passages/s'],
  ];
  for (const line of textTable(header, rows.map(cellsOf))) io.print(line);
  io.print('');
  const comparisons = rows.flatMap(({ tests }) => Object.values(tests));
  const [tested = [], ...tests] = comparisonRows({ comparisons }, alpha);
  if (tests.length > 0) {
    for (const line of textTable(tested, tests)) io.print(line);
    io.print('');
  }
  if (proposal !== null) io.print(proposalText(proposal, comparedMeasures[0]));
}

function cellsOf({ system, kind, encoder, metrics }: ComparedRow): readonly string[] {
  const values = Object.keys(metrics).flatMap((metric) => {
    const value = own(metrics, metric);
    if (value === undefined) return ['', ''];
    return [formatValue(value.mean), `[${value.interval.map((bound) => formatValue(bound)).join(', ')}]`];
  });
  if (kind !== 'encoder' || encoder === null) return [system, ...values, '', '', ''];
  const { parameters, dimensions, passagesPerSecond } = encoder;
  const speed = passagesPerSecond < 100 ? passagesPerSecond.toPrecision(3) : passagesPerSecond.toFixed(0);
  return [system, ...values, parameters === null ? '?' : millions(parameters), String(dimensions), speed];
}

function millions(count: number): string {
  return `${(count / 1e6).toPrecision(3)} M`;
}
