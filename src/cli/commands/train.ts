import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import { Option, type Command } from 'commander';
import { InputError } from '../../core/errors.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { parseLossSpec } from '../../losses/loss-spec.ts';
import type { FragmentInput } from '../../pipeline/fragment-schema.ts';
import { teacherFault } from '../../pipeline/loss.ts';
import type { RecipeTraining } from '../../pipeline/schema/training.ts';
import { trainingSettingTable } from '../../training/setting-table.ts';
import { addEncodingOptions, encodingOverrides } from '../encoding-options.ts';
import { ExperimentTraining, type ExperimentOptions } from '../experiment-training.ts';
import { checkOutputFolder } from '../experiment.ts';
import { withFragment } from '../fragment-command.ts';
import type { CliIo } from '../io.ts';
import { chosenLists, type ListOptions } from '../list-options.ts';
import { addComputeOptions, integerOption, numberOption, type ComputeOptions } from '../options.ts';
import { addSettingOptions, chosenSettings } from '../setting-options.ts';
import { addTeacherOptions, teacherOf } from '../teacher-options.ts';

interface TrainOptions extends ExperimentOptions, ListOptions, ComputeOptions {
  readonly experiment?: string;
  readonly store?: string;
  readonly loss: string;
  readonly loraRank?: number;
  readonly loraAlpha?: number;
  readonly checkpointEvery: number;
}

export function registerTrain(program: Command, io: CliIo): void {
  const command = program
    .command('train')
    .description('Train an encoder on training lists. Re-run the same command to resume.')
    .requiredOption('--model <model>', 'Base encoder: nano, pico, a folder or ORG/NAME')
    .requiredOption(
      '--lists <file>',
      'Training lists (JSONL) in the format of the studio, sentence-transformers, Tevatron or FlagEmbedding; with ' +
        '--mix, NAME=FILE, repeated for each of its sources',
      (value: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), value],
    )
    .option(
      '--mix <file>',
      "Mix of several sources: a JSON file in the form of a recipe's mix, with the weights, schedules, temperatures and " +
        'negatives of each source (docs/recipes.md)',
    )
    .requiredOption('--out <dir>', 'Model folder to write')
    .option('--experiment <dir>', 'Folder for checkpoints (default: OUT.experiment)')
    .option(
      '--store <dir>',
      'Also cache the trained weights in this store, so that the same training is not repeated',
    )
    .option(
      '--loss <spec>',
      'Loss or weighted sum of losses, e.g. "kl + 0.1*infonce(temperature=0.01)"',
      'infonce',
    )
    .option(
      '--lora-rank <r>',
      'LoRA rank, with --train lora (default: 8)',
      integerOption('--lora-rank', settingRanges.loraRank),
    )
    .option(
      '--lora-alpha <a>',
      'LoRA alpha: scale of the update times the rank (default: 16)',
      numberOption('--lora-alpha', settingRanges.loraAlpha),
    )
    .addOption(
      new Option(
        '--dev <file>',
        'Dev lists that select the best checkpoint, in any format of --lists (mine --split dev makes them from judged ' +
          'queries). Their queries are removed from the training lists, by id and by text',
      ).conflicts('devShare'),
    )
    .option(
      '--dev-share <share>',
      'Without --dev: fraction of the lists held out to select the best checkpoint; 0 for none',
      numberOption('--dev-share', settingRanges.heldOutShare),
      0.1,
    )
    .option(
      '--checkpoint-every <steps>',
      'Steps between checkpoints',
      integerOption('--checkpoint-every', settingRanges.steps),
      50,
    )
    .option('--force', 'Replace an output folder even if it contains other files');
  addTeacherOptions(command);
  addSettingOptions(command, trainingSettingTable);
  addEncodingOptions(command);
  addComputeOptions(command).action((options: TrainOptions) => train(options, io));
}

async function train(options: TrainOptions, io: CliIo): Promise<void> {
  const experiment = options.experiment ?? `${plainPath(options.out)}.experiment`;
  refuseSharedFolder(options.out, experiment);
  await checkOutputFolder(options.out, options.force === true);
  const loss = parseLossSpec(options.loss);
  const chosen = await chosenLists(options, loss);
  const teacher = await teacherOf(options, io, (given) => {
    const problem = teacherFault(loss, given);
    if (problem === undefined) return;
    throw new InputError(problem, {
      remedy: 'Use --teacher with an encoder, --teacher-vectors, or scope=own',
    });
  });
  const fragment: FragmentInput = {
    corpus: { dev: devOf(options) },
    encoder: { model: options.model, ...encodingOverrides(options) },
    sources: chosen.sources,
    teacher,
    training: chosenTraining(options),
    arms: [{ name: 'model', ...chosen.arm, loss: options.loss }],
  };
  const training = new ExperimentTraining(experiment, options, chosen, io);
  const extras = {
    ...{ file: options.mix ?? options.lists[0], runsModel: true, view: training.view },
    promise: 'saving a checkpoint and stopping after this step',
    job: {
      checkpoints: async () => ({ checkpoints: await training.takeOver(), every: options.checkpointEvery }),
    },
    onStopped: () => training.printStopped(),
  };
  try {
    await withFragment(fragment, options, extras, io, (job) => training.run(job));
  } catch (error) {
    throw training.explain(error);
  } finally {
    await training.close();
  }
}

function devOf({ dev, devShare, seed }: TrainOptions): NonNullable<FragmentInput['corpus']>['dev'] {
  if (dev !== undefined) return { file: dev };
  return devShare > 0 ? { share: devShare, seed, among: 'lists' } : null;
}

/** The settings that the options choose, as a recipe has them. @throws InputError */
function chosenTraining(options: TrainOptions): RecipeTraining {
  const chosen = chosenSettings(trainingSettingTable, options);
  const { loraRank, loraAlpha } = options;
  if (chosen.selection?.kind !== 'lora') {
    if ((loraRank ?? loraAlpha) === undefined) return chosen;
    throw new InputError('--lora-rank and --lora-alpha apply to LoRA only', { remedy: 'Use --train lora' });
  }
  const { rank, alpha } = chosen.selection;
  return { ...chosen, selection: { kind: 'lora', rank: loraRank ?? rank, alpha: loraAlpha ?? alpha } };
}

/** A folder's path that ends in its name. */
function plainPath(path: string): string {
  const trimmed = path.replace(/[/\\]+$/, '');
  return /^\.{0,2}$/.test(basename(trimmed)) ? resolve(path) : trimmed;
}

/** The output folder is replaced as a whole, and an experiment outlives it. @throws InputError */
function refuseSharedFolder(out: string, experiment: string): void {
  const [outer, inner] = [resolve(out), resolve(experiment)];
  const between = relative(outer, inner);
  if (between === '..' || between.startsWith(`..${sep}`) || isAbsolute(between)) return;
  throw new InputError('the experiment folder is inside the output folder, which is replaced as a whole', {
    file: experiment,
    remedy: 'Use an --experiment folder outside --out, or remove the option',
  });
}
