import { basename } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../../host/errors.ts';
import { settingRanges } from '../../host/setting-ranges.ts';
import { evaluate } from '../../metrics/evaluate.ts';
import { formatTrecEvalLine, formatValue } from '../../metrics/format.ts';
import { parseMeasures } from '../../metrics/measures/registry.ts';
import { formatRunLines } from '../../metrics/run.ts';
import type { Run } from '../../metrics/run.ts';
import { rankingToRun } from '../../retrieval/ranking.ts';
import type { CorpusOptions } from '../corpus-options.ts';
import { addCorpusOptions, openCorpus, warnAboutCorpus } from '../corpus-options.ts';
import { addEncodingOptions, type EncodingOptions } from '../encoding-options.ts';
import type { CliIo } from '../io.ts';
import type { ComputeOptions } from '../options.ts';
import { addComputeOptions, integerOption } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import type { RetrievalOptions } from '../retrieval-options.ts';
import { addRetrievalOptions, rankCorpusWithBm25, rankCorpusWithModel } from '../retrieval-options.ts';

interface SearchOptions extends CorpusOptions, RetrievalOptions, EncodingOptions, ComputeOptions {
  readonly out: string;
  readonly k: number;
}

const measures = 'ndcg_cut_10,recall_100';

export function registerSearch(program: Command, io: CliIo): void {
  const command = program
    .command('search')
    .description('Searches a corpus for the judged queries of a split and writes a TREC run.');
  addCorpusOptions(command, 'test');
  addRetrievalOptions(command);
  addEncodingOptions(command);
  command
    .requiredOption('--out <run>', 'the run file to write')
    .option('--k <n>', 'documents for each query', integerOption('--k', settingRanges.depth), 1000);
  addComputeOptions(command).action((options: SearchOptions) => searchCorpus(options, io));
}

async function searchCorpus(options: SearchOptions, io: CliIo): Promise<void> {
  if ((options.bm25 === true) === (options.model !== undefined)) {
    throw new InputError(
      options.bm25 ? '--bm25 and --model are both given' : 'nothing to search with is given',
      {
        remedy: 'Give one of --bm25 and --model',
      },
    );
  }
  const { model, k } = options;
  await checkOutputFile(options.out);
  const corpus = await openCorpus(options, io);
  const { dataset } = corpus;
  const found =
    model === undefined
      ? await rankCorpusWithBm25(corpus, options, k, io)
      : await rankCorpusWithModel(corpus, { ...options, model }, k, io);
  warnAboutCorpus(dataset, io);
  const run = rankingToRun(found.ranking);
  await writeOutputFile(options.out, runLines(run, model === undefined ? 'bm25' : basename(model)));

  const { queries, metrics } = evaluate(dataset.judgments, run, parseMeasures(measures), { complete: true });
  io.printJson({
    run: options.out,
    documents: found.documents,
    queries,
    metrics,
    seconds: { index: found.indexSeconds, search: found.searchSeconds },
  });
  io.print(`${options.out}: ${run.size} queries, ${found.documents} documents`);
  for (const [name, value] of Object.entries(metrics)) {
    io.print(formatTrecEvalLine(name, 'all', formatValue(value)));
  }
}

function* runLines(run: Run, tag: string): Generator<string> {
  for (const [query, scored] of run)
    if (scored.documents.length > 0) yield formatRunLines(query, scored, tag);
}
