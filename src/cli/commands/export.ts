import { basename } from 'node:path';
import type { TrainingHistory } from '../../training/checkpoint-state.ts';
import type { Command } from 'commander';
import type { EncoderModel } from '../../encoders/types.ts';
import { InputError } from '../../core/errors.ts';
import type { LoadedCheckpoint } from '../../training/checkpoint.ts';
import { encoderWeights } from '../../training/parameter-selection.ts';
import {
  checkOutputFolder,
  Experiment,
  openBaseEncoder,
  writeModelFolder,
  type ExperimentDescription,
} from '../experiment.ts';
import type { CliIo } from '../io.ts';
import { choiceOption } from '../options.ts';
import { own } from '../../core/own.ts';

interface ExportOptions {
  readonly experiment: string;
  readonly to: string;
  readonly which: 'best' | 'latest';
  readonly force?: boolean;
}

export function registerExport(program: Command, io: CliIo): void {
  program
    .command('export')
    .description(
      'Export the model of an experiment to a folder that sentence-transformers and transformers.js can load.',
    )
    .requiredOption('--experiment <dir>', 'Experiment folder')
    .requiredOption('--to <dir>', 'Model folder to write')
    .option(
      '--which <checkpoint>',
      'Checkpoint to export: best (on the dev set) or latest',
      choiceOption('--which', ['best', 'latest']),
      'best',
    )
    .option('--force', 'Replace a folder even if it contains other files')
    .action((options: ExportOptions) => exportModel(options, io));
}

async function exportModel(options: ExportOptions, io: CliIo): Promise<void> {
  await checkOutputFolder(options.to, options.force === true);
  const experiment = await Experiment.openExisting(options.experiment, io);
  const description = await experiment.description();
  const checkpoints = experiment.checkpoints();
  const best = options.which === 'best' ? await checkpoints.loadBest() : undefined;
  const loaded = best ?? (await checkpoints.loadLatest());
  if (description === undefined || loaded === undefined) {
    throw new InputError('the experiment has no checkpoint yet', {
      file: options.experiment,
      remedy: 'Run `retriever-studio train` first',
    });
  }
  for (const problem of loaded.problems) io.warn(problem);
  const model = await trainedEncoder(description, loaded, io);
  await writeModelFolder(options.to, model, modelCardOf(options.to, description, stateOf(loaded)), {
    force: options.force === true,
  });
  await experiment.close();
  const { step } = loaded.checkpoint.state;
  io.printJson({ model: options.to, step });
  io.print(`${options.to}: exported the model of step ${step}`);
}

/** The base encoder with the weights of a checkpoint. */
async function trainedEncoder(
  description: ExperimentDescription,
  { checkpoint }: LoadedCheckpoint,
  io: CliIo,
): Promise<EncoderModel> {
  const base = await openBaseEncoder(description.model, description.encoding, io);
  const { hyperparameters } = description;
  const [rank, alpha] = [hyperparameters['LoRA rank'], hyperparameters['LoRA alpha']];
  const lora =
    typeof rank === 'number' && typeof alpha === 'number' ? { rank, scale: alpha / rank } : undefined;
  return { ...base, weights: encoderWeights(base, checkpoint.weights, lora) };
}

/** How far a model was trained, and what was measured on the way. */
interface TrainedState {
  readonly step: number;
  readonly evaluations: TrainingHistory['evaluations'];
}

function stateOf({ checkpoint }: LoadedCheckpoint): TrainedState {
  const { step, history } = checkpoint.state;
  return { step, evaluations: (history as TrainingHistory).evaluations };
}

/** The model card of a training: what it was trained on and what that did on the dev queries. */
export function modelCardOf(
  folder: string,
  description: ExperimentDescription,
  { step: trained, evaluations }: TrainedState,
): Parameters<typeof writeModelFolder>[2] {
  const before = evaluations[0]?.values ?? {};
  const after = evaluations.find(({ step }) => step === trained)?.values ?? {};
  return {
    title: basename(folder),
    baseModel: description.model,
    trainingData: `Training lists of queries and passages: ${basename(description.lists)}.`,
    loss: description.loss,
    hyperparameters: { ...description.hyperparameters, 'training steps': trained },
    metrics: Object.entries(after).map(([metric, value]) => ({
      dataset: description.devSha256 === undefined ? 'held-out lists' : 'dev lists',
      metric,
      before: own(before, metric),
      after: value,
    })),
  };
}
