import { basename } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../../core/errors.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { evaluate } from '../../metrics/evaluate.ts';
import { formatTrecEvalLine, formatValue } from '../../metrics/format.ts';
import { parseMeasures } from '../../metrics/measures/registry.ts';
import { checkRunId, formatRunLines, runFormatOf, type Run, type RunFormat } from '../../metrics/run.ts';
import type { FragmentInput } from '../../pipeline/fragment-schema.ts';
import { bm25SettingTable } from '../../retrieval/bm25-setting-table.ts';
import { rankingToRun } from '../../retrieval/ranking.ts';
import { addCorpusOptions, type CorpusOptions } from '../corpus-options.ts';
import { addEncodingOptions, encodingOverrides } from '../encoding-options.ts';
import { addStoreOptions, withFragment, type StoreOptions } from '../fragment-command.ts';
import type { CliIo } from '../io.ts';
import { addComputeOptions, integerOption, type ComputeOptions } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { addRetrievalOptions, type RetrievalOptions } from '../retrieval-options.ts';
import { chosenSettings } from '../setting-options.ts';

interface SearchOptions extends CorpusOptions, RetrievalOptions, StoreOptions, ComputeOptions {
  readonly out: string;
  readonly k: number;
}

const measures = 'ndcg_cut_10,recall_100';

export function registerSearch(program: Command, io: CliIo): void {
  const command = program
    .command('search')
    .description(
      'Search a corpus for the judged queries of a split and write a run file: TREC, or tab-separated if ids contain ' +
        'white space.',
    );
  addCorpusOptions(command, 'test');
  addRetrievalOptions(command);
  addEncodingOptions(command);
  command
    .requiredOption('--out <run>', 'Output run file: tab-separated if its name ends in .tsv, otherwise TREC')
    .option('--k <n>', 'Documents per query', integerOption('--k', settingRanges.depth), 1000);
  addStoreOptions(command);
  addComputeOptions(command).action((options: SearchOptions) => search(options, io));
}

async function search(options: SearchOptions, io: CliIo): Promise<void> {
  const { bm25, model, out, corpus: file } = options;
  if ((bm25 === true) === (model !== undefined)) {
    const problem = bm25 === true ? '--bm25 and --model cannot be combined' : 'no retriever was chosen';
    throw new InputError(problem, { remedy: 'Use either --bm25 or --model' });
  }
  await checkOutputFile(out);
  const format = runFormatOf(out);
  const extras = {
    ...{ file, runsModel: model !== undefined },
    // Ids that could not be written are refused before any long work.
    job: { onPassage: ({ id }: { readonly id: string }) => checkRunId(id, format) },
  };
  await withFragment(fragmentOf(options), options, extras, io, async (job) => {
    const { test, passages } = job.corpus;
    for (const { id } of test.queries) checkRunId(id, format);
    const tag = model === undefined ? 'bm25' : basename(model).replace(/\s+/g, '-');
    const stage = await job.ranking(tag);
    const { seconds } = await job.resultOf(stage);
    const run = rankingToRun(await job.rankingOf(stage));
    await writeOutputFile(out, runLines(run, tag, format));
    const { queries, metrics } = evaluate(test.judgments, run, parseMeasures(measures), { complete: true });
    io.printJson({ run: out, documents: passages.size, queries, metrics, seconds });
    io.print(`${out}: ${run.size} queries, ${passages.size} documents`);
    for (const [name, value] of Object.entries(metrics)) {
      io.print(formatTrecEvalLine(name, 'all', formatValue(value)));
    }
  });
}

function fragmentOf(options: SearchOptions): FragmentInput {
  const { corpus: folder, split: test, titles, model, k: depth, dropIdentical } = options;
  const bm25 = chosenSettings(bm25SettingTable, options);
  return {
    corpus: { folder, titles, test },
    ...(model !== undefined && { encoder: { model, ...encodingOverrides(options) } }),
    evaluation: { depth, dropIdentical, bm25 },
  };
}

function* runLines(run: Run, tag: string, format: RunFormat): Generator<string> {
  for (const [query, scored] of run)
    if (scored.documents.length > 0) yield formatRunLines(query, scored, tag, format);
}
