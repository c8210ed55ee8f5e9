import type { Command } from 'commander';
import { describePrompts } from '../../generation/prompts/describe-prompts.ts';
import { writingSettingTable } from '../../generation/writing-setting-table.ts';
import { InputError } from '../../core/errors.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import type { FragmentInput } from '../../pipeline/fragment-schema.ts';
import { guardedSplits } from '../corpus-options.ts';
import { withFragment } from '../fragment-command.ts';
import { exportReplies, importReplies } from '../generation-log.ts';
import { addGeneratorOptions, chosenGenerator, nodeGenerators, parseKeyVariables } from '../generators.ts';
import { asksForPassages } from '../generation-subject.ts';
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
      'Generate training lists with a language model: queries for the passages of a corpus, or hard negatives, graded ' +
        'passages or labels for queries. Each reply is stored as it arrives. Re-run the same command to resume.',
    )
    .requiredOption(
      '--prompt <name>',
      'Built-in prompt (see below) or a prompt file; may be repeated',
      (value: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), value],
    )
    .option(
      '--corpus <dir>',
      'Corpus in BEIR layout, a folder or zip, that supplies the passages or judged queries',
    )
    .option(
      '--split <name>',
      'Split whose judged queries are used by prompts about queries: qrels/NAME.tsv',
      'train',
    )
    .option('--no-titles', 'Leave titles out of the passages')
    .option('--lists <lists>', 'Training lists (JSONL) to use instead of the queries of the corpus')
    .option(
      '--sample <n>',
      'Number of passages or queries, sampled at random with --seed (default: all)',
      integerOption('--sample', settingRanges.count),
    )
    .option('--store <dir>', 'Folder that stores every reply', './.retriever-studio')
    .option('--import-log <log>', 'Import the replies of an exported log first; they are not requested again')
    .option('--export-log <log>', "Export this model's replies to these prompts to a JSONL file")
    .option('--out <lists>', 'Output file (JSONL, one training list per line)')
    .option('--preview', 'Print the first request of each prompt without sending it')
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
    if (out === '')
      throw new InputError('--out is missing', { remedy: 'Pass --out FILE, the file to write' });
    await checkOutputFile(out);
    if (exportLog !== undefined) await checkOutputFile(exportLog);
  }
  const fragment = await fragmentOf(options);
  const extras = {
    runsModel: false,
    job: { generators: nodeGenerators(parseKeyVariables(keyEnv === undefined ? [] : [keyEnv])) },
    promise: 'stopping; all replies so far are stored',
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
  const train = aboutPassages || lists !== undefined ? null : split;
  return {
    ...(folder !== undefined && {
      corpus: { folder, titles, train, ...(await guardedSplits(folder, train ?? undefined)) },
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
