import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import { Option, type Command } from 'commander';
import type { ListRecord } from '../../corpus/types.ts';
import type { EncoderModel } from '../../encoders/types.ts';
import { StoreFencedError, type Json } from '../../host/contract.ts';
import { InputError } from '../../host/errors.ts';
import { settingRanges } from '../../host/setting-ranges.ts';
import { nodeClock } from '../../host/node/clock.ts';
import { nodeFiles } from '../../host/node/file-operations.ts';
import { formatLossSpec, parseLossSpec } from '../../losses/loss-spec.ts';
import { devEvaluation } from '../../training/dev-evaluation.ts';
import type { Mix } from '../../training/mixing/mix.ts';
import { settle } from '../../host/setting.ts';
import type { RecipeTraining } from '../../recipes/schema/training.ts';
import { settingsFor, trainingSettings } from '../../recipes/training-settings.ts';
import { hyperparametersOf } from '../../training/hyperparameters.ts';
import { checkSelection } from '../../training/parameter-selection.ts';
import { trainingSettingTable } from '../../training/setting-table.ts';
import type { TrainingSettings } from '../../training/settings.ts';
import { train, type TrainingEvent, type TrainingResult } from '../../training/trainer.ts';
import { addEncodingOptions, encodingOverrides } from '../encoding-options.ts';
import {
  Experiment,
  checkOutputFolder,
  isExperiment,
  lastingModelName,
  openBaseEncoder,
  writeModelFolder,
  type ExperimentDescription,
} from '../experiment.ts';
import { Interruption } from '../interruption.ts';
import type { CliIo } from '../io.ts';
import { addComputeOptions, integerOption, numberOption, type ComputeOptions } from '../options.ts';
import { formatDuration, type Progress } from '../progress.ts';
import { addSettingOptions, chosenSettings } from '../setting-options.ts';
import { readTrainingLists, splitLists, type ListOptions } from '../training-lists.ts';
import { packageVersion } from '../version.ts';
import { modelCardOf } from './export.ts';
import { own } from '../../host/own.ts';

interface TrainOptions extends ComputeOptions, ListOptions {
  readonly model: string;
  readonly out: string;
  readonly experiment?: string;
  readonly loss: string;
  readonly loraRank?: number;
  readonly loraAlpha?: number;
  readonly dev?: string;
  readonly devShare: number;
  readonly checkpointEvery: number;
  readonly force?: boolean;
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
  addComputeOptions(command).action((options: TrainOptions) => trainModel(options, io));
}

async function trainModel(options: TrainOptions, io: CliIo): Promise<void> {
  const experimentFolder = options.experiment ?? `${plainPath(options.out)}.experiment`;
  refuseSharedFolder(options.out, experimentFolder);
  await checkOutputFolder(options.out, options.force === true);
  const loss = parseLossSpec(options.loss);
  const training = chosenTraining(options);
  const given = await readTrainingLists(options, loss, io);
  const encoder = await openBaseEncoder(options.model, encodingOverrides(options), io);
  const { seed, devShare } = options;
  const { batches, selection } = settle(trainingSettingTable, training);
  checkSelection(encoder.shape, selection);
  const splitting = { ...batches, seed, devShare, ...(options.dev !== undefined && { dev: options.dev }) };
  const { train: trainLists, dev, devSha256, note } = await splitLists(given, splitting, io);
  const settings = {
    ...settingsFor(trainLists, training, loss, { seed, mix: given.mix }),
    checkpointEvery: options.checkpointEvery,
  };
  const { openRuntime } = await import('../../host/node/runtime.ts');
  const runtime = await openRuntime({
    device: options.device,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  const description = describe(options, settings, {
    model: await lastingModelName(options.model),
    encoding: { ...encoder.encoding },
    lists: given.names,
    listsSha256: given.sha256,
    ...(devSha256 !== undefined && { devSha256 }),
  });
  const isNew = !(await isExperiment(experimentFolder));
  const experiment = await Experiment.open(experimentFolder, io);
  const view = new TrainingView(io, [
    `${trainLists.length} lists to train on${sourceCounts(trainLists, given.mix)}, ${dev.length} ${devSha256 === undefined ? 'held out' : 'dev lists'}; ${formatLossSpec(loss)}; on ${runtime.device}`,
    ...(note === undefined ? [] : [note]),
  ]);
  const interruption = new Interruption(io);
  let leavesNothing = false;
  try {
    const earlier = await refuseOtherExperiment(experiment, description);
    // Also where it is there: a damaged copy is replaced.
    if (earlier?.finished !== true) await experiment.describe(description);
    view.hasFinished = earlier?.finished === true;
    const checkpoints = await experiment.takeOver();
    const result = await train({
      runtime,
      encoder,
      lists: trainLists,
      settings,
      clock: nodeClock,
      version: packageVersion(),
      checkpoints,
      signal: interruption.signal,
      onEvent: (event) => view.show(event),
      ...(dev.length > 0 ? { evaluate: devEvaluation(dev, settings.similarity) } : {}),
    });
    view.stop();
    if (result.endedBy === 'request') {
      io.printJson({ experiment: experimentFolder, steps: result.steps, endedBy: result.endedBy });
      io.print(`interrupted after step ${result.steps}; re-run the same command to resume`);
      process.exitCode = interruption.exitCode;
      return;
    }
    const loaded =
      (dev.length > 0 ? await checkpoints.loadBest() : undefined) ?? (await checkpoints.loadLatest());
    if (loaded === undefined) throw new Error('the training left no checkpoint');
    const model: EncoderModel = { ...encoder, weights: result.weights };
    await writeModelFolder(options.out, model, modelCardOf(options.out, description, loaded), {
      force: options.force === true,
    });
    await checkpoints.finish();
    await experiment.describe({ ...description, finished: true });
    report(result, options, experimentFolder, io);
  } catch (error) {
    leavesNothing = error instanceof InputError && isNew && !view.hasTrained;
    if (error instanceof StoreFencedError) throw takenOver(experimentFolder, error);
    throw error;
  } finally {
    interruption.stopListening();
    view.stop();
    await runtime.close();
    await experiment.close();
    if (leavesNothing) await nodeFiles.removeFolder(experimentFolder);
  }
}

/** How many of the lists each source of a mix has, to be put behind their number. */
function sourceCounts(lists: readonly ListRecord[], mix: Mix | undefined): string {
  if (mix === undefined) return '';
  const counts = mix.sources.map(
    ({ name }) => `${name} ${lists.filter(({ origin }) => origin === name).length}`,
  );
  return ` (${counts.join(', ')})`;
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

function takenOver(folder: string, cause: StoreFencedError): Error {
  return new Error(
    `${folder}: another process trains this experiment since it was started with the same folder. ` +
      'This one has ended; nothing that was saved is lost.',
    { cause },
  );
}

/** The settings that the options choose, as a recipe has them. */
function chosenTraining(options: TrainOptions): RecipeTraining {
  const chosen = chosenSettings(trainingSettingTable, options);
  const { loraRank, loraAlpha } = options;
  if (chosen.selection?.kind !== 'lora') return chosen;
  const { rank, alpha } = chosen.selection;
  return { ...chosen, selection: { kind: 'lora', rank: loraRank ?? rank, alpha: loraAlpha ?? alpha } };
}

/** Whatever changes the numbers; where and how fast they are computed is not part of it. */
function describe(
  options: TrainOptions,
  settings: TrainingSettings,
  from: Pick<ExperimentDescription, 'model' | 'encoding' | 'lists' | 'listsSha256' | 'devSha256'>,
): ExperimentDescription {
  return {
    ...from,
    loss: formatLossSpec(settings.loss),
    hyperparameters: {
      ...hyperparametersOf(settings),
      ...(settings.mix === undefined ? {} : mixSettings(settings.mix)),
      ...(options.dev === undefined
        ? { 'held-out share': options.devShare }
        : { 'dev lists': basename(options.dev) }),
    },
    finished: false,
  };
}

/** A mix as settings of an experiment: each source has one of its own, so that a change is told by its name. */
function mixSettings({ batches, sources }: Mix): Record<string, string> {
  return {
    'batches of sources': batches,
    sources: sources.map(({ name }) => name).join(', '),
    ...Object.fromEntries(
      sources.map(({ name, ...settings }) => [
        `source ${name}`,
        Object.entries(settings)
          .map(([setting, value]) => `${setting} ${String(value)}`)
          .join(', '),
      ]),
    ),
  };
}

/** An experiment goes on only with what it was begun with. @returns how it was begun, if it was */
async function refuseOtherExperiment(
  experiment: Experiment,
  description: ExperimentDescription,
): Promise<ExperimentDescription | undefined> {
  const earlier = await experiment.description();
  if (earlier === undefined) return undefined;
  const differences = differingSettings(earlier, description);
  if (differences.length === 0) return earlier;
  throw new InputError(`the experiment was begun with other settings: ${differences.join(', ')}`, {
    file: experiment.folder,
    remedy: 'Give another --experiment, or the settings that it was begun with',
  });
}

/** Settings that earlier versions called something else. */
const renamed: ReadonlyMap<string, string> = new Map([
  ['trains', 'trainable parameters'],
  ['tokens of a micro-batch', 'tokens per micro-batch'],
  ['same passage twice in a batch', 'duplicate passages in a batch'],
  ['negatives picked', 'negative sampling'],
  ['a row per', 'rows per'],
  ['steps at most', 'maximum steps'],
  ['floor', 'final learning rate (fraction)'],
  ['gradient norm at most', 'maximum gradient norm'],
]);

function differingSettings(earlier: ExperimentDescription, now: ExperimentDescription): string[] {
  const [before, after] = [earlier, now].map(
    ({ model, loss, encoding, hyperparameters }): Record<string, Json> => ({
      // What an earlier version did not know to be a setting was as it is by default.
      ...hyperparametersOf(trainingSettings({}, parseLossSpec(loss), 0, () => 1)),
      ...{ model, loss },
      ...Object.fromEntries(
        Object.entries(hyperparameters).map(([name, value]) => [renamed.get(name) ?? name, value]),
      ),
      ...encoding,
    }),
  ) as [Record<string, Json>, Record<string, Json>];
  // Experiments begun before devices chose by themselves had this number, asked for or not.
  const { title } = trainingSettingTable.tokensPerMicroBatch;
  if (own(before, title) === 512 && own(after, title) === 'auto') before[title] = 'auto';
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const shown = (value: Json | undefined): string =>
    value === undefined ? 'not set' : JSON.stringify(value);
  const differences = [...names]
    .filter((name) => own(before, name) !== own(after, name))
    .map((name) => `${name} was ${shown(own(before, name))} and is ${shown(own(after, name))}`);
  if (earlier.listsSha256 !== now.listsSha256) differences.push('the lists hold something else');
  if (earlier.devSha256 !== now.devSha256 && before['dev lists'] === after['dev lists']) {
    differences.push('the dev lists hold something else');
  }
  return differences;
}

/** Draws the events of a training. */
class TrainingView {
  /** Whether a step was done, by this run or an earlier one. */
  hasTrained = false;
  /** Whether an earlier run came to the end. */
  hasFinished = false;
  readonly #io: CliIo;
  /** Printed with the first event: a training that is refused has one line to say. */
  #heading: readonly string[];
  #progress: Progress | undefined;

  constructor(io: CliIo, heading: readonly string[]) {
    this.#io = io;
    this.#heading = heading;
  }

  show(event: TrainingEvent): void {
    for (const line of this.#heading) this.#io.note(line);
    this.#heading = [];
    switch (event.kind) {
      case 'resumed':
        this.hasTrained = true;
        for (const problem of event.problems) this.#io.warn(problem);
        this.#io.note(
          this.hasFinished
            ? `the training has ended before, after step ${event.step}: there is nothing left to train`
            : `resuming after step ${event.step}: ${event.report.message}`,
        );
        break;
      case 'evaluation': {
        const values = Object.entries(event.values).map(([name, value]) => `${name} ${value.toFixed(4)}`);
        this.#io.note(`step ${event.step}: dev ${values.join(', ')}${event.isBest ? ' (best)' : ''}`);
        break;
      }
      case 'step':
        this.hasTrained = true;
        this.#progress ??= this.#io.progress('training', event.totalSteps, 'steps');
        this.#progress.update(
          event.step,
          `loss ${event.loss.toFixed(4)}, ${event.pairsPerSecond.toFixed(1)} pairs/s, ` +
            `${event.tokensPerSecond.toFixed(0)} tokens/s, ` +
            `${(100 * event.shareOfMatmulRate).toFixed(0)} % of the matrix product rate, ` +
            `${formatDuration(event.secondsLeft)} left`,
        );
        break;
      case 'smaller micro-batch':
        this.#io.warn(`step ${event.step}: ${event.message}`);
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
    speed: { ...result.speed },
  });
  io.print(`${basename(options.out)}: ${result.steps} steps, ended by ${result.endedBy}`);
  const { pairsPerSecond, tokensPerSecond, shareOfMatmulRate } = result.speed;
  if (pairsPerSecond > 0) {
    io.print(
      `${pairsPerSecond.toFixed(1)} pairs/s, ${tokensPerSecond.toFixed(0)} tokens/s, ` +
        `${(100 * shareOfMatmulRate).toFixed(0)} % of this machine's matrix product rate`,
    );
  }
  for (const line of result.breaks) io.warn(line);
  if (before !== undefined && after !== undefined) {
    io.print(bestStep === 0 ? 'the untrained model was the best on dev' : `best after step ${bestStep}`);
    for (const [name, value] of Object.entries(after)) {
      io.print(`dev ${name}: ${own(before, name)?.toFixed(4) ?? '?'} before, ${value.toFixed(4)} after`);
    }
  }
}
