/** A training whose checkpoints lie in an experiment's folder, and whose model is written to another. */
import { basename } from 'node:path';
import { splitNote } from '../corpus/split.ts';
import { withoutDuplicatesOfPositives } from '../corpus/text-key.ts';
import type { ListRecord } from '../corpus/types.ts';
import { StoreFencedError } from '../host/contract.ts';
import { InputError } from '../core/errors.ts';
import { nodeFiles } from '../host/node/file-operations.ts';
import { formatLossSpec } from '../losses/loss-spec.ts';
import type { FragmentJob, FragmentTraining } from '../pipeline/fragment.ts';
import type { CheckpointStore } from '../training/checkpoint.ts';
import type { Mix } from '../training/mixing/mix.ts';
import { modelCardOf } from './commands/export.ts';
import { describeExperiment, hashLists, refuseOtherExperiment } from './experiment-settings.ts';
import {
  Experiment,
  isExperiment,
  lastingModelName,
  writeModelFolder,
  type ExperimentDescription,
} from './experiment.ts';
import type { CliIo } from './io.ts';
import type { ChosenLists } from './list-options.ts';
import { warnAboutLists } from './lists-warnings.ts';
import type { TeacherOptions } from './teacher-options.ts';
import { printTraining, TrainingView } from './training-view.ts';

export interface ExperimentOptions extends TeacherOptions {
  readonly model: string;
  readonly out: string;
  readonly dev?: string;
  readonly devShare: number;
  readonly seed: number;
  readonly force?: boolean;
}

export class ExperimentTraining {
  readonly view: TrainingView;
  readonly #folder: string;
  readonly #options: ExperimentOptions;
  readonly #chosen: ChosenLists;
  readonly #io: CliIo;
  #experiment: Experiment | undefined;
  #checkpoints: CheckpointStore | undefined;
  #isNew = false;
  #leavesNothing = false;

  constructor(folder: string, options: ExperimentOptions, chosen: ChosenLists, io: CliIo) {
    this.#folder = folder;
    this.#options = options;
    this.#chosen = chosen;
    this.#io = io;
    this.view = new TrainingView(io);
  }

  /** Where the training leaves its checkpoints; a process that trains the same experiment is refused from now on. */
  async takeOver(): Promise<CheckpointStore> {
    if (this.#experiment === undefined) throw new Error('the experiment is not open');
    this.#checkpoints = await this.#experiment.takeOver();
    return this.#checkpoints;
  }

  /** Trains, or goes on, and writes the model. */
  async run(job: FragmentJob): Promise<void> {
    const { out, seed, force = false } = this.#options;
    const training = await job.training(seed, 'training');
    const description = await this.#describe(job, training);
    this.#isNew = !(await isExperiment(this.#folder));
    const experiment = await Experiment.open(this.#folder, this.#io);
    this.#experiment = experiment;
    const earlier = await refuseOtherExperiment(experiment, description);
    // Also where it is there: a damaged copy is replaced.
    if (earlier?.finished !== true) await experiment.describe(description);
    this.view.hasFinished = earlier?.finished === true;
    this.view.heading = this.#heading(training, job.device);
    await warnAboutLists(training.arm, job, this.#io, { isHeldOut: this.#options.dev === undefined });
    const { value } = await job.resultOf(training.stage);
    this.view.stop();
    const model = { ...training.encoder, weights: await job.weightsOf(training.stage) };
    const trained = { step: value.bestStep, evaluations: value.evaluations };
    await writeModelFolder(out, model, modelCardOf(out, description, trained), { force });
    await this.#checkpoints?.finish();
    await experiment.describe({ ...description, finished: true });
    printTraining(value, { out, experiment: this.#folder }, this.#io);
  }

  printStopped(): void {
    const { steps } = this.view;
    this.#io.printJson({ experiment: this.#folder, steps, endedBy: 'request' });
    this.#io.print(`interrupted after step ${steps}; re-run the same command to resume`);
  }

  /** What an error of the training is to a user. */
  explain(error: unknown): unknown {
    this.#leavesNothing = error instanceof InputError && this.#isNew && !this.view.hasTrained;
    if (!(error instanceof StoreFencedError)) return error;
    return new Error(
      `${this.#folder}: another process has taken over this experiment, so this one has stopped. ` +
        'No saved work is lost.',
      { cause: error },
    );
  }

  async close(): Promise<void> {
    await this.#experiment?.close();
    if (this.#leavesNothing) await nodeFiles.removeFolder(this.#folder);
  }

  async #describe(job: FragmentJob, { settings, encoder }: FragmentTraining): Promise<ExperimentDescription> {
    const { model, dev, devShare, teacher, teacherScores, teacherVectors, scale } = this.#options;
    const { files } = this.#chosen;
    const lists = files.map(({ source, origin }) => ({
      lists: job.fileListsOf(source).map((list) => withoutDuplicatesOfPositives(list).record),
      origin,
    }));
    const teaching = {
      ...(teacher !== undefined && { teacher }),
      ...(teacherScores !== undefined && { 'teacher scores': basename(teacherScores) }),
      ...(teacherVectors !== undefined && { 'teacher vectors': basename(teacherVectors) }),
      ...(scale !== undefined && { 'teacher scale': scale }),
    };
    return describeExperiment({ ...(dev !== undefined && { dev }), devShare, teaching }, settings, {
      model: await lastingModelName(model),
      encoding: { ...encoder.encoding },
      lists: files.map(({ file }) => basename(file)).join(', '),
      listsSha256: hashLists(lists),
      ...(dev !== undefined && { devSha256: hashLists([{ lists: job.devFileLists, origin: undefined }]) }),
    });
  }

  #heading({ arm, lists, dev, split }: FragmentTraining, device: string): readonly string[] {
    const what = this.#options.dev === undefined ? 'held out' : 'dev lists';
    const isAsRequested =
      split === undefined || (split.unit === 'groups' && split.devLists === split.requestedLists);
    return [
      `${lists.length} training lists${sourceCounts(lists, arm.mix)}, ${dev.length} ${what}; ` +
        `${formatLossSpec(arm.loss)}; on ${device}`,
      ...(isAsRequested ? [] : [splitNote(split)]),
    ];
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
