import * as v from 'valibot';
import { InputError } from '../../core/errors.ts';
import { inRange } from '../../core/range-schema.ts';
import { settingRanges } from '../../core/setting-ranges.ts';

const share = inRange(settingRanges.share);

const size = inRange({ whole: true, min: 1, max: 2 ** 20 });

const studentSizes = {
  layers: inRange(settingRanges.layers),
  heads: inRange(settingRanges.layers),
  intermediateSize: size,
  maxLength: inRange(settingRanges.maxLength),
  /** How the model folder stores the weights. */
  weights: v.optional(v.picklist(['F16', 'F8_E4M3']), 'F16'),
};

/** Starts from the teacher's vectors of its tokens. */
const newStudent = v.strictObject({
  vocabSize: inRange({ whole: true, min: 1, max: 2 ** 24 }),
  hiddenSize: size,
  ...studentSizes,
});

const startedStudent = v.strictObject({
  /** Folder of a static encoder, whose vocabulary, width and token vectors the student starts with. */
  start: v.string(),
  /** Share of the first weights in the final ones, which are the mean of both: what training unlearns stays, in part. */
  startShare: v.optional(share, 0),
  ...studentSizes,
});

const schema = v.strictObject({
  version: v.literal(1),
  name: v.string(),
  seed: inRange(settingRanges.seed),
  /** Paths are relative to the folder of data that the command is given. */
  texts: v.strictObject({
    corpora: v.array(v.string()),
    /** Documents of which only the whole text is learned. */
    texts: v.optional(v.array(v.string()), []),
    /** Those queries of a file that the judgments name. */
    queries: v.array(v.strictObject({ file: v.string(), judgments: v.string() })),
    /** Files of queries; a text of theirs is never learned from, unless `queries` names it. */
    neverTexts: v.array(v.string()),
    randomPhrases: inRange({ whole: true, min: 0, max: 100_000_000 }),
  }),
  student: v.lazy((input) =>
    typeof input === 'object' && input !== null && Object.hasOwn(input, 'start')
      ? startedStudent
      : newStudent,
  ),
  training: v.strictObject({
    batchSize: inRange(settingRanges.batchSize),
    epochs: inRange(settingRanges.epochs),
    learningRate: inRange(settingRanges.learningRate),
    warmupShare: share,
    /** Of the vectors themselves. At 0 they need not be projected to the student's width. */
    vectorWeight: v.optional(inRange(settingRanges.sourceWeight), 1),
    similarityWeight: inRange(settingRanges.sourceWeight),
    similarityTemperature: inRange(settingRanges.temperature),
    devShare: share,
  }),
  /** Content of the model card, without effect on the model. */
  card: v.strictObject({
    /** As ORG/NAME. */
    teacher: v.string(),
    license: v.string(),
    trainingData: v.string(),
    metrics: v.array(v.strictObject({ dataset: v.string(), metric: v.string(), after: v.number() })),
  }),
});

/** Everything that decides what a student becomes, but the teacher and the data. */
export type DistillationRecipe = v.InferOutput<typeof schema>;

/** @throws InputError naming the file, the place in it and what is expected there */
export function parseDistillationRecipe(text: string, file: string): DistillationRecipe {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InputError('is not valid JSON', {
      file,
      remedy: 'Fix the file; tools/nano/nano.json is an example',
      cause,
    });
  }
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new InputError(`${v.getDotPath(issue) ?? 'the recipe'}: ${issue.message}`, {
    file,
    remedy: 'Fix it; tools/nano/nano.json is an example',
  });
}
