import type { Embedder } from '../../encoders/embedder.ts';
import { InputError } from '../../core/errors.ts';
import { RandomStream } from '../../core/random.ts';
import { sha256 } from '../../core/sha256.ts';
import { defaultAdamW } from '../optimizer.ts';
import { trainingHash } from '../recipe-hash.ts';
import type { OptimizationSettings } from '../settings.ts';
import { optimize, type OptimizationParts, type TrainingResult } from '../trainer.ts';
import { distillationLoss } from './loss.ts';
import { DistillationObjective, type DistillationTargets } from './objective.ts';
import type { DistillationRecipe } from './recipe.ts';

export interface DistillationParts extends Omit<OptimizationParts, 'settings' | 'evaluate'> {
  readonly targets: DistillationTargets;
  readonly recipe: Pick<DistillationRecipe, 'seed' | 'training'>;
}

/** Result of the evaluation: the loss on the held-out texts, in batches as large as those of the training. */
export const devLoss = 'loss';

/**
 * Teaches an encoder to give texts the vectors that a teacher gives them. The weights returned are those with the
 * lowest loss on texts held out.
 * @throws InputError if there are too few texts
 */
export async function distill(parts: DistillationParts): Promise<TrainingResult> {
  const { targets, recipe, encoder } = parts;
  const { training, seed } = recipe;
  const { train, dev } = holdOut(targets, training.devShare, seed);
  const objective = new DistillationObjective(train, training.batchSize, seed, training);
  const steps = objective.stepsInEpochs(training.epochs);
  const settings: OptimizationSettings = {
    seed,
    selection: { kind: 'all' },
    epochs: training.epochs,
    learningRate: training.learningRate,
    schedule: { kind: 'linear', warmup: { share: training.warmupShare } },
    optimizer: defaultAdamW,
    dropout: { hidden: 0, attention: 0 },
    tokensPerMicroBatch: 'auto',
    activationBytes: 2 ** 30,
    evaluateEvery: Math.max(1, Math.ceil(steps / evaluations)),
    earlyStopping: { watch: [{ name: devLoss, better: 'lower' }], patience: null },
    checkpointEvery: Math.max(1, Math.ceil(steps / evaluations)),
  };
  const data = [await sha256(JSON.stringify(targets.texts)), await sha256(targets.vectors)];
  const hash = await trainingHash({ ...settings, ...training }, data, encoder);
  const evaluate = async (embedder: Embedder): Promise<Record<string, number>> => {
    const vectors = await embedder.embed(dev.texts, 'passage');
    return { [devLoss]: lossInBatches(vectors, dev, training) };
  };
  return optimize({ ...parts, settings, evaluate }, objective, hash);
}

/** Over a whole training, the one before it not counted. */
const evaluations = 30;

/** The mean over the texts, with batches of about equal size. */
function lossInBatches(
  vectors: Float32Array,
  { texts, vectors: targets }: DistillationTargets,
  weights: DistillationRecipe['training'],
): number {
  const batches = Math.ceil(texts.length / weights.batchSize);
  const rowsOf = (all: Float32Array, from: number, to: number): Float32Array => {
    const width = all.length / texts.length;
    return all.subarray(from * width, to * width);
  };
  let sum = 0;
  for (let batch = 0; batch < batches; batch++) {
    const from = Math.floor((batch * texts.length) / batches);
    const to = Math.floor(((batch + 1) * texts.length) / batches);
    const dimension = vectors.length / texts.length;
    const { value } = distillationLoss(
      rowsOf(vectors, from, to),
      rowsOf(targets, from, to),
      dimension,
      weights,
    );
    sum += (to - from) * value;
  }
  return sum / texts.length;
}

function holdOut(
  { texts, vectors }: DistillationTargets,
  share: number,
  seed: number,
): { readonly train: DistillationTargets; readonly dev: DistillationTargets } {
  const dimension = vectors.length / texts.length;
  const order = new RandomStream(seed, 'held out').shuffle(Int32Array.from(texts.keys()));
  const held = Math.ceil(share * texts.length);
  if (held < 1 || texts.length - held < 2) {
    throw new InputError(`${texts.length} texts are too few for distillation`, { remedy: 'Use more texts' });
  }
  const pick = (chosen: Int32Array): DistillationTargets => {
    const picked = new Float32Array(chosen.length * dimension);
    chosen.forEach((text, row) => {
      picked.set(vectors.subarray(text * dimension, (text + 1) * dimension), row * dimension);
    });
    return { texts: Array.from(chosen, (text) => texts[text] as string), vectors: picked };
  };
  return { dev: pick(order.subarray(0, held)), train: pick(order.subarray(held)) };
}
