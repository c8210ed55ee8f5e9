import { trainingGraphs } from '../encoders/graphs.ts';
import { familyOf, tableFamilyOf } from '../encoders/families/index.ts';
import { elementCount } from '../core/tensor-size.ts';
import { isGpu } from '../host/contract.ts';
import { chooseMicroBatches, type DeviceLimits } from '../training/choose-micro-batches.ts';
import type { EncoderModel } from '../encoders/types.ts';
import type { Passages } from './passages.ts';
import { secondsOf, type Rates } from './rates.ts';
import { noWork, type Stage } from './stage.ts';
import type { ExpectedLists } from './source.ts';
import { expectedTraining, type ArmStages, type StageGraph } from './stage-graph.ts';
import { trainingSettings } from './training-settings.ts';
import { secondsOfAll } from './under-way.ts';

/** A stage as the plan shows it. A type alias, so that it is assignable to Json. */
export type PlannedStage = Readonly<{
  kind: string;
  label: string;
  key: string;
  /** What its time goes to, which says whose estimates err alike: encoding of texts, or work of its own kind. */
  cost: string;
  /** Whether its result is there already. */
  stored: boolean;
  /** An estimate; 0 where it is stored, or where nobody can tell before. */
  seconds: number;
  /** Of a language model, at most. */
  requests?: number;
  /** Of a training: about how many steps and evaluations, and what each of both takes of its seconds, all together. */
  steps?: Readonly<{
    count: number;
    seconds: number;
    evaluations?: Readonly<{ count: number; seconds: number }>;
  }>;
  /** Whether the model has not been asked yet, so that nobody can tell how long it takes. */
  timeIsUnknown?: boolean;
}>;

/** What a job is going to do. */
export type Plan = Readonly<{
  stages: readonly PlannedStage[];
  /** So many trainings run beside each other. */
  trainingsAtOnce: number;
  /** Of what is not stored: an estimate from a few texts, good to a factor of two, without what is unknown. */
  seconds: number;
  memory: Readonly<{
    /** An estimate of the most that is held at one time. */
    bytes: number;
    availableBytes: number;
  }>;
  /** An estimate of the bytes that are added to the store. */
  disk: Readonly<{
    /** By what stays. */
    keptBytes: number;
    /** At most, while the job runs. */
    peakBytes: number;
  }>;
}>;

/** The stages that a result asks for, in the order in which they are computed; what a stored one needs is not. */
export async function neededStages(
  targets: readonly Stage[],
  isStored: (stage: Stage) => Promise<boolean>,
): Promise<readonly { readonly stage: Stage; readonly stored: boolean }[]> {
  const found = new Map<string, { stage: Stage; stored: boolean }>();
  const visit = async (stage: Stage): Promise<void> => {
    if (found.has(stage.key)) return;
    const stored = await isStored(stage);
    if (!stored) for (const need of stage.needs) await visit(need);
    found.set(stage.key, { stage, stored });
  };
  for (const target of targets) await visit(target);
  return [...found.values()];
}

/** @param paces seconds of one request to a language model, by where they are kept */
export function makePlan(
  needed: readonly { readonly stage: Stage; readonly stored: boolean }[],
  rates: Rates | undefined,
  paces: ReadonlyMap<string, number>,
  space: Pick<Plan, 'trainingsAtOnce' | 'memory' | 'disk'>,
): Plan {
  const stages = needed.map(({ stage, stored }) => {
    const { kind, label, key, work } = stage;
    const planned = { kind, label, key, cost: costOf(stage), stored };
    if (stored) return { ...planned, seconds: 0 };
    const seconds = secondsOf(work, rates);
    if (work.steps !== undefined) {
      const ofSteps = secondsOf({ ...noWork, trainingFlops: work.trainingFlops }, rates);
      const ofEvaluations = secondsOf({ ...noWork, forwardFlops: work.forwardFlops }, rates);
      const evaluations = { count: work.evaluations ?? 0, seconds: ofEvaluations };
      return { ...planned, seconds, steps: { count: work.steps, seconds: ofSteps, evaluations } };
    }
    if (work.requests === undefined) return { ...planned, seconds };
    const { count, pace } = work.requests;
    const each = paces.get(pace);
    return {
      ...{ ...planned, requests: count, timeIsUnknown: each === undefined },
      seconds: seconds + count * (each ?? 0),
    };
  });
  return { stages, seconds: secondsOfAll(stages, space.trainingsAtOnce), ...space };
}

/** What stages store, and the most that they store besides until they have their results. */
export function expectedDisk(
  { arms }: StageGraph,
  needed: readonly { readonly stage: Stage; readonly stored: boolean }[],
  rates: Rates | undefined,
  { checkpointSeconds, atOnce }: { readonly checkpointSeconds: number; readonly atOnce: number },
): Plan['disk'] {
  const pending = needed.flatMap(({ stage, stored }) => (stored ? [] : [stage]));
  const lists = new Map(
    arms.flatMap(({ history, expected }) => history.map(({ key }) => [key, listsBytes(expected)] as const)),
  );
  const keptBytes = pending.reduce(
    (sum, { key, work }) => sum + (work.disk?.keptBytes ?? lists.get(key) ?? 0),
    0,
  );
  // What takes less time keeps nothing on its way.
  const long = pending.filter(({ work }) => secondsOf(work, rates) > checkpointSeconds);
  const working = long.map(({ work }) => work.disk?.workingBytes ?? 0).sort((a, b) => b - a);
  return { keptBytes, peakBytes: working.slice(0, atOnce).reduce((sum, bytes) => sum + bytes, keptBytes) };
}

const charactersPerToken = 4.5;
/** Of JSON around a passage and a query. */
const charactersBeside = 120;

function listsBytes({ lists, passages, passageTokens, queryTokens }: ExpectedLists): number {
  return (
    passages * (charactersPerToken * passageTokens + charactersBeside) +
    lists * (charactersPerToken * queryTokens + charactersBeside)
  );
}

function costOf({ kind, work }: Stage): PlannedStage['cost'] {
  return work.forwardFlops > 0 && work.trainingFlops === 0 ? 'encoding' : kind;
}

/** About the most memory that a job holds: the corpus with its vectors, and beside them the largest of its trainings. */
export function expectedMemory(
  { arms, encoder, recipe }: StageGraph,
  limits: DeviceLimits,
  passages: Pick<Passages, 'size' | 'heldBytes'>,
): { readonly held: number; readonly training: number } {
  const { model } = encoder;
  // An index copies the vectors that it is made of.
  const vectors = 2 * passages.size * model.shape.hiddenSize * 4;
  const trainings = arms.map((arm) => trainingBytes(model, arm, recipe.seeds[0] ?? 0, limits));
  return { held: passages.heldBytes + vectors, training: Math.max(0, ...trainings) };
}

/** Weights, gradients and both moments, and what a micro-batch of the longest texts takes. */
function trainingBytes(
  model: EncoderModel,
  { training, loss, expected }: ArmStages,
  seed: number,
  limits: DeviceLimits,
): number {
  const { shape, encoding } = model;
  const parameters = familyOf(shape).parameters(shape);
  let weights = 0;
  for (const dims of parameters.values()) weights += 4 * elementCount(dims);
  // A table computes nothing beside them that is worth counting.
  if (tableFamilyOf(shape) !== undefined) return 4 * weights;
  const settings = trainingSettings(training, loss, seed, () => 0);
  const length = Math.max(encoding.queryMaxLength, encoding.passageMaxLength);
  const trainable = new Set(parameters.keys());
  const choice = { tokens: settings.tokensPerMicroBatch, trainable };
  const { tokensPerMicroBatch } = chooseMicroBatches(limits, model, choice);
  const rows = Math.max(1, Math.floor(tokensPerMicroBatch / length));
  const graphs = trainingGraphs({
    shape,
    batch: { rows, length },
    head: { kind: 'embedding', normalize: encoding.normalize },
    trainable,
    embeddingRows: isGpu(limits.device) ? 'device' : 'host',
  });
  const { rowPassages, batchSize } = expectedTraining(training, loss, expected);
  const microBatches = Math.ceil((batchSize * (1 + rowPassages)) / rows);
  const kept = Math.min(settings.activationBytes, microBatches * graphs.savedBytes);
  return 4 * weights + graphs.forward.peakBytes + graphs.backward.peakBytes + kept;
}
