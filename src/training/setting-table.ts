/** The settings of a training that a user may choose. Each is defined here and nowhere else. */
import * as v from 'valibot';
import { inRange } from '../core/range-schema.ts';
import {
  choiceSetting,
  numberSetting,
  readNumber,
  switchSetting,
  type SettledSetting,
} from '../core/setting.ts';
import { describeRange, settingRanges } from '../core/setting-ranges.ts';
import { negativeChoices } from './negative-choice.ts';
import { defaultAdamW } from './optimizer.ts';
import type { ParameterSelection } from './parameter-selection.ts';
import type { ScheduleOptions } from './schedules.ts';

const defaultLora = { rank: 8, alpha: 16 } as const;

const selection: SettledSetting<ParameterSelection> = {
  schema: v.variant('kind', [
    v.strictObject({ kind: v.literal('all') }),
    v.strictObject({ kind: v.picklist(['embeddings', 'no-embeddings']) }),
    v.strictObject({ kind: v.literal('last-layers'), layers: inRange(settingRanges.layers) }),
    v.strictObject({
      kind: v.literal('lora'),
      rank: inRange(settingRanges.loraRank),
      alpha: inRange(settingRanges.loraAlpha),
    }),
  ]),
  default: { kind: 'all' },
  title: 'trainable parameters',
  help: 'Parameters to train: all, embeddings (no layer), no-embeddings, last-K (the last K layers) or lora.',
  option: 'train',
  placeholder: 'what',
  wanted: 'all, embeddings, no-embeddings, last-K with a number of layers, or lora',
  read: (text) => {
    if (text === 'all' || text === 'embeddings' || text === 'no-embeddings') return { kind: text };
    if (text === 'lora') return { kind: 'lora', ...defaultLora };
    const layers = /^last-([1-9]\d*)$/.exec(text)?.[1];
    return layers === undefined ? undefined : { kind: 'last-layers', layers: Number(layers) };
  },
  show: (value) => (value.kind === 'last-layers' ? `last-${value.layers}` : value.kind),
};

const negatives: SettledSetting<number | 'all'> = {
  schema: v.union([inRange(settingRanges.trainedNegatives), v.literal('all')]),
  default: 'all',
  title: 'negatives',
  form: 'first',
  help: 'Negatives per row of a batch: a number, or all negatives of the list.',
  option: 'negatives',
  placeholder: 'n|all',
  range: settingRanges.trainedNegatives,
  wanted: `${describeRange(settingRanges.trainedNegatives)}, or all`,
  read: (text) => (text === 'all' ? text : readNumber(text, settingRanges.trainedNegatives)),
  show: (value) => value,
};

const warmup: SettledSetting<ScheduleOptions['warmup']> = {
  schema: v.union([
    v.strictObject({ share: inRange(settingRanges.share) }),
    v.strictObject({ steps: inRange(settingRanges.warmupSteps) }),
  ]),
  default: { share: 0.1 },
  title: 'warm-up',
  help: 'Learning rate warm-up: a fraction of all steps if below 1, otherwise a number of steps.',
  option: 'warmup',
  placeholder: 'n',
  range: settingRanges.warmup,
  wanted: describeRange(settingRanges.warmup),
  read: (text) => {
    const value = readNumber(text, settingRanges.warmup);
    if (value === undefined) return undefined;
    return value < 1 ? { share: value } : { steps: Math.round(value) };
  },
  show: (value) => ('share' in value ? value.share : value.steps),
};

const tokensPerMicroBatch: SettledSetting<number | 'auto'> = {
  schema: v.union([inRange(settingRanges.tokensPerMicroBatch), v.literal('auto')]),
  default: 'auto',
  title: 'tokens per micro-batch',
  help: 'Tokens per micro-batch: a number, or auto to choose for the device (512 on the CPU).',
  option: 'micro-batch-tokens',
  placeholder: 'n',
  range: settingRanges.tokensPerMicroBatch,
  wanted: `${describeRange(settingRanges.tokensPerMicroBatch)}, or auto`,
  read: (text) => (text === 'auto' ? text : readNumber(text, settingRanges.tokensPerMicroBatch)),
  show: (value) => value,
};

const patience: SettledSetting<number | null> = {
  schema: v.nullable(inRange(settingRanges.count)),
  default: null,
  title: 'patience',
  help: 'Stop after this many evaluations without improvement.',
  option: 'patience',
  placeholder: 'n',
  range: settingRanges.count,
  wanted: describeRange(settingRanges.count),
  read: (text) => readNumber(text, settingRanges.count),
  show: (value) => value ?? 'no limit',
};

const dropout: SettledSetting<{
  readonly hidden?: number | undefined;
  readonly attention?: number | undefined;
}> = {
  schema: v.strictObject({
    hidden: v.optional(inRange(settingRanges.dropout)),
    attention: v.optional(inRange(settingRanges.dropout)),
  }),
  default: { hidden: 0, attention: 0 },
  title: 'dropout',
  help: 'Dropout probability of hidden states and attention.',
  option: 'dropout',
  placeholder: 'share',
  range: settingRanges.dropout,
  wanted: describeRange(settingRanges.dropout),
  read: (text) => {
    const value = readNumber(text, settingRanges.dropout);
    return value === undefined ? undefined : { hidden: value, attention: value };
  },
  show: ({ hidden = 0, attention = 0 }) =>
    hidden === attention ? hidden : `${hidden} of hidden values, ${attention} of attention`,
};

const mebibyte = 2 ** 20;

/** As a recipe has them. */
export const trainingSettingTable = {
  similarity: choiceSetting(['cosine', 'dot'], {
    title: 'similarity',
    form: 'more',
    help: 'Similarity between vectors.',
    option: 'similarity',
    placeholder: 'how',
    default: 'cosine',
  }),
  selection,
  batches: {
    batchSize: numberSetting(settingRanges.batchSize, {
      title: 'batch size',
      help: 'Rows per batch; a row is a list or a positive.',
      form: 'first',
      option: 'batch-size',
      default: 16,
    }),
    incomplete: choiceSetting(['drop', 'keep'], {
      title: 'incomplete batches',
      help: 'Drop or keep the last batch of an epoch if it is not full.',
      option: 'incomplete',
      placeholder: 'how',
      default: 'drop',
    }),
    distinctPassages: switchSetting(
      { yes: 'avoid', no: 'allow' },
      {
        title: 'duplicate passages in a batch',
        help: 'Avoid or allow the same passage twice in a batch.',
        option: 'duplicates',
        default: true,
      },
    ),
    negatives,
    choice: choiceSetting(negativeChoices, {
      title: 'negative sampling',
      form: 'more',
      help:
        'Negatives to use if a list has more: top (the first ones), fixed (sampled once), random (resampled in every ' +
        'epoch) or stratified (resampled in every epoch, evenly across hardness).',
      option: 'pick',
      placeholder: 'how',
      default: 'random',
    }),
    rowPer: choiceSetting(['list', 'positive'], {
      title: 'rows per',
      form: 'more',
      help: 'One row per list, or one row per positive.',
      option: 'row-per',
      placeholder: 'what',
      default: 'positive',
    }),
    evenRows: switchSetting(
      { yes: 'even', no: 'random' },
      {
        title: 'order of rows',
        help:
          'Random over all rows of an epoch, or even: one row of every list before a second of any. Even suits a ' +
          'training that ends before all rows are used. Default: random.',
        option: 'row-order',
      },
    ),
    otherPositives: switchSetting(
      { yes: 'keep', no: 'drop' },
      {
        title: 'other positives of the list',
        help: 'Keep or drop the other positives of the list in a row. Default: keep if the loss uses labels or teacher scores.',
        option: 'other-positives',
      },
    ),
    level: numberSetting(settingRanges.level, {
      title: 'lowest positive label',
      help: 'Lowest label that counts as positive. Default: any label above 0.',
      option: 'level',
      unset: 'any above 0',
    }),
  },
  epochs: numberSetting(settingRanges.epochs, {
    title: 'epochs',
    help: 'Passes over the training lists.',
    form: 'first',
    option: 'epochs',
    default: 1,
  }),
  maxSteps: numberSetting(settingRanges.steps, {
    title: 'maximum steps',
    form: 'more',
    help: 'Maximum number of optimizer steps. Default: all steps of the epochs.',
    option: 'max-steps',
    unset: 'no limit',
  }),
  learningRate: numberSetting(settingRanges.learningRate, {
    title: 'learning rate',
    help: 'Peak learning rate: 1e-4 works for nano, 2e-5 for models like MiniLM, 0.02 for static encoders.',
    form: 'first',
    option: 'lr',
    placeholder: 'rate',
    default: 2e-5,
  }),
  schedule: {
    kind: choiceSetting(['constant', 'linear', 'cosine'], {
      title: 'schedule',
      form: 'more',
      help: 'Learning rate schedule after the warm-up.',
      option: 'schedule',
      default: 'linear',
    }),
    warmup,
    floor: numberSetting(settingRanges.share, {
      title: 'final learning rate (fraction)',
      help: 'Final learning rate as a fraction of the peak.',
      option: 'floor',
      placeholder: 'share',
      default: 0,
    }),
  },
  optimizer: {
    beta1: numberSetting(settingRanges.beta, {
      title: 'beta1',
      help: 'AdamW beta1: decay rate of the first moment.',
      option: 'beta1',
      placeholder: 'rate',
      default: defaultAdamW.beta1,
    }),
    beta2: numberSetting(settingRanges.beta, {
      title: 'beta2',
      help: 'AdamW beta2: decay rate of the second moment.',
      option: 'beta2',
      placeholder: 'rate',
      default: defaultAdamW.beta2,
    }),
    epsilon: numberSetting(settingRanges.epsilon, {
      title: 'epsilon',
      help: 'AdamW epsilon.',
      option: 'epsilon',
      default: defaultAdamW.epsilon,
    }),
    weightDecay: numberSetting(settingRanges.weightDecay, {
      title: 'weight decay',
      form: 'more',
      help: 'AdamW weight decay (decoupled); always 0 with a static encoder.',
      option: 'weight-decay',
      placeholder: 'rate',
      default: defaultAdamW.weightDecay,
    }),
    clipNorm: numberSetting(settingRanges.clipNorm, {
      title: 'maximum gradient norm',
      help: 'Maximum gradient norm; larger gradients are clipped. 0 turns clipping off, as with static encoders.',
      option: 'clip',
      placeholder: 'norm',
      default: defaultAdamW.clipNorm,
    }),
  },
  dropout,
  tokensPerMicroBatch,
  activationBytes: {
    ...numberSetting(settingRanges.activationBytes, {
      title: 'activation memory',
      help: 'Memory budget for activations; those beyond it are recomputed.',
      option: 'activation-memory',
      placeholder: 'MiB',
      default: 2 ** 31,
      decidesNothing: true,
    }),
    wanted: describeRange(settingRanges.activationMebibytes),
    read: (text: string) => {
      const mebibytes = readNumber(text, settingRanges.activationMebibytes);
      return mebibytes === undefined ? undefined : mebibytes * mebibyte;
    },
    show: (value: number) => value / mebibyte,
  },
  evaluateEvery: numberSetting(settingRanges.steps, {
    title: 'steps between evaluations',
    help: 'Steps between evaluations on the dev queries. Default: 10% of all steps.',
    option: 'evaluate-every',
    placeholder: 'steps',
  }),
  earlyStopping: { patience },
} as const;
