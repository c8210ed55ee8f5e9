import { emptyTextsWarning } from '../../encoders/embedder.ts';
import type { EncoderModel } from '../../encoders/types.ts';
import type { Json } from '../../core/json.ts';
import { InputError } from '../../core/errors.ts';
import { jsonOf } from '../../core/json.ts';
import { formatLossSpec, type LossSpec } from '../../losses/loss-spec.ts';
import { checkLists, gapWarnings } from '../../losses/requirements.ts';
import { devEvaluation } from '../../training/dev-evaluation.ts';
import type { Mix } from '../../training/mixing/mix.ts';
import { encodeForces } from '../../training/forces/record.ts';
import { checkTrainable } from '../../training/parameter-selection.ts';
import { withoutAuto } from '../../training/recipe-hash.ts';
import { train, type TrainingResult } from '../../training/trainer.ts';
import type { ShelvedEncoder } from '../encoder-shelf.ts';
import { omit } from '../omit.ts';
import type { RecipeTraining } from '../schema/training.ts';
import {
  defineStage,
  RecipeStoppedError,
  type ListsStage,
  type Stage,
  type Work,
  type Workshop,
} from '../stage.ts';
import { encodeWeights } from '../stored-forms.ts';
import { settingsFor, stepsOf, trainingSettings } from '../training-settings.ts';

/** One training: an arm with a seed, or a trial of its tuning. */
export interface TrainingPlan {
  readonly label: string;
  readonly encoder: ShelvedEncoder;
  readonly lists: ListsStage;
  /** Undefined where nothing chooses checkpoints: the last weights are kept. */
  readonly dev: ListsStage | undefined;
  /** Where the loss reads a teacher's vectors. */
  readonly teacherVectors?: Stage | undefined;
  readonly loss: LossSpec;
  readonly training: RecipeTraining;
  readonly mix: Mix | undefined;
  readonly seed: number;
  readonly work: Work;
}

/** What a training reports, as it is stored. The stage's blobs are its weights, then its push and pull. */
export type TrainingReport = Readonly<{
  steps: number;
  bestStep: number;
  endedBy: TrainingResult['endedBy'];
  losses: readonly number[];
  evaluations: TrainingResult['history']['evaluations'];
  breaks: readonly string[];
  /** What the lists lack; not in what earlier versions stored. */
  warnings?: readonly string[];
  trainingSeconds: number;
  speed: Readonly<Record<string, number>>;
}>;

const trained = defineStage<TrainingReport>({
  kind: 'training',
  version: 1,
  unit: 'steps',
  onDevice: true,
});

export interface TrainingStage extends Stage<TrainingReport> {
  readonly plan: TrainingPlan;
}

/** A training as another worker can be sent it, which makes the same stage of it. */
export interface SentTraining extends Omit<
  TrainingPlan,
  'encoder' | 'lists' | 'dev' | 'teacherVectors' | 'loss'
> {
  readonly key: string;
  /** Keys of what is stored. */
  readonly lists: string;
  readonly dev: string | undefined;
  readonly teacherVectors: string | undefined;
  readonly loss: string;
}

export function sendTraining({ key, plan }: TrainingStage): SentTraining {
  const { label, training, mix, seed, work, lists, dev, teacherVectors, loss } = plan;
  const stored = { lists: lists.key, dev: dev?.key, teacherVectors: teacherVectors?.key };
  const sent = { key, ...stored, loss: formatLossSpec(loss) };
  return { ...sent, label, training, mix, seed, work };
}

export async function trainingStage(
  { runtime }: Pick<Workshop, 'runtime'>,
  plan: TrainingPlan,
): Promise<TrainingStage> {
  const { label, encoder, lists, dev, teacherVectors, loss, training, mix, seed, work } = plan;
  const { shape } = encoder.model;
  naming(label, () =>
    checkTrainable(
      shape,
      trainingSettings(training, loss, seed, () => 0, shape),
    ),
  );
  const stage = await trained({
    label,
    inputs: {
      encoder: encoder.hash,
      lists: lists.key,
      dev: dev?.key ?? null,
      ...(teacherVectors !== undefined && { teacherVectors: teacherVectors.key }),
      settings: decidingSettings(plan),
      device: runtime.device,
    },
    needs: [lists, dev, teacherVectors].filter((stage) => stage !== undefined),
    work,
    clear: (workshop, stage) => workshop.clearCheckpoints(stage),
    run: async (workshop, task) => {
      const { model } = encoder;
      const given = await workshop.listsOf(lists);
      const devLists = dev === undefined ? undefined : await workshop.listsOf(dev);
      const settings = naming(label, () => settingsFor(given, training, loss, { seed, mix, shape }));
      const warnings = [...gapWarnings(checkLists(loss, given, { level: settings.batches.level }))];
      for (const warning of warnings) task.warn(warning);
      const evaluate = devLists && devEvaluation(devLists, settings.similarity);
      const gate = workshop.gateOf(task.stage, (view) => task.view(view));
      const { signal } = workshop;
      const saving = await workshop.checkpoints(task.stage, stepsOf(given, settings));
      const result = await train({
        runtime: workshop.runtime,
        encoder: model,
        lists: given,
        teacherVectors: teacherVectors && (await workshop.vectorsOf(teacherVectors)),
        settings: saving === undefined ? settings : { ...settings, checkpointEvery: saving.every },
        clock: workshop.clock,
        version: workshop.version,
        matmulRate: () => workshop.matmulRate(),
        signal,
        onEvent: (event) => task.training(event),
        betweenSteps:
          gate && ((embedder, step, isLast) => gate.pass(embedder, step, { signal, evaluate, isLast })),
        ...(saving === undefined ? {} : { checkpoints: saving.checkpoints }),
        ...(evaluate === undefined ? {} : { evaluate }),
      }).catch((error: unknown) => {
        throw inArm(label, error);
      });
      if (result.endedBy === 'request') throw new RecipeStoppedError();
      const empty = emptyTextsWarning(result.emptyTexts);
      if (empty !== undefined) {
        task.warn(empty);
        warnings.push(empty);
      }
      const value: TrainingReport = {
        steps: result.steps,
        bestStep: result.bestStep,
        endedBy: result.endedBy,
        losses: result.history.losses,
        evaluations: result.history.evaluations,
        breaks: result.breaks,
        ...(warnings.length > 0 && { warnings }),
        trainingSeconds: result.trainingSeconds,
        speed: { ...result.speed },
      };
      const { weights, forces } = result;
      return {
        value,
        blobs: [encodeWeights(weights), ...(forces === undefined ? [] : [encodeForces(forces)])],
      };
    },
  });
  return { ...stage, plan };
}

function naming<T>(label: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw inArm(label, error);
  }
}

/** An error about user input that says which training it is about. */
function inArm(label: string, error: unknown): unknown {
  if (!(error instanceof InputError)) return error;
  const { problem, remedy, file, line, cause } = error;
  return new InputError(`${label}: ${problem}`, { remedy, file, line, cause });
}

/** The settings that decide a training's numbers; how many activations are kept does not. */
function decidingSettings({ encoder, loss, training, mix, seed }: TrainingPlan): Json {
  const all = withoutAuto(trainingSettings(training, loss, seed, () => 0, encoder.model.shape));
  const settings = omit(all, 'evaluateEvery', 'checkpointEvery', 'activationBytes', 'loss');
  return jsonOf({
    ...settings,
    ...(mix !== undefined && { mix }),
    loss: formatLossSpec(loss),
    evaluateEvery: training.evaluateEvery ?? null,
  });
}

/** The encoder that an arm searches with: vectors that were compared by cosine have length 1. */
export function comparedBy(model: EncoderModel, similarity: 'cosine' | 'dot'): EncoderModel {
  const normalize = model.encoding.normalize || similarity === 'cosine';
  return normalize === model.encoding.normalize
    ? model
    : { ...model, encoding: { ...model.encoding, normalize } };
}
