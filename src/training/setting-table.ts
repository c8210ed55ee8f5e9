/** The settings of a training that a user may choose. Each is defined here and nowhere else. */
import * as v from 'valibot';
import { inRange } from '../host/range-schema.ts';
import {
  choiceSetting,
  numberSetting,
  readNumber,
  switchSetting,
  type SettledSetting,
} from '../host/setting.ts';
import { describeRange, settingRanges } from '../host/setting-ranges.ts';
import { negativeChoices } from './negative-choice.ts';
import { defaultAdamW } from './optimizer.ts';
import type { ParameterSelection } from './parameter-selection.ts';
import type { ScheduleOptions } from './schedules.ts';

const defaultLora = { rank: 8, alpha: 16 } as const;

const selection: SettledSetting<ParameterSelection> = {
  schema: v.variant('kind', [
    v.strictObject({ kind: v.literal('all') }),
    v.strictObject({ kind: v.literal('no-embeddings') }),
    v.strictObject({ kind: v.literal('last-layers'), layers: inRange(settingRanges.layers) }),
    v.strictObject({
      kind: v.literal('lora'),
      rank: inRange(settingRanges.loraRank),
      alpha: inRange(settingRanges.loraAlpha),
    }),
  ]),
  default: { kind: 'all' },
  title: 'trains',
  help: 'Which parameters train: all, all but the embeddings, the last layers, or LoRA adapters.',
  option: 'train',
  placeholder: 'what',
  wanted: 'all, no-embeddings, last-K with a number of layers, or lora',
  read: (text) => {
    if (text === 'all' || text === 'no-embeddings') return { kind: text };
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
  help: 'Passages beside the positive, or all of the list.',
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
  help: 'The rise of the learning rate from 0 to its peak: a share of all steps below 1, or a number of steps.',
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
  title: 'tokens of a micro-batch',
  help: 'Tokens computed at once; auto is chosen for the device, 512 on the CPU.',
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
  help: 'Ends the training after so many evaluations without improvement.',
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
  help: 'The share of hidden values, and of attention, that is left out.',
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
    help: 'How vectors are compared.',
    option: 'similarity',
    placeholder: 'how',
    default: 'cosine',
  }),
  selection,
  batches: {
    batchSize: numberSetting(settingRanges.batchSize, {
      title: 'batch size',
      help: 'Rows of a batch: lists, or positives.',
      form: 'first',
      option: 'batch-size',
      default: 16,
    }),
    incomplete: choiceSetting(['drop', 'keep'], {
      title: 'incomplete batches',
      help: 'Whether the rows that do not fill a batch at the end of an epoch are left out or trained on.',
      option: 'incomplete',
      placeholder: 'how',
      default: 'drop',
    }),
    distinctPassages: switchSetting(
      { yes: 'avoid', no: 'allow' },
      {
        title: 'same passage twice in a batch',
        help: 'Whether a batch avoids the same passage twice.',
        option: 'duplicates',
        default: true,
      },
    ),
    negatives,
    choice: choiceSetting(negativeChoices, {
      title: 'negatives picked',
      form: 'more',
      help:
        'Which negatives, where a list has more: top (the first), fixed (drawn once), random (drawn anew each time) ' +
        'or stratified (drawn anew, spread over the range of hardness).',
      option: 'pick',
      placeholder: 'how',
      default: 'random',
    }),
    rowPer: choiceSetting(['list', 'positive'], {
      title: 'a row per',
      form: 'more',
      help: 'One row for each list, or for each positive.',
      option: 'row-per',
      placeholder: 'what',
      default: 'positive',
    }),
    otherPositives: switchSetting(
      { yes: 'keep', no: 'drop' },
      {
        title: 'other positives in a row',
        help: 'Whether a row keeps the other positives of its list. Default: where the loss reads labels or a teacher.',
        option: 'other-positives',
      },
    ),
    level: numberSetting(settingRanges.level, {
      title: 'lowest label of a positive',
      help: 'The lowest label of a positive. Default: any above 0.',
      option: 'level',
      unset: 'any above 0',
    }),
  },
  epochs: numberSetting(settingRanges.epochs, {
    title: 'epochs',
    help: 'Times through the lists.',
    form: 'first',
    option: 'epochs',
    default: 1,
  }),
  maxSteps: numberSetting(settingRanges.steps, {
    title: 'steps at most',
    form: 'more',
    help: 'Ends the training after so many steps, if its epochs do not end it earlier.',
    option: 'max-steps',
    unset: 'no limit',
  }),
  learningRate: numberSetting(settingRanges.learningRate, {
    title: 'learning rate',
    help: 'The peak learning rate: 1e-4 suits nano, 2e-5 a model like MiniLM.',
    form: 'first',
    option: 'lr',
    placeholder: 'rate',
    default: 2e-5,
  }),
  schedule: {
    kind: choiceSetting(['constant', 'linear', 'cosine'], {
      title: 'schedule',
      form: 'more',
      help: 'How the learning rate goes on after the warm-up.',
      option: 'schedule',
      default: 'linear',
    }),
    warmup,
    floor: numberSetting(settingRanges.share, {
      title: 'floor',
      help: 'What the learning rate ends at, as a share of the peak.',
      option: 'floor',
      placeholder: 'share',
      default: 0,
    }),
  },
  optimizer: {
    beta1: numberSetting(settingRanges.beta, {
      title: 'beta1',
      help: "AdamW's decay of the mean gradient.",
      option: 'beta1',
      placeholder: 'rate',
      default: defaultAdamW.beta1,
    }),
    beta2: numberSetting(settingRanges.beta, {
      title: 'beta2',
      help: "AdamW's decay of the mean square gradient.",
      option: 'beta2',
      placeholder: 'rate',
      default: defaultAdamW.beta2,
    }),
    epsilon: numberSetting(settingRanges.epsilon, {
      title: 'epsilon',
      help: "What AdamW's divisor is above.",
      option: 'epsilon',
      default: defaultAdamW.epsilon,
    }),
    weightDecay: numberSetting(settingRanges.weightDecay, {
      title: 'weight decay',
      form: 'more',
      help: "AdamW's decoupled weight decay.",
      option: 'weight-decay',
      placeholder: 'rate',
      default: defaultAdamW.weightDecay,
    }),
    clipNorm: numberSetting(settingRanges.clipNorm, {
      title: 'gradient norm at most',
      help: 'The gradient norm is scaled down to this; 0 for no clipping.',
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
      help: 'Activations are kept up to this, and recomputed beyond.',
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
    help: 'Steps between evaluations on dev. Default: a tenth of all steps.',
    option: 'evaluate-every',
    placeholder: 'steps',
  }),
  earlyStopping: { patience },
} as const;
