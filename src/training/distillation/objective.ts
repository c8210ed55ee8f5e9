import { RandomStream } from '../../core/random.ts';
import type { Objective, ObjectiveBatch } from '../objective.ts';
import { distillationLoss, type DistillationWeights } from './loss.ts';

export interface DistillationTargets {
  readonly texts: readonly string[];
  /** Of length 1 each: of the student's width, or of any where only similarities are learned. [texts, dimension] */
  readonly vectors: Float32Array<ArrayBuffer>;
}

/** Learns to give texts the vectors that a teacher gives them. Texts are passages to the encoder. */
export class DistillationObjective implements Objective {
  readonly #targets: DistillationTargets;
  readonly #batchSize: number;
  readonly #seed: number;
  readonly #weights: DistillationWeights;
  readonly #stepsInEpoch: number;
  #order: { readonly epoch: number; readonly texts: Int32Array } | undefined;

  /** An epoch leaves out the texts that do not fill its last batch; others do in the next. */
  constructor(targets: DistillationTargets, batchSize: number, seed: number, weights: DistillationWeights) {
    this.#targets = targets;
    this.#batchSize = Math.min(batchSize, targets.texts.length);
    this.#seed = seed;
    this.#weights = weights;
    this.#stepsInEpoch = Math.floor(targets.texts.length / this.#batchSize);
  }

  stepsInEpochs(epochs: number): number {
    return epochs * this.#stepsInEpoch;
  }

  locate(globalStep: number): { readonly epoch: number; readonly step: number } {
    const epoch = Math.floor(globalStep / this.#stepsInEpoch);
    return { epoch, step: globalStep - epoch * this.#stepsInEpoch };
  }

  batch(epoch: number, step: number): ObjectiveBatch {
    const { texts, vectors } = this.#targets;
    const chosen = this.#orderOf(epoch).subarray(step * this.#batchSize, (step + 1) * this.#batchSize);
    return {
      queries: [],
      passages: Array.from(chosen, (text) => texts[text] as string),
      loss: (_queries, passages, dimension) => {
        const width = vectors.length / texts.length;
        const targets = new Float32Array(chosen.length * width);
        chosen.forEach((text, row) => {
          targets.set(vectors.subarray(text * width, (text + 1) * width), row * width);
        });
        const { value, terms, gradient } = distillationLoss(passages, targets, dimension, this.#weights);
        return {
          value,
          terms,
          queryGradient: new Float32Array(0),
          passageGradient: gradient,
          gradientNorms: new Map(),
        };
      },
    };
  }

  #orderOf(epoch: number): Int32Array {
    if (this.#order?.epoch !== epoch) {
      const texts = Int32Array.from(this.#targets.texts.keys());
      this.#order = { epoch, texts: new RandomStream(this.#seed, 'distillation', epoch).shuffle(texts) };
    }
    return this.#order.texts;
  }
}
