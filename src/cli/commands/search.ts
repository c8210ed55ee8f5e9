import { basename } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../../host/errors.ts';
import { settingRanges } from '../../host/setting-ranges.ts';
import { evaluate } from '../../metrics/evaluate.ts';
import { formatTrecEvalLine, formatValue } from '../../metrics/format.ts';
import { parseMeasures } from '../../metrics/measures/registry.ts';
import type { Run, RunFormat } from '../../metrics/run.ts';
import { checkRunId, formatRunLines, runFormatOf } from '../../metrics/run.ts';
import { rankingToRun } from '../../retrieval/ranking.ts';
import type { CorpusOptions, OpenCorpus } from '../corpus-options.ts';
import { addCorpusOptions, openCorpus, warnAboutCorpus } from '../corpus-options.ts';
import { addEncodingOptions } from '../encoding-options.ts';
import type { CliIo } from '../io.ts';
import type { ComputeOptions } from '../options.ts';
import { addComputeOptions, integerOption } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import type { RetrievalOptions } from '../retrieval-options.ts';
import { addRetrievalOptions, rankCorpusWithBm25, rankCorpusWithModel } from '../retrieval-options.ts';

interface SearchOptions extends CorpusOptions, RetrievalOptions, ComputeOptions {
  readonly out: string;
  readonly k: number;
}

const measures = 'ndcg_cut_10,recall_100';

export function registerSearch(program: Command, io: CliIo): void {
  const command = program
    .command('search')
    .description(
      'Searches a corpus for the judged queries of a split and writes a TREC run, or a tab-separated one, in which ' +
        'ids may contain white space.',
    );
  addCorpusOptions(command, 'test');
  addRetrievalOptions(command);
  addEncodingOptions(command);
  command
    .requiredOption(
      '--out <run>',
      'the run file to write: tab-separated if its name ends in .tsv, otherwise TREC',
    )
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
  const format = runFormatOf(options.out);
  const corpus = withWritableIds(await openCorpus(options, io), format);
  const { dataset } = corpus;
  const found =
    model === undefined
      ? await rankCorpusWithBm25(corpus, options, k, io)
      : await rankCorpusWithModel(corpus, { ...options, model }, k, io);
  warnAboutCorpus(dataset, io);
  const run = rankingToRun(found.ranking);
  const tag = model === undefined ? 'bm25' : basename(model).replace(/\s+/g, '-');
  await writeOutputFile(options.out, runLines(run, tag, format));

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

/** Refuses, before any long work, ids that could not be written after it. */
function withWritableIds({ dataset, showProgress }: OpenCorpus, format: RunFormat): OpenCorpus {
  for (const { id } of dataset.queries) checkRunId(id, format);
  return {
    showProgress,
    dataset: {
      ...dataset,
      get report() {
        return dataset.report;
      },
      async *documents() {
        for await (const document of dataset.documents()) {
          checkRunId(document.id, format);
          yield document;
        }
      },
    },
  };
}

function* runLines(run: Run, tag: string, format: RunFormat): Generator<string> {
  for (const [query, scored] of run)
    if (scored.documents.length > 0) yield formatRunLines(query, scored, tag, format);
}
