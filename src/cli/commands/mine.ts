import type { Command } from 'commander';
import { InputError } from '../../core/errors.ts';
import { own } from '../../core/own.ts';
import { miningSettingTable, ranksSetting, type RankRange } from '../../lists/mining-setting-table.ts';
import type { FragmentInput } from '../../pipeline/fragment-schema.ts';
import { bm25SettingTable } from '../../retrieval/bm25-setting-table.ts';
import { addCorpusOptions, guardedSplits, type CorpusOptions } from '../corpus-options.ts';
import { addEncodingOptions, encodingOverrides } from '../encoding-options.ts';
import { addStoreOptions, withFragment, type StoreOptions } from '../fragment-command.ts';
import type { CliIo } from '../io.ts';
import { addListOutputOptions, writeListFile, type ListOutputOptions } from '../list-output.ts';
import { warnAboutLists } from '../lists-warnings.ts';
import { addComputeOptions, type ComputeOptions } from '../options.ts';
import { checkOutputFile } from '../output-file.ts';
import { addRetrievalOptions, type RetrievalOptions } from '../retrieval-options.ts';
import { addSettingOptions, chosenSettings } from '../setting-options.ts';
import { addTeacherOptions, teacherOf, type TeacherOptions } from '../teacher-options.ts';

interface MineOptions
  extends CorpusOptions, RetrievalOptions, TeacherOptions, StoreOptions, ListOutputOptions, ComputeOptions {
  readonly vectors?: string;
  readonly ranks?: RankRange;
  readonly labelUnjudged?: boolean;
  readonly fuse?: boolean;
}

export function registerMine(program: Command, io: CliIo): void {
  const command = program
    .command('mine')
    .description(
      'Mine training lists: the positives of a split with hard negatives from the top ranks of BM25, an encoder, or ' +
        'both; or, for distillation, the positives with the top candidates. Test and dev queries of the corpus are ' +
        'excluded.',
    );
  addCorpusOptions(command, 'train');
  addRetrievalOptions(command);
  command.option(
    '--vectors <file>',
    'Search with the vectors in a file: those of the queries and of every passage (`embed --queries --corpus` writes them)',
  );
  addEncodingOptions(command);
  addSettingOptions(command, { ...miningSettingTable, ranks: ranksSetting })
    .option('--label-unjudged', 'Label unjudged candidates of listwise lists 0')
    .option('--fuse', 'Combine --bm25, --model and --vectors by reciprocal rank fusion');
  addListOutputOptions(command);
  addTeacherOptions(command);
  addStoreOptions(command);
  addComputeOptions(command).action((options: MineOptions) => mine(options, io));
}

async function mine(options: MineOptions, io: CliIo): Promise<void> {
  const { bm25, model, vectors, fuse, teacher, corpus: file, split } = options;
  const retrievers = [bm25 === true, model !== undefined, vectors !== undefined].filter(Boolean).length;
  if (retrievers === 0) {
    throw new InputError('no retriever was chosen', { remedy: 'Use --bm25, --model or --vectors' });
  }
  if (fuse === true && retrievers < 2) {
    throw new InputError('--fuse needs two retrievers', {
      remedy: 'Use two of --bm25, --model and --vectors',
    });
  }
  await checkOutputFile(options.out);
  const fragment = await fragmentOf(options, io);
  const runsModel = (model ?? teacher) !== undefined;
  await withFragment(fragment, options, { file, runsModel }, io, async (job) => {
    const prepared = await job.lists('mined');
    const { value } = await job.resultOf(prepared.source);
    if (value.lists === 0) {
      throw new InputError(`no query of "${split}" yields a list`, {
        file,
        remedy: 'Use a split whose judgments name documents of the corpus, or a lower --level',
      });
    }
    await writeListFile(await job.listsOf(prepared.lists), options, io);
    await warnAboutLists(prepared, job, io);
    const { guard, mined } = value;
    const count = (name: string): number => own(mined ?? {}, name) ?? 0;
    io.printJson({ lists: options.out, report: { ...mined, lists: value.lists, guard } });
    io.print(`${value.lists} lists with ${count('negatives')} negatives`);
    io.print(
      `excluded: ${count('relevant')} relevant candidates, ` +
        `${count('duplicatesOfPositives')} copies of a positive or of the query`,
    );
  });
}

async function fragmentOf(options: MineOptions, io: CliIo): Promise<FragmentInput> {
  const {
    bm25,
    model,
    vectors,
    corpus: folder,
    split,
    titles,
    ranks,
    labelUnjudged,
    fuse,
    dropIdentical,
  } = options;
  return {
    corpus: { folder, titles, train: split, ...(await guardedSplits(folder, split)) },
    sources: {
      mined: {
        kind: 'mined',
        retrievers: [
          ...(bm25 === true ? [{ kind: 'bm25', ...chosenSettings(bm25SettingTable, options) } as const] : []),
          ...(model === undefined ? [] : [{ kind: 'dense', model, ...encodingOverrides(options) } as const]),
          ...(vectors === undefined ? [] : [{ kind: 'vectors', file: vectors } as const]),
        ],
        ...chosenSettings(miningSettingTable, options),
        ...{ ranks, labelUnjudged, fuse, dropIdentical, seed: options.seed },
      },
    },
    teacher: await teacherOf(options, io),
  };
}
