/**
 * The values that settings may take, each said once for the command line, recipes and mixes. The upper ends are far
 * beyond what anyone trains with; they keep slips such as 10¹⁵ epochs, and numbers that are none, from being accepted.
 */
export interface NumberRange {
  readonly whole?: true;
  /** The smallest value, or what a value must be above. */
  readonly min?: number | undefined;
  readonly above?: number | undefined;
  /** The largest value, or what a value must be below. */
  readonly max?: number | undefined;
  readonly below?: number | undefined;
}

const count = { whole: true, min: 1, max: 1_000_000_000 } as const;

export const settingRanges = {
  seed: { whole: true, min: 0, max: 2 ** 31 - 1 },
  threads: { whole: true, min: 1, max: 1024 },
  share: { min: 0, max: 1 },
  /** Number of items of which there is at least one, or size of a sample. */
  count,
  /** Relevance level in judgments and lists. */
  level: { whole: true, min: 1, max: 1_000_000 },
  label: { whole: true, min: 0, max: 1_000_000 },

  epochs: { whole: true, min: 1, max: 100_000 },
  steps: count,
  batchSize: { whole: true, min: 1, max: 1_000_000 },
  /** Passages of a training list besides its positives. */
  trainedNegatives: { whole: true, min: 0, max: 1_000_000 },
  learningRate: { above: 0, max: 1000 },
  /** A share of all steps below 1, or a number of steps. */
  warmup: { min: 0, max: 1_000_000_000 },
  warmupSteps: { whole: true, min: 0, max: 1_000_000_000 },
  beta: { min: 0, below: 1 },
  epsilon: { above: 0, max: 1 },
  weightDecay: { min: 0, max: 1000 },
  clipNorm: { min: 0, max: 1_000_000_000 },
  dropout: { min: 0, max: 0.9 },
  loraRank: { whole: true, min: 1, max: 65_536 },
  loraAlpha: { above: 0, max: 1_000_000 },
  layers: { whole: true, min: 1, max: 1024 },
  heldOutShare: { min: 0, max: 0.9 },
  tokensPerMicroBatch: { whole: true, min: 16, max: 100_000_000 },
  activationMebibytes: { whole: true, min: 0, max: 2 ** 24 },
  activationBytes: { whole: true, min: 0, max: 2 ** 44 },
  /** Tokens of a text: [CLS], one, [SEP] and more. */
  maxLength: { whole: true, min: 3, max: 2 ** 20 },
  lossWeight: { above: 0, max: 1_000_000 },
  sourceWeight: { min: 0, max: 1_000_000 },
  temperature: { above: 0, max: 1_000_000 },
  margin: { min: 0, max: 1_000_000 },

  k1: { min: 0, max: Number.MAX_VALUE },
  b: { min: 0, max: 1 },
  rank: count,
  /** Candidates per query, or 0 for none. */
  candidates: { whole: true, min: 0, max: 100_000 },
  folds: { whole: true, min: 2, max: 10_000 },
  foldIndex: { whole: true, min: 0, max: 9999 },
  depth: { whole: true, min: 1, max: 1_000_000 },
  minedNegatives: { whole: true, min: 1, max: 1000 },
  listwiseDepth: { whole: true, min: 1, max: 1000 },
  percentile: { min: 0, max: 100 },

  parallelRequests: { whole: true, min: 1, max: 1024 },
  samplingTemperature: { min: 0, max: 2 },
  itemsOfReply: { whole: true, min: 1, max: 32 },
  /** Timers of JavaScript take 24 days. */
  deadlineSeconds: { min: 0.1, max: 86_400 },
  checkpointSeconds: { min: 0, max: 86_400 },

  significanceLevel: { min: 1e-6, max: 0.5 },
  samples: { whole: true, min: 1000, max: 10_000_000 },
  shown: { whole: true, min: 0, max: 10_000 },
} as const satisfies Readonly<Record<string, NumberRange>>;

export function isInRange(value: number, range: NumberRange): boolean {
  const { whole, min = -Infinity, above = -Infinity, max = Infinity, below = Infinity } = range;
  return (
    Number.isFinite(value) &&
    (whole !== true || Number.isInteger(value)) &&
    value >= min &&
    value > above &&
    value <= max &&
    value < below
  );
}

/** As people write a number: 2e-5 and not 0.00002. */
export function numberText(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
}

/** `a whole number from 1 to 1000`, `a number above 0 and up to 1`, `a number, 0 or more`. */
export function describeRange(range: NumberRange): string {
  const { whole } = range;
  const bound = (value: number | undefined): string | undefined =>
    value === undefined || value === Number.MAX_VALUE ? undefined : numberText(value);
  const [min, above, max, below] = [range.min, range.above, range.max, range.below].map(bound);
  const kind = whole === true ? 'a whole number' : 'a number';
  if (min !== undefined && max !== undefined) return `${kind} from ${min} to ${max}`;
  if (above !== undefined && max !== undefined) return `${kind} above ${above} and up to ${max}`;
  if (min !== undefined && below !== undefined) return `${kind} from ${min} to below ${below}`;
  if (above !== undefined) return `${kind} above ${above}`;
  if (min !== undefined) return `${kind}, ${min} or more`;
  if (max !== undefined) return `${kind}, ${max} or less`;
  return kind;
}
