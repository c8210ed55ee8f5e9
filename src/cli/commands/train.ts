import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { readLists } from '../../corpus/lists.ts';
import { ReadReport } from '../../corpus/report.ts';
import { splitByPassage } from '../../corpus/split.ts';
import { withoutDuplicatesOfPositives } from '../../corpus/text-key.ts';
import type { ListRecord } from '../../corpus/types.ts';
import type { EncoderModel } from '../../encoders/types.ts';
import { InputError } from '../../host/errors.ts';
import { refuseForeignFolder } from '../../host/node/atomic-file.ts';
import { nodeClock } from '../../host/node/clock.ts';
import { nodeFiles } from '../../host/node/file-operations.ts';
import { openFile } from '../../host/node/files.ts';
import { openRuntime } from '../../host/node/runtime.ts';
import { formatLossSpec, parseLossSpec } from '../../losses/loss-spec.ts';
import { devEvaluation } from '../../training/dev-evaluation.ts';
import { defaultAdamW } from '../../training/optimizer.ts';
import type { ParameterSelection } from '../../training/parameter-selection.ts';
import type { TrainingSettings } from '../../training/settings.ts';
import { train, type TrainingEvent, type TrainingResult } from '../../training/trainer.ts';
import { addEncodingOptions, encodingOverrides, type EncodingOptions } from '../encoding-options.ts';
import { Experiment, openBaseEncoder, writeModelFolder, type ExperimentDescription } from '../experiment.ts';
import type { CliIo } from '../io.ts';
import {
  addComputeOptions,
  choiceOption,
  integerOption,
  numberOption,
  type ComputeOptions,
} from '../options.ts';
import { formatDuration, type Progress } from '../progress.ts';
import { packageVersion } from '../version.ts';
import { modelCardOf } from './export.ts';

interface TrainOptions extends ComputeOptions, EncodingOptions {
  readonly model: string;
  readonly lists: string;
  readonly out: string;
  readonly experiment?: string;
  readonly loss: string;
  readonly similarity: TrainingSettings['similarity'];
  readonly epochs: number;
  readonly maxSteps?: number;
  readonly batchSize: number;
  readonly negatives: number | 'all';
  readonly pick: TrainingSettings['batches']['choice'];
  readonly rowPer: TrainingSettings['batches']['rowPer'];
  readonly duplicates: 'avoid' | 'allow';
  readonly lr: number;
  readonly schedule: TrainingSettings['schedule']['kind'];
  readonly warmup: number;
  readonly floor: number;
  readonly weightDecay: number;
  readonly clip: number;
  readonly dropout: number;
  readonly train: string;
  readonly loraRank: number;
  readonly loraAlpha: number;
  readonly devShare: number;
  readonly evaluateEvery?: number;
  readonly patience?: number;
  readonly checkpointEvery: number;
  readonly microBatchTokens: number;
  readonly activationMemory: number;
  readonly force?: boolean;
}

export function registerTrain(program: Command, io: CliIo): void {
  const command = program
    .command('train')
    .description(
      'Trains an encoder on lists of queries and passages. The same command again goes on where it was ended.',
    )
    .requiredOption('--model <model>', 'the encoder to start from: nano, a folder or ORG/NAME')
    .requiredOption(
      '--lists <file>',
      'training lists, JSONL: ours, sentence-transformers, Tevatron or FlagEmbedding',
    )
    .requiredOption('--out <dir>', 'the model folder to write')
    .option('--experiment <dir>', 'where checkpoints are kept (default: OUT.experiment)')
    .option('--loss <spec>', 'a loss or a weighted sum, e.g. "kl + 0.1*infonce(temperature=0.01)"', 'infonce')
    .option('--similarity <how>', 'cosine or dot', choiceOption('--similarity', ['cosine', 'dot']), 'cosine')
    .option('--epochs <n>', 'times through the lists', integerOption('--epochs', { min: 1 }), 1)
    .option('--max-steps <n>', 'steps at most', integerOption('--max-steps', { min: 1 }))
    .option('--batch-size <n>', 'lists of a step', integerOption('--batch-size', { min: 1 }), 16)
    .option('--negatives <n|all>', 'passages beside the positive', parseNegatives, 'all' as const)
    .option(
      '--pick <how>',
      'which negatives, where a list has more: top, fixed or random',
      choiceOption('--pick', ['top', 'fixed', 'random']),
      'random',
    )
    .option(
      '--row-per <what>',
      'one row for each list, or for each positive',
      choiceOption('--row-per', ['list', 'positive']),
      'positive',
    )
    .option(
      '--duplicates <how>',
      'avoid or allow the same passage twice in a batch',
      choiceOption('--duplicates', ['avoid', 'allow']),
      'avoid',
    )
    .option('--lr <rate>', 'peak learning rate', numberOption('--lr', { min: 0 }), 2e-5)
    .option(
      '--schedule <kind>',
      'after the warm-up: constant, linear or cosine',
      choiceOption('--schedule', ['constant', 'linear', 'cosine']),
      'linear',
    )
    .option(
      '--warmup <n>',
      'warm-up: a share of all steps below 1, or a number of steps',
      numberOption('--warmup', { min: 0 }),
      0.1,
    )
    .option(
      '--floor <share>',
      'what the learning rate ends at, as a share of the peak',
      numberOption('--floor', { min: 0, max: 1 }),
      0,
    )
    .option(
      '--weight-decay <rate>',
      "AdamW's decoupled weight decay",
      numberOption('--weight-decay', { min: 0 }),
      defaultAdamW.weightDecay,
    )
    .option(
      '--clip <norm>',
      'gradient norm at most; 0 for no clipping',
      numberOption('--clip', { min: 0 }),
      defaultAdamW.clipNorm,
    )
    .option(
      '--dropout <share>',
      'of hidden values and attention',
      numberOption('--dropout', { min: 0, max: 0.9 }),
      0,
    )
    .option('--train <what>', 'all, no-embeddings, last-K (layers, e.g. last-2) or lora', 'all')
    .option('--lora-rank <r>', 'rank of the adapters', integerOption('--lora-rank', { min: 1 }), 8)
    .option(
      '--lora-alpha <a>',
      "the adapters' scale times their rank",
      numberOption('--lora-alpha', { min: 0 }),
      16,
    )
    .option(
      '--dev-share <share>',
      'of the lists held out to choose the best checkpoint; 0 for none',
      numberOption('--dev-share', { min: 0, max: 0.9 }),
      0.1,
    )
    .option(
      '--evaluate-every <steps>',
      'steps between evaluations (default: ten in all)',
      integerOption('--evaluate-every', { min: 1 }),
    )
    .option(
      '--patience <n>',
      'ends after so many evaluations without improvement',
      integerOption('--patience', { min: 1 }),
    )
    .option(
      '--checkpoint-every <steps>',
      'steps between checkpoints',
      integerOption('--checkpoint-every', { min: 1 }),
      50,
    )
    .option(
      '--micro-batch-tokens <n>',
      'tokens computed at once',
      integerOption('--micro-batch-tokens', { min: 16 }),
      1024,
    )
    .option(
      '--activation-memory <MiB>',
      'activations are kept up to this, and recomputed beyond',
      integerOption('--activation-memory', { min: 0 }),
      2048,
    )
    .option('--force', 'replace an output folder that holds other files');
  addEncodingOptions(command);
  addComputeOptions(command).action((options: TrainOptions) => trainModel(options, io));
}

async function trainModel(options: TrainOptions, io: CliIo): Promise<void> {
  const experimentFolder = options.experiment ?? `${options.out.replace(/[/\\]+$/, '')}.experiment`;
  if (options.force !== true) await refuseForeignFolder(nodeFiles, options.out, '--force');
  const loss = parseLossSpec(options.loss);
  const selection = parseSelection(options);
  const lists = await readTrainingLists(options, io);
  const encoder = await openBaseEncoder(options.model, encodingOverrides(options), io);
  const { train: trainLists, dev } =
    options.devShare > 0 ? splitByPassage(lists, options.devShare, options.seed) : { train: lists, dev: [] };
  const settings = trainingSettings(options, loss, selection, trainLists.length);

  const experiment = await Experiment.open(experimentFolder, io);
  const description = describe(options, encoder, loss, lists.length);
  await refuseOtherExperiment(experiment, description);
  await experiment.describe(description);
  const runtime = await openRuntime({
    device: options.device,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  io.note(
    `${trainLists.length} lists to train on, ${dev.length} held out; ${formatLossSpec(loss)}; on ${runtime.device}`,
  );
  const view = new TrainingView(io);
  const signal = { aborted: false };
  const stop = (): void => {
    if (signal.aborted) process.exit(130);
    signal.aborted = true;
    io.note('ending after this step, with a checkpoint; once more to end at once');
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const checkpoints = await experiment.checkpoints();
    const result = await train({
      runtime,
      encoder,
      lists: trainLists,
      settings,
      clock: nodeClock,
      version: packageVersion(),
      checkpoints,
      signal,
      onEvent: (event) => view.show(event),
      ...(dev.length > 0 ? { evaluate: devEvaluation(dev, options.similarity) } : {}),
    });
    view.stop();
    if (result.endedBy === 'request') {
      io.printJson({ experiment: experimentFolder, steps: result.steps, endedBy: result.endedBy });
      io.print(`ended after step ${result.steps}; the same command goes on from there`);
      return;
    }
    const loaded =
      (dev.length > 0 ? await checkpoints.loadBest() : undefined) ?? (await checkpoints.loadLatest());
    if (loaded === undefined) throw new Error('the training left no checkpoint');
    const model: EncoderModel = { ...encoder, weights: result.weights };
    await writeModelFolder(options.out, model, modelCardOf(options.out, description, loaded), {
      force: options.force === true,
    });
    await experiment.describe({ ...description, finished: true });
    report(result, options, experimentFolder, io);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    view.stop();
    await runtime.close();
  }
}

async function readTrainingLists(options: TrainOptions, io: CliIo): Promise<ListRecord[]> {
  const readReport = new ReadReport();
  const lists: ListRecord[] = [];
  let contradictions = 0;
  for await (const list of readLists(await openFile(options.lists), { report: readReport })) {
    const { record, removed } = withoutDuplicatesOfPositives(list);
    contradictions += removed;
    lists.push(record);
  }
  for (const warning of readReport.warnings()) io.warn(warning);
  if (contradictions > 0)
    io.warn(`${contradictions} negatives with the text of a positive of their query (left out)`);
  if (lists.length > 0) return lists;
  throw new InputError('holds no training lists', {
    file: options.lists,
    remedy: 'Make some with `retriever-studio mine`',
  });
}

function trainingSettings(
  options: TrainOptions,
  loss: TrainingSettings['loss'],
  selection: ParameterSelection,
  lists: number,
): TrainingSettings {
  const steps = options.maxSteps ?? Math.max(1, Math.floor(lists / options.batchSize)) * options.epochs;
  return {
    seed: options.seed,
    loss,
    similarity: options.similarity,
    selection,
    batches: {
      batchSize: options.batchSize,
      incomplete: 'drop',
      distinctPassages: options.duplicates === 'avoid',
      negatives: options.negatives,
      choice: options.pick,
      rowPer: options.rowPer,
      otherPositives: loss.terms.some(({ definition }) =>
        definition.needs.some((need) => need === 'labels' || need === 'teacher'),
      ),
    },
    epochs: options.epochs,
    ...(options.maxSteps === undefined ? {} : { maxSteps: options.maxSteps }),
    learningRate: options.lr,
    schedule: {
      kind: options.schedule,
      warmup: options.warmup < 1 ? { share: options.warmup } : { steps: Math.round(options.warmup) },
      floor: options.floor,
    },
    optimizer: { ...defaultAdamW, weightDecay: options.weightDecay, clipNorm: options.clip },
    dropout: { hidden: options.dropout, attention: options.dropout },
    tokensPerMicroBatch: options.microBatchTokens,
    activationBytes: options.activationMemory * 2 ** 20,
    evaluateEvery: options.evaluateEvery ?? Math.max(1, Math.ceil(steps / 10)),
    earlyStopping: {
      watch: [{ name: 'ndcg_cut_10', better: 'higher' }],
      patience: options.patience ?? null,
    },
    checkpointEvery: options.checkpointEvery,
  };
}

function parseSelection(options: TrainOptions): ParameterSelection {
  const { train: what } = options;
  const last = /^last-([1-9]\d*)$/.exec(what)?.[1];
  if (what === 'all' || what === 'no-embeddings') return { kind: what };
  if (what === 'lora') return { kind: 'lora', rank: options.loraRank, alpha: options.loraAlpha };
  if (last !== undefined) return { kind: 'last-layers', layers: Number(last) };
  throw new InputError(`--train is "${what}"`, {
    remedy: 'Give all, no-embeddings, last-K with a number of layers, or lora',
  });
}

/** `all` or a number. @throws InputError */
function parseNegatives(text: string): number | 'all' {
  return text === 'all' ? text : integerOption('--negatives', { min: 0 })(text);
}

function describe(
  options: TrainOptions,
  encoder: EncoderModel,
  loss: TrainingSettings['loss'],
  lists: number,
): ExperimentDescription {
  return {
    model: options.model,
    encoding: { ...encoder.encoding },
    lists: options.lists,
    loss: formatLossSpec(loss),
    hyperparameters: {
      lists,
      epochs: options.epochs,
      'batch size': options.batchSize,
      negatives: options.negatives,
      'learning rate': options.lr,
      schedule: options.schedule,
      'warm-up': options.warmup,
      floor: options.floor,
      'weight decay': options.weightDecay,
      'gradient norm at most': options.clip,
      dropout: options.dropout,
      trains: options.train,
      ...(options.train === 'lora' ? { 'LoRA rank': options.loraRank, 'LoRA alpha': options.loraAlpha } : {}),
      seed: options.seed,
    },
    finished: false,
  };
}

/** An experiment goes on only with what it was begun with. */
async function refuseOtherExperiment(
  experiment: Experiment,
  description: ExperimentDescription,
): Promise<void> {
  const earlier = await experiment.description();
  if (earlier === undefined) return;
  const plain = (described: ExperimentDescription): string =>
    JSON.stringify({ ...described, lists: resolve(described.lists), finished: false });
  if (plain(earlier) === plain(description)) return;
  throw new InputError('the folder holds an experiment with other settings', {
    file: experiment.folder,
    remedy: 'Give another --experiment, or the settings that it was begun with',
  });
}

/** Draws the events of a training. */
class TrainingView {
  readonly #io: CliIo;
  #progress: Progress | undefined;

  constructor(io: CliIo) {
    this.#io = io;
  }

  show(event: TrainingEvent): void {
    switch (event.kind) {
      case 'resumed':
        for (const problem of event.problems) this.#io.warn(problem);
        this.#io.note(`going on after step ${event.step}: ${event.report.message}`);
        break;
      case 'evaluation': {
        const values = Object.entries(event.values).map(([name, value]) => `${name} ${value.toFixed(4)}`);
        this.#io.note(`step ${event.step}: dev ${values.join(', ')}${event.isBest ? ' (best)' : ''}`);
        break;
      }
      case 'step':
        this.#progress ??= this.#io.progress('training', event.totalSteps, 'steps');
        this.#progress.update(
          event.step,
          `loss ${event.loss.toFixed(4)}, ${event.pairsPerSecond.toFixed(1)} pairs/s, ` +
            `${event.tokensPerSecond.toFixed(0)} tokens/s, ` +
            `${(100 * event.shareOfMatmulRate).toFixed(0)} % of the matrix product rate, ` +
            `${formatDuration(event.secondsLeft)} left`,
        );
        break;
      case 'checkpoint':
        break;
    }
  }

  stop(): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }
}

function report(result: TrainingResult, options: TrainOptions, experiment: string, io: CliIo): void {
  const { history, bestStep } = result;
  const before = history.evaluations[0]?.values;
  const after = history.evaluations.find(({ step }) => step === bestStep)?.values;
  io.printJson({
    model: options.out,
    experiment,
    steps: result.steps,
    bestStep,
    endedBy: result.endedBy,
    ...(before === undefined || after === undefined ? {} : { dev: { before, after } }),
    losses: history.losses,
    evaluations: history.evaluations,
    bitExact: result.breaks.length === 0,
    breaks: result.breaks,
    trainingSeconds: result.trainingSeconds,
  });
  io.print(`${basename(options.out)}: ${result.steps} steps, ended by ${result.endedBy}`);
  for (const line of result.breaks) io.warn(line);
  if (before !== undefined && after !== undefined) {
    io.print(bestStep === 0 ? 'the untrained model was the best on dev' : `best after step ${bestStep}`);
    for (const [name, value] of Object.entries(after)) {
      io.print(`dev ${name}: ${before[name]?.toFixed(4) ?? '?'} before, ${value.toFixed(4)} after`);
    }
  }
}
