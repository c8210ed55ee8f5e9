import * as v from 'valibot';
import { inRange } from '../../host/range-schema.ts';
import { settingRanges } from '../../host/setting-ranges.ts';
import { negativeChoices } from '../../training/negative-choice.ts';
import { count, described, level, share } from './parts.ts';

export const learningRate = inRange(settingRanges.learningRate);

/** The trainer's own settings, all optional: an arm says what differs from the recipe, the recipe from the defaults. */
export const trainingSchema = v.strictObject({
  similarity: v.optional(v.picklist(['cosine', 'dot'])),
  selection: described(
    v.optional(
      v.variant('kind', [
        v.strictObject({ kind: v.literal('all') }),
        v.strictObject({ kind: v.literal('no-embeddings') }),
        v.strictObject({ kind: v.literal('last-layers'), layers: inRange(settingRanges.layers) }),
        v.strictObject({
          kind: v.literal('lora'),
          rank: inRange(settingRanges.loraRank),
          alpha: inRange(settingRanges.loraAlpha),
        }),
      ]),
    ),
    'Which parameters train.',
  ),
  batches: v.optional(
    v.strictObject({
      batchSize: v.optional(inRange(settingRanges.batchSize)),
      incomplete: v.optional(v.picklist(['drop', 'keep'])),
      distinctPassages: v.optional(v.boolean()),
      negatives: v.optional(v.union([inRange(settingRanges.trainedNegatives), v.literal('all')])),
      choice: v.optional(v.picklist(negativeChoices)),
      rowPer: v.optional(v.picklist(['list', 'positive'])),
      otherPositives: described(
        v.optional(v.boolean()),
        'Default: where the loss reads labels or a teacher.',
      ),
      level: described(v.optional(level), 'The lowest label of a positive. Default: any above 0.'),
    }),
  ),
  epochs: v.optional(inRange(settingRanges.epochs)),
  maxSteps: v.optional(inRange(settingRanges.steps)),
  learningRate: v.optional(learningRate),
  schedule: v.optional(
    v.strictObject({
      kind: v.optional(v.picklist(['constant', 'linear', 'cosine'])),
      warmup: v.optional(
        v.union([v.strictObject({ share }), v.strictObject({ steps: inRange(settingRanges.warmupSteps) })]),
      ),
      floor: v.optional(share),
    }),
  ),
  optimizer: v.optional(
    v.strictObject({
      beta1: v.optional(inRange(settingRanges.beta)),
      beta2: v.optional(inRange(settingRanges.beta)),
      epsilon: v.optional(inRange(settingRanges.epsilon)),
      weightDecay: v.optional(inRange(settingRanges.weightDecay)),
      clipNorm: v.optional(inRange(settingRanges.clipNorm)),
    }),
  ),
  dropout: v.optional(
    v.strictObject({
      hidden: v.optional(inRange(settingRanges.dropout)),
      attention: v.optional(inRange(settingRanges.dropout)),
    }),
  ),
  tokensPerMicroBatch: v.optional(inRange(settingRanges.tokensPerMicroBatch)),
  activationBytes: v.optional(inRange(settingRanges.activationBytes)),
  evaluateEvery: described(
    v.optional(inRange(settingRanges.steps)),
    'Steps between evaluations on dev. Default: a tenth of all steps.',
  ),
  earlyStopping: v.optional(v.strictObject({ patience: v.nullable(count) })),
});

export type RecipeTraining = v.InferOutput<typeof trainingSchema>;
