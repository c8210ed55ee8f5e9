import type { Command } from 'commander';
import { beirSplits } from '../../corpus/beir.ts';
import { describePrompts } from '../../generation/prompts/describe-prompts.ts';
import { writingSettingTable } from '../../generation/writing-setting-table.ts';
import { InputError } from '../../core/errors.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import type { FragmentInput } from '../../pipeline/fragment-schema.ts';
import { withFragment } from '../fragment-command.ts';
import { exportReplies, importReplies } from '../generation-log.ts';
import { addGeneratorOptions, chosenGenerator, nodeGenerators, parseKeyVariables } from '../generators.ts';
import { asksForPassages } from '../generation-subject.ts';
import { openTree } from '../input-files.ts';
import type { CliIo } from '../io.ts';
import { writeListFile } from '../list-output.ts';
import { warnAboutLists } from '../lists-warnings.ts';
import { integerOption } from '../options.ts';
import { checkOutputFile } from '../output-file.ts';
import { addSettingOptions, chosenSettings } from '../setting-options.ts';
import { printPreview, printWritten } from '../written-view.ts';

/** With those of tables of settings. */
interface GenerateOptions {
  readonly corpus?: string;
  readonly split: string;
  readonly titles: boolean;
  readonly lists?: string;
  readonly prompt: readonly string[];
  readonly keyEnv?: string;
  readonly sample?: number;
  readonly store: string;
  readonly importLog?: string;
  readonly exportLog?: string;
  readonly out?: string;
  readonly preview?: boolean;
}

export function registerGenerate(program: Command, io: CliIo): void {
  const command = program
    .command('generate')
    .description(
      'Has a language model write training lists: queries for the passages of a corpus, or hard negatives, graded ' +
        'passages and labels for queries. Every reply is stored at once, so an interrupted generation resumes.',
    )
    .requiredOption(
      '--prompt <name>',
      'a prompt that comes with the studio (see below) or a file of your own; may be repeated',
      (value: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), value],
    )
    .option(
      '--corpus <dir>',
      'a folder or zip in BEIR layout, whose passages or judged queries are written about',
    )
    .option('--split <name>', 'the judged queries that prompts about queries take: qrels/NAME.tsv', 'train')
    .option('--no-titles', 'leave titles out of the passages')
    .option('--lists <lists>', 'training lists, as JSONL, in place of the queries of the corpus')
    .option(
      '--sample <n>',
      'write about as many, drawn at random with --seed (default: all)',
      integerOption('--sample', settingRanges.count),
    )
    .option('--store <dir>', 'where every reply is kept', './.retriever-studio')
    .option(
      '--import-log <log>',
      'take replies of an exported log over first: what it holds is not asked again',
    )
    .option('--export-log <log>', 'write the replies of these prompts by this model to a JSONL file')
    .option('--out <lists>', 'the JSONL file to write, one list on each line')
    .option('--preview', 'show what the model would be asked first, and ask nothing')
    .addHelpText('after', `\n${describePrompts()}`);
  addSettingOptions(addGeneratorOptions(command), writingSettingTable).action((options: GenerateOptions) =>
    generate(options, io),
  );
}

const generator = 'the language model';
const nobody = { kind: 'http', address: 'http://127.0.0.1/v1', model: 'preview' } as const;

async function generate(options: GenerateOptions, io: CliIo): Promise<void> {
  const { out = '', exportLog, importLog, preview = false, keyEnv, store } = options;
  if (!preview) {
    if (out === '') throw new InputError('--out is not given', { remedy: 'Name the file to write' });
    await checkOutputFile(out);
    if (exportLog !== undefined) await checkOutputFile(exportLog);
  }
  const fragment = await fragmentOf(options);
  const extras = {
    runsModel: false,
    generators: nodeGenerators(parseKeyVariables(keyEnv === undefined ? [] : [keyEnv])),
    promise: 'ending; what was written is kept',
  };
  const place = { device: 'cpu', threads: undefined, ...(!preview && { store }) } as const;
  await withFragment(fragment, place, extras, io, async (job) => {
    if (preview) {
      printPreview(await job.firstRequests('written'), io);
      return;
    }
    const log = await job.generationLog();
    if (importLog !== undefined) await importReplies(log, importLog, io);
    try {
      const prepared = await job.lists('written');
      const { value } = await job.resultOf(prepared.source);
      await writeListFile(await job.listsOf(prepared.lists), { out, format: 'studio' }, io);
      await warnAboutLists(prepared, job, io);
      printWritten(value, { out, store }, io);
    } finally {
      // Also of a run that was ended: what is there is there.
      if (exportLog !== undefined) await exportReplies(log, await job.repliesOf('written'), exportLog);
    }
  });
}

async function fragmentOf(options: GenerateOptions): Promise<FragmentInput> {
  const { corpus: folder, split, titles, lists, prompt: prompts, preview = false } = options;
  const aboutPassages = await asksForPassages(options);
  const chosen = preview ? nobody : chosenGenerator(options);
  const { seed = writingSettingTable.seed.default } = chosenSettings(writingSettingTable, options);
  const about = { sample: options.sample, seed };
  const splits = folder === undefined ? [] : beirSplits(await openTree(folder));
  const guards = (name: string): boolean => name !== split && splits.includes(name);
  return {
    ...(folder !== undefined && {
      corpus: {
        ...{ folder, titles, train: aboutPassages || lists !== undefined ? null : split },
        dev: guards('dev') ? { split: 'dev' } : null,
        test: guards('test') ? 'test' : null,
      },
    }),
    // Whoever wants to see what would be asked needs nobody to ask.
    generators: { [generator]: chosen },
    sources: {
      ...(lists !== undefined && { given: { kind: 'lists', file: lists } as const }),
      written: {
        ...{ kind: 'generated', prompts: [...prompts], ...chosenSettings(writingSettingTable, options) },
        of: aboutPassages
          ? { passages: about }
          : lists === undefined
            ? { train: about }
            : { source: 'given', ...about },
      },
    },
  };
}
