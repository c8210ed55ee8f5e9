import { Option, type Command } from 'commander';
import { passageText } from '../../corpus/documents.ts';
import type { ListFormat } from '../../corpus/lists.ts';
import { writeLists } from '../../corpus/lists.ts';
import { InputError } from '../../host/errors.ts';
import { settingRanges } from '../../host/setting-ranges.ts';
import { documentsToMine, fusedSource, type CandidateSource } from '../../mining/candidates.ts';
import type { HardNegativeOptions } from '../../mining/hard-negatives.ts';
import { mineHardNegatives } from '../../mining/hard-negatives.ts';
import { makeListwiseLists } from '../../mining/listwise-lists.ts';
import type { CorpusOptions, OpenCorpus } from '../corpus-options.ts';
import { addCorpusOptions, openCorpus, warnAboutCorpus } from '../corpus-options.ts';
import { addEncodingOptions } from '../encoding-options.ts';
import type { CliIo } from '../io.ts';
import type { ComputeOptions } from '../options.ts';
import { addComputeOptions, choiceOption, integerOption, numberOption } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import type { RetrievalOptions } from '../retrieval-options.ts';
import { addRetrievalOptions, rankCorpusWithBm25, rankCorpusWithModel } from '../retrieval-options.ts';
import type { TeacherOptions } from '../teacher-options.ts';
import { addTeacherOptions, applyTeacher, checkTeacherOptions } from '../teacher-options.ts';

interface MineOptions extends CorpusOptions, RetrievalOptions, TeacherOptions, ComputeOptions {
  readonly out: string;
  readonly negatives: number;
  readonly ranks: RankRange;
  readonly pick: HardNegativeOptions['pick'];
  readonly lists: HardNegativeOptions['lists'] | 'listwise';
  readonly depth: number;
  readonly labelUnjudged?: boolean;
  readonly fuse?: boolean;
  readonly level: number;
  readonly format: ListFormat;
  readonly checkpointSeconds: number;
}

interface RankRange {
  readonly first: number;
  readonly last: number;
}

const formats = ['studio', 'sentence-transformers', 'tevatron', 'flagembedding'] as const;

export function registerMine(program: Command, io: CliIo): void {
  const command = program
    .command('mine')
    .description(
      'Makes training lists: the positives of a split and hard negatives from the high ranks of BM25, of an ' +
        'encoder, or of both; or, to learn from a teacher, the positives and the best candidates.',
    );
  addCorpusOptions(command, 'train');
  addRetrievalOptions(command);
  addEncodingOptions(command);
  command
    .requiredOption('--out <lists>', 'the JSONL file to write, one list on each line')
    .option(
      '--negatives <n>',
      'negatives of each source in a list',
      integerOption('--negatives', settingRanges.minedNegatives),
      5,
    )
    .addOption(
      new Option('--ranks <first-last>', 'the ranks that negatives come from')
        .argParser(parseRanks)
        .default({ first: 1, last: 50 }, '1-50'),
    )
    .option(
      '--pick <how>',
      'random among those ranks, or the top ones',
      choiceOption('--pick', ['random', 'top']),
      'random',
    )
    .option(
      '--lists <how>',
      'a list per-positive, or one per-query with all its positives; or listwise: all that is relevant and the ' +
        'best candidates, labeled where they are judged',
      choiceOption('--lists', ['per-positive', 'per-query', 'listwise']),
      'per-positive',
    )
    .option(
      '--depth <n>',
      'candidates of each source in a listwise list',
      integerOption('--depth', settingRanges.listwiseDepth),
      20,
    )
    .option('--label-unjudged', 'give candidates of listwise lists that nobody judged the label 0')
    .option('--fuse', 'make one source of --bm25 and --model, by reciprocal rank fusion')
    .option(
      '--level <grade>',
      'the lowest grade of a positive',
      integerOption('--level', settingRanges.level),
      1,
    )
    .option(
      '--format <name>',
      `the form of the lines: ${formats.join(', ')}`,
      choiceOption('--format', formats),
      'studio',
    )
    .option(
      '--checkpoint-seconds <s>',
      'how much of the embedding by --model a kill may cost, about: the store keeps the rest until the lists are written',
      numberOption('--checkpoint-seconds', settingRanges.checkpointSeconds),
      30,
    );
  addTeacherOptions(command);
  addComputeOptions(command).action((options: MineOptions) => mine(options, io));
}

async function mine(options: MineOptions, io: CliIo): Promise<void> {
  checkOptions(options);
  await checkOutputFile(options.out);
  const corpus = await openCorpus(options, io);
  const { dataset } = corpus;
  const { sources, forget } = await rankSources(corpus, options, io);
  const settings = { ...options, firstRank: options.ranks.first, lastRank: options.ranks.last };
  const wanted = documentsToMine(dataset.queries, dataset.judgments, sources, settings);
  const texts = await readTexts(corpus, wanted, options);
  warnAboutCorpus(dataset, io);
  const textOf = (id: string): string | undefined => texts.get(id);
  const parts = [dataset.queries, dataset.judgments, sources, textOf] as const;
  const { lists, report } =
    settings.lists === 'listwise'
      ? makeListwiseLists(...parts, { ...settings, candidates: settings.depth })
      : mineHardNegatives(...parts, { ...settings, lists: settings.lists });
  if (lists.length === 0) {
    throw new InputError(`none of the ${dataset.queries.length} queries of "${options.split}" makes a list`, {
      file: options.corpus,
      remedy: 'Give a split whose judgments name documents of the corpus, and check --level',
    });
  }
  const scored = await applyTeacher(lists, options, io);
  let unwritable = 0;
  await writeOutputFile(options.out, writeLists(scored, options.format, { onSkipped: () => unwritable++ }));
  await forget();

  if (report.skippedQueries > 0) {
    io.warn(`queries without a positive in the corpus: ${report.skippedQueries} (they make no list)`);
  }
  if (report.shortLists > 0) {
    io.warn(`lists with fewer negatives than asked for: ${report.shortLists} (widen --ranks)`);
  }
  if (unwritable > 0)
    io.warn(`${unwritable} lists have no passage of a kind that ${options.format} needs: left out`);
  io.printJson({ lists: options.out, sources: sources.map(({ source }) => source), report: { ...report } });
  io.print(`${report.lists} lists with ${report.negatives} negatives`);
  io.print(
    `left out: ${report.relevant} relevant candidates, ${report.duplicatesOfPositives} with the text of a positive or of the query`,
  );
}

/** @throws InputError for options that do not go together. */
function checkOptions(options: MineOptions): void {
  const { bm25, model, fuse, lists, depth, ranks } = options;
  if (bm25 !== true && model === undefined) {
    throw new InputError('nothing to mine with is given', { remedy: 'Give --bm25, --model or both' });
  }
  if (fuse === true && (bm25 !== true || model === undefined)) {
    throw new InputError('--fuse needs two rankings', { remedy: 'Give --bm25 and --model' });
  }
  if (lists === 'listwise' && depth > ranks.last - ranks.first + 1) {
    throw new InputError(`--depth is ${depth}, but --ranks holds ${ranks.last - ranks.first + 1}`, {
      remedy: `Widen it, as in --ranks ${ranks.first}-${ranks.first - 1 + 2 * depth}`,
    });
  }
  checkTeacherOptions(options);
}

interface RankedSources {
  readonly sources: readonly CandidateSource[];
  /** Takes the corpus's vectors out of the store. */
  readonly forget: () => Promise<void>;
}

async function rankSources(corpus: OpenCorpus, options: MineOptions, io: CliIo): Promise<RankedSources> {
  const sources: CandidateSource[] = [];
  const { model, ranks, store, checkpointSeconds } = options;
  let forget = (): Promise<void> => Promise.resolve();
  if (options.bm25 === true) {
    const { ranking } = await rankCorpusWithBm25(corpus, options, ranks.last, io);
    sources.push({ source: 'bm25', ranking });
  }
  if (model !== undefined) {
    const lasting = { store, seconds: checkpointSeconds };
    const found = await rankCorpusWithModel(corpus, { ...options, model, lasting }, ranks.last, io);
    sources.push({ source: 'dense', ranking: found.ranking });
    forget = found.forget ?? forget;
  }
  return { sources: options.fuse === true ? [fusedSource(sources, ranks.last)] : sources, forget };
}

/** The corpus is read once more for them, so that it need not be in memory. */
async function readTexts(
  { dataset, showProgress }: OpenCorpus,
  ids: ReadonlySet<string>,
  { titles }: MineOptions,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const reading = showProgress('collecting texts');
  try {
    for await (const document of dataset.documents()) {
      if (ids.has(document.id)) texts.set(document.id, passageText(document, { titles }));
    }
  } finally {
    reading.stop();
  }
  return texts;
}

/** `1-50`. @throws InputError */
function parseRanks(text: string): RankRange {
  const [, first = '', last = ''] = /^\s*(\d+)\s*-\s*(\d+)\s*$/.exec(text) ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (first === '' || range.first < 1 || range.last < range.first || range.last > 1_000_000) {
    throw new InputError(`--ranks is "${text}"`, {
      remedy: 'Give two ranks from 1 to 1000000, as in 1-50 or 10-100',
    });
  }
  return range;
}
