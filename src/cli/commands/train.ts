import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import { Option, type Command } from 'commander';
import { InputError } from '../../core/errors.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { parseLossSpec } from '../../losses/loss-spec.ts';
import type { FragmentInput } from '../../pipeline/fragment-schema.ts';
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
    .description('Trains an encoder on lists of queries and passages. Re-run the same command to resume.')
    .requiredOption('--model <model>', 'the encoder to start from: nano, a folder or ORG/NAME')
    .requiredOption(
      '--lists <file>',
      'training lists, JSONL: ours, sentence-transformers, Tevatron or FlagEmbedding; with --mix NAME=FILE, once or ' +
        'more for each of its sources',
      (value: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), value],
    )
    .option(
      '--mix <file>',
      "how lists of several sources share the batches: JSON as of a recipe's mix, with weights, schedules, " +
        'temperatures and negatives of each source (docs/recipes.md)',
    )
    .requiredOption('--out <dir>', 'the model folder to write')
    .option('--experiment <dir>', 'where checkpoints are kept (default: OUT.experiment)')
    .option(
      '--store <dir>',
      'also keep the trained weights in this store of results, so that nothing there is trained again',
    )
    .option('--loss <spec>', 'a loss or a weighted sum, e.g. "kl + 0.1*infonce(temperature=0.01)"', 'infonce')
    .option(
      '--lora-rank <r>',
      'rank of the adapters, with --train lora (default: 8)',
      integerOption('--lora-rank', settingRanges.loraRank),
    )
    .option(
      '--lora-alpha <a>',
      "the adapters' scale times their rank (default: 16)",
      numberOption('--lora-alpha', settingRanges.loraAlpha),
    )
    .addOption(
      new Option(
        '--dev <file>',
        'lists that choose the best checkpoint, in any format of --lists (mine --split dev makes them of judged ' +
          'queries); their queries, by id or by text, are left out of the training lists',
      ).conflicts('devShare'),
    )
    .option(
      '--dev-share <share>',
      'without --dev: fraction of the lists held out to choose the best checkpoint; 0 for none',
      numberOption('--dev-share', settingRanges.heldOutShare),
      0.1,
    )
    .option(
      '--checkpoint-every <steps>',
      'steps between checkpoints',
      integerOption('--checkpoint-every', settingRanges.steps),
      50,
    )
    .option('--force', 'replace an output folder that holds other files');
  addSettingOptions(command, trainingSettingTable);
  addEncodingOptions(command);
  addComputeOptions(command).action((options: TrainOptions) => train(options, io));
}

async function train(options: TrainOptions, io: CliIo): Promise<void> {
  const experiment = options.experiment ?? `${plainPath(options.out)}.experiment`;
  refuseSharedFolder(options.out, experiment);
  await checkOutputFolder(options.out, options.force === true);
  const chosen = await chosenLists(options, parseLossSpec(options.loss));
  const fragment: FragmentInput = {
    corpus: { dev: devOf(options) },
    encoder: { model: options.model, ...encodingOverrides(options) },
    sources: chosen.sources,
    training: chosenTraining(options),
    arms: [{ name: 'model', ...chosen.arm, loss: options.loss }],
  };
  const training = new ExperimentTraining(experiment, options, chosen, io);
  const extras = {
    ...{ file: options.mix ?? options.lists[0], runsModel: true, view: training.view },
    promise: 'ending after this step, with a checkpoint',
    checkpoints: async () => ({ checkpoints: await training.takeOver(), every: options.checkpointEvery }),
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
    throw new InputError('--lora-rank and --lora-alpha are settings of LoRA', { remedy: 'Use --train lora' });
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
  throw new InputError('the experiment lies in the folder that the model is to be written to', {
    file: experiment,
    remedy: 'Give an --experiment outside --out, or leave it out',
  });
}
