/**
 * What a recipe may hold: one versioned JSON document that names every choice of an experiment. docs/recipes.md
 * explains it, docs/recipe.schema.json is made from this file. What the parts of a recipe say of each other is
 * checked in check-recipe.ts.
 */
import * as v from 'valibot';
import { inRange } from '../host/range-schema.ts';
import { settingRanges } from '../host/setting-ranges.ts';
import { analyzerNames } from '../retrieval/analyzer.ts';
import { negativeChoices } from '../training/negative-choice.ts';
import { mixSchema } from './mix-schema.ts';

const described = <Schema extends v.GenericSchema>(schema: Schema, text: string) =>
  v.pipe(schema, v.description(text));

const count = inRange(settingRanges.count);
const share = inRange(settingRanges.share);
const seed = inRange(settingRanges.seed);
const level = inRange(settingRanges.level);
const label = inRange(settingRanges.label);
const learningRate = inRange(settingRanges.learningRate);
const temperature = inRange(settingRanges.temperature);
const text = v.pipe(v.string(), v.nonEmpty());

/** Names of sources, filters, arms and baselines: also file names and the rows of a table. */
const name = v.pipe(
  v.string(),
  v.regex(
    // Reports have systems as names of members, where these two would be dropped.
    /^(?!constructor$|prototype$)[A-Za-z0-9]([A-Za-z0-9 ,._+-]{0,58}[A-Za-z0-9+])?$/,
    'must be up to 60 letters, digits and " ,._+-", and not "constructor" or "prototype"',
  ),
);

/** A file that belongs to the corpus, or one anywhere. Exactly one of the two. */
const fileEntries = {
  corpusFile: described(v.optional(text), 'A file of the corpus folder.'),
  file: described(v.optional(text), 'A file; its path is relative to where the command runs.'),
};

const corpus = v.strictObject({
  folder: described(v.optional(text), 'A folder or zip in BEIR layout.'),
  builtIn: described(v.optional(v.picklist(['demo'])), 'A corpus that comes with the studio.'),
  titles: described(v.optional(v.boolean(), true), 'Whether titles are part of the passages.'),
  train: described(
    v.optional(v.nullable(text), 'train'),
    'The split that is trained on; null where all lists come from files.',
  ),
  dev: described(
    v.optional(
      v.union([
        v.strictObject({ split: text }),
        v.strictObject({
          share: inRange({ above: 0, max: settingRanges.heldOutShare.max }),
          seed: v.optional(seed, 0),
        }),
        v.null(),
      ]),
      { share: 0.1, seed: 0 },
    ),
    'What chooses checkpoints and settings: a split, a share of the train queries that is held out together with ' +
      'all queries that share a positive with it, or null for nothing.',
  ),
  devCandidates: described(
    v.optional(inRange(settingRanges.candidates), 20),
    "BM25 candidates of each dev query among which, with all other dev queries', its positives are to be found.",
  ),
  test: described(v.optional(text, 'test'), 'The split that is reported. It is never trained on.'),
  fold: described(
    v.optional(
      v.strictObject({
        of: inRange(settingRanges.folds),
        index: inRange(settingRanges.foldIndex),
        seed: v.optional(seed, 0),
      }),
    ),
    'For a set with one split: its queries are dealt into so many folds, queries that share a relevant document into ' +
      'the same one. The fold of this index (from 0) is tested, the others train. "train" and "test" name that split.',
  ),
});

const maxLength = inRange(settingRanges.maxLength);
const encodingEntries = {
  queryMaxLength: described(v.optional(maxLength), 'In tokens.'),
  passageMaxLength: described(v.optional(maxLength), 'In tokens.'),
  pooling: v.optional(v.picklist(['mean', 'cls'])),
  normalize: v.optional(v.boolean()),
  queryPrefix: v.optional(v.string()),
  passagePrefix: v.optional(v.string()),
};
const model = described(text, 'nano, a model folder or ORG/NAME of a hub.');
/** One that is not trained. */
const anyModel = described(
  text,
  'nano, a model folder or ORG/NAME of a hub; with transformers.js: before it, one that transformers.js runs.',
);

const bm25Entries = {
  k1: v.optional(inRange(settingRanges.k1), 0.9),
  b: v.optional(inRange(settingRanges.b), 0.4),
  analyzer: v.optional(v.picklist(analyzerNames), 'english'),
};
const retriever = v.variant('kind', [
  v.strictObject({ kind: v.literal('bm25'), name: v.optional(name, 'bm25'), ...bm25Entries }),
  v.strictObject({
    kind: v.literal('dense'),
    name: v.optional(name, 'dense'),
    model: described(
      v.optional(anyModel),
      'nano, a model folder or ORG/NAME of a hub; with transformers.js: before it, one that transformers.js runs. ' +
        "Default: the recipe's encoder, untrained.",
    ),
    ...encodingEntries,
  }),
]);

/** Whose scores order passages. */
const scorers = [
  v.strictObject({ from: v.literal('stored') }),
  v.strictObject({ from: v.literal('encoder'), model: anyModel, ...encodingEntries }),
  v.strictObject({ from: v.literal('cross-encoder'), model: anyModel }),
  v.strictObject({ from: v.literal('file'), ...fileEntries }),
] as const;

const selected = v.strictObject({
  kind: v.literal('selected'),
  of: described(name, 'The source whose lists are taken.'),
  queriesOf: described(v.optional(name), 'Only lists whose query has one in this source, too.'),
  types: described(
    v.optional(v.pipe(v.array(text), v.minLength(1))),
    'Only lists whose query is of one of these types (questions, claims, …).',
  ),
  prompts: described(
    v.optional(v.pipe(v.array(text), v.minLength(1))),
    'Only what these prompts wrote, by id or ID@VERSION, and passages that no prompt wrote.',
  ),
  sample: described(v.optional(count), 'So many lists, drawn at random, at most.'),
  negatives: described(
    v.optional(count),
    'So many passages beside the positives of a list, at most; default: all. A list without any is left out.',
  ),
  pick: described(
    v.optional(v.picklist(['random', 'top', 'best']), 'random'),
    'Which: some by chance, the first of the list, or those with the highest scores.',
  ),
  by: described(
    v.optional(v.variant('from', scorers)),
    'Whose scores "best" reads: those that the lists carry (the default), a file, or a model that rescores them.',
  ),
  level: described(v.optional(level, 1), 'The lowest label of a positive.'),
  labels: described(
    v.optional(v.strictObject({ positives: v.optional(label), negatives: v.optional(label) })),
    'New labels of the positives and of the other passages.',
  ),
  seed: v.optional(seed, 0),
});

const planted = v.strictObject({
  kind: v.literal('planted'),
  of: described(
    name,
    'The source whose lists are taken, those with two positives or more: the one with the highest label stays.',
  ),
  count: described(
    v.optional(inRange(settingRanges.candidates), 1),
    'So many of the other positives, at most, stand among the negatives of a list, in the place of as many. With 0 the ' +
      'lists are the same without them, to compare with.',
  ),
  level: described(v.optional(level, 1), 'The lowest label of a positive.'),
  seed: v.optional(seed, 0),
});

const source = v.variant('kind', [
  v.strictObject({
    kind: v.literal('mined'),
    of: described(
      v.optional(name),
      "A source whose queries are searched for, with their positives, in place of the train split's.",
    ),
    retrievers: described(
      v.pipe(v.array(retriever), v.minLength(1)),
      'Whose high ranks the candidates come from.',
    ),
    fuse: described(
      v.optional(v.boolean(), false),
      'Whether the retrievers count as one, by reciprocal rank fusion.',
    ),
    depth: described(
      v.optional(inRange(settingRanges.depth), 100),
      'Ranks of each retriever that fusion looks at.',
    ),
    ranks: v.optional(v.strictObject({ first: v.optional(count, 1), last: v.optional(count, 50) }), {}),
    negatives: described(
      v.optional(inRange(settingRanges.minedNegatives), 5),
      'Candidates of each retriever in a list.',
    ),
    pick: v.optional(v.picklist(['random', 'top']), 'random'),
    lists: described(
      v.optional(v.picklist(['per-query', 'per-positive', 'listwise']), 'per-query'),
      'One list per query with its positives and negatives labeled 0, one per positive, or listwise: everything ' +
        'judged relevant and the best candidates, for a teacher to score.',
    ),
    level: described(v.optional(level, 1), 'The lowest grade of a positive.'),
    labelUnjudged: described(
      v.optional(v.boolean(), false),
      'Whether listwise candidates that nobody judged get the label 0.',
    ),
    seed: v.optional(seed, 0),
  }),
  v.strictObject({ kind: v.literal('lists'), ...fileEntries }),
  v.strictObject({
    kind: v.literal('generated'),
    recorded: described(
      v.optional(v.strictObject(fileEntries)),
      'Ready lists that a generator wrote earlier, whose passages name it as their source; then nothing is written, ' +
        'and no other member is given.',
    ),
    generator: described(v.optional(name), 'One of the generators. Default: the only one.'),
    prompts: described(
      v.optional(v.pipe(v.array(text), v.minLength(1))),
      'Names of built-in prompts, or files of prompts; each is asked of every passage or list.',
    ),
    of: described(
      v.optional(
        v.union([
          v.strictObject({
            passages: v.strictObject({ sample: v.optional(count), seed: v.optional(seed, 0) }),
          }),
          v.strictObject({ train: v.strictObject({ sample: v.optional(count), seed: v.optional(seed, 0) }) }),
          v.strictObject({ source: name, sample: v.optional(count), seed: v.optional(seed, 0) }),
        ]),
      ),
      'What is asked about: passages of the corpus, the train queries with their positives, or the lists of another ' +
        'source. A sample is drawn at random; without one it is all of them.',
    ),
    count: described(
      v.optional(inRange(settingRanges.itemsOfReply)),
      "Items of a reply. Default: the prompt's own.",
    ),
    seed: described(v.optional(seed), 'Of what the generator draws. Default: 0.'),
  }),
  v.strictObject({
    kind: v.literal('merged'),
    of: described(
      v.pipe(v.array(name), v.minLength(2)),
      'Sources whose lists of the same query become one; a passage of several counts for the first.',
    ),
    join: described(
      v.optional(v.boolean(), true),
      'false: the lists stay as they are, one source behind the other, so that a query has a list of each.',
    ),
  }),
  selected,
  planted,
]);

const generator = v.variant('kind', [
  v.strictObject({
    kind: v.literal('http'),
    address: described(text, 'Base address of an OpenAI-compatible server, as in http://127.0.0.1:8000/v1.'),
    model: described(text, 'As the server names it.'),
    parallel: described(
      v.optional(inRange(settingRanges.parallelRequests)),
      'Requests at the same time. Default: 4.',
    ),
  }),
  v.strictObject({ kind: v.literal('webllm'), model: described(text, 'A model id of WebLLM.') }),
  v.strictObject({
    kind: v.literal('wllama'),
    model: described(text, 'The address of a GGUF file, or ORG/NAME/FILE of a hub.'),
  }),
  v.strictObject({
    kind: v.literal('recorded'),
    corpusFile: described(
      fileEntries.corpusFile,
      'A log in the corpus folder. Without a log, what is recorded is named by each source.',
    ),
    file: fileEntries.file,
    model: described(v.optional(text), 'Whose replies are taken, where the log holds several.'),
  }),
]);

const scale = v.optional(
  v.nullable(
    v.strictObject({
      group: described(
        v.optional(v.picklist(['query', 'source', 'file']), 'file'),
        'Whose scores the percentiles are taken over.',
      ),
      low: v.optional(inRange(settingRanges.percentile), 1),
      high: v.optional(inRange(settingRanges.percentile), 99),
    }),
  ),
  null,
);
const teacher = v.variant('from', [
  v.strictObject({ from: v.literal('stored'), scale }),
  v.strictObject({ from: v.literal('encoder'), model: anyModel, ...encodingEntries, scale }),
  v.strictObject({ from: v.literal('cross-encoder'), model: anyModel, scale }),
  v.strictObject({ from: v.literal('file'), ...fileEntries, scale }),
]);

const evidence = v.strictObject({
  guide: described(
    v.optional(
      v.variant('from', [
        v.strictObject({ from: v.literal('encoder'), model: anyModel, ...encodingEntries }),
        v.strictObject({ from: v.literal('cross-encoder'), model: anyModel }),
      ]),
    ),
    'A second model that scores every passage, for the rules guide-margin and guide-relative-margin.',
  ),
  modelLabels: described(
    v.optional(v.strictObject(fileEntries)),
    'What a language model judged, for the rules model-label: query id, document id and label (0 to 3).',
  ),
  handLabels: described(
    v.optional(v.strictObject(fileEntries)),
    'What people judged, for the rules hand-label: query id, document id and label.',
  ),
  answers: described(
    v.optional(v.strictObject(fileEntries)),
    'Short answers, for the rule answers: query id and answer.',
  ),
});

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

/** One loss: its name, weight and candidates, and its own settings beside them. */
const lossTerm = v.objectWithRest(
  { name: text, weight: v.optional(inRange(settingRanges.lossWeight)), scope: v.optional(text) },
  v.number(),
);
const loss = described(
  v.union([text, lossTerm, v.pipe(v.array(lossTerm), v.minLength(1))]),
  'A loss as the train command takes it, "kl + 0.1*infonce(temperature=0.02)"; or an object with its name and ' +
    'settings, or a list of them.',
);

const arm = v.strictObject({
  name,
  source: described(v.optional(name), 'The lists that are trained on. Either this or a mix.'),
  mix: described(v.optional(mixSchema), 'Several sources at a time, each with its weight and schedule.'),
  filters: described(v.optional(name), 'The stack of rules that the lists go through.'),
  loss,
  training: v.optional(trainingSchema, {}),
});

const baseline = v.union([
  v.picklist(['bm25', 'untrained']),
  v.strictObject({ name, model, ...encodingEntries }),
]);

const evaluation = v.strictObject({
  measures: described(
    v.optional(v.pipe(v.array(text), v.minLength(1)), ['ndcg_cut_10', 'recall_10']),
    "Under trec_eval's names; ndcg@10 is read too.",
  ),
  depth: described(v.optional(inRange(settingRanges.depth), 100), 'Documents found for each query.'),
  dropIdentical: v.optional(v.boolean(), false),
  level: described(v.optional(level, 1), 'The lowest grade that counts as relevant.'),
  disjoint: described(
    v.optional(v.boolean(), true),
    'Whether test queries that share no relevant document with a train query are reported apart as well.',
  ),
  baselines: v.optional(v.array(baseline), ['bm25', 'untrained']),
  bm25: v.optional(v.strictObject(bm25Entries), {}),
  against: described(
    v.optional(v.nullable(name)),
    'The system that every arm is tested against; null for none. Default: untrained, if it is a baseline.',
  ),
  pairs: described(
    v.optional(v.array(v.strictTuple([name, name])), []),
    'Further pairs to test: [system, what it is compared with].',
  ),
  alpha: v.optional(inRange(settingRanges.significanceLevel), 0.05),
  samples: described(
    v.optional(inRange(settingRanges.samples), 10_000),
    'Random sign patterns and resamples.',
  ),
  show: v.optional(
    v.strictObject({
      arm: described(v.optional(name), 'Default: the last arm.'),
      queries: described(
        v.optional(v.union([inRange(settingRanges.shown), v.array(text)]), 1),
        'Ids, or how many: those that gained and lost the most, in turns.',
      ),
    }),
    {},
  ),
});

const tuning = v.strictObject({
  learningRates: v.optional(v.array(learningRate), []),
  temperatures: described(
    v.optional(v.array(temperature), []),
    'Tried for each arm whose loss has a temperature.',
  ),
  epochs: described(v.optional(inRange(settingRanges.epochs)), 'Of a trial. Default: those of the training.'),
  maxSteps: v.optional(inRange(settingRanges.steps)),
});

export const recipeSchema = v.strictObject({
  $schema: v.optional(v.string()),
  version: described(v.literal(1), 'Of this format.'),
  name,
  description: v.optional(v.string(), ''),
  seeds: described(
    v.optional(v.pipe(v.array(seed), v.minLength(1)), [1]),
    'Each arm is trained once with each.',
  ),
  corpus,
  encoder: described(
    v.strictObject({ model, ...encodingEntries }),
    'What every arm starts from. What the model says of itself holds unless it is said differently here.',
  ),
  generators: described(
    v.optional(v.record(name, generator), {}),
    'The language models that write, by name. Keys of servers are no part of a recipe: they are given where it runs.',
  ),
  sources: described(v.record(name, source), 'Where training lists come from, by name.'),
  teacher: described(
    v.optional(teacher, { from: 'stored' }),
    'Whose scores losses and filters read: those that the lists carry, those of a file (a line for each pair: query, ' +
      'document, score), or those of a model that scores every passage.',
  ),
  filters: described(
    v.optional(v.record(name, v.pipe(v.array(text), v.minLength(1))), {}),
    'Stacks of rules by name, each a list such as ["share<=0.95", "margin>=0.05@bm25"].',
  ),
  evidence: described(
    v.optional(evidence, {}),
    'What rules may read beside the teacher. Nothing of it is trained on.',
  ),
  training: described(
    v.optional(trainingSchema, {}),
    'What holds for each arm unless the arm says otherwise.',
  ),
  arms: described(v.pipe(v.array(arm), v.minLength(1)), 'What is compared.'),
  tuning: described(
    v.optional(tuning),
    'The same small budget for each arm: every combination is tried with the first seed, the best on dev is taken.',
  ),
  evaluation: v.optional(evaluation, {}),
  diagnostics: described(
    v.optional(
      v.strictObject({
        sources: v.pipe(v.array(name), v.minLength(1)),
        by: described(
          v.optional(v.variant('from', scorers)),
          "Whose scores say how many negatives are relevant after all: those that score above the positive. Default: the recipe's teacher.",
        ),
        loss: described(v.optional(text, 'infonce(temperature=0.05)'), 'Whose gradient is shared out.'),
        sample: described(v.optional(count, 200), 'Lists of each source, at most, drawn at random.'),
        seed: v.optional(seed, 0),
      }),
    ),
    'What the negatives of these sources look like beside each other, to the untrained encoder and in words.',
  ),
});

/** A recipe with every default filled in. */
export type Recipe = v.InferOutput<typeof recipeSchema>;
/** A recipe as it may be written. */
export type RecipeInput = v.InferInput<typeof recipeSchema>;
export type RecipeSource = Recipe['sources'][string];
export type GeneratedSource = Extract<RecipeSource, { kind: 'generated' }>;
/** A generated source that a model is to write, not a file. */
export type WrittenSource = GeneratedSource & {
  readonly prompts: NonNullable<GeneratedSource['prompts']>;
  readonly of: NonNullable<GeneratedSource['of']>;
};
export type MinedSource = Extract<RecipeSource, { kind: 'mined' }>;
export type SelectedSource = Extract<RecipeSource, { kind: 'selected' }>;
export type PlantedSource = Extract<RecipeSource, { kind: 'planted' }>;
export type RecipeScorer = NonNullable<SelectedSource['by']>;
export type RecipeRetriever = Extract<RecipeSource, { kind: 'mined' }>['retrievers'][number];
export type RecipeGenerator = Recipe['generators'][string];
export type RecipeTeacher = Recipe['teacher'];
export type RecipeEvidence = Recipe['evidence'];
export type RecipeArm = Recipe['arms'][number];
export type RecipeLoss = RecipeArm['loss'];
export type RecipeTraining = v.InferOutput<typeof trainingSchema>;
export type RecipeBaseline = Recipe['evaluation']['baselines'][number];
export type RecipeDiagnostics = NonNullable<Recipe['diagnostics']>;
export type RecipeTuning = NonNullable<Recipe['tuning']>;
