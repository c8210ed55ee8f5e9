/**
 * What a recipe may hold: one versioned JSON document that names every choice of an experiment. docs/recipes.md
 * explains it, docs/recipe.schema.json is made from this file. What the parts of a recipe say of each other is
 * checked in check-recipe.ts.
 */
import * as v from 'valibot';
import { inRange } from '../core/range-schema.ts';
import { settingRanges } from '../core/setting-ranges.ts';
import { generatorSchema } from './generators/index.ts';
import { mixSchema } from './mix-schema.ts';
import { corpusSchema } from './schema/corpus.ts';
import { diagnosticsSchema } from './schema/diagnostics.ts';
import { evaluationSchema } from './schema/evaluation.ts';
import { evidenceSchema } from './schema/evidence.ts';
import { lossSchema } from './schema/loss.ts';
import { described, encodingEntries, model, name, seed, text } from './schema/parts.ts';
import { teacherSchema } from './schema/teacher.ts';
import { learningRate, trainingSchema } from './schema/training.ts';
import { sourceSchema } from './sources/index.ts';

const temperature = inRange(settingRanges.temperature);

const arm = v.strictObject({
  name,
  source: described(v.optional(name), 'Source of the training lists. Set either this or a mix.'),
  mix: described(v.optional(mixSchema), 'Several sources at once, each with a weight and a schedule.'),
  filters: described(v.optional(name), 'Stack of filter rules applied to the lists.'),
  loss: lossSchema,
  training: v.optional(trainingSchema, {}),
});

const tuning = v.strictObject({
  learningRates: v.optional(v.array(learningRate), []),
  temperatures: described(
    v.optional(v.array(temperature), []),
    'Temperatures to try for each arm whose loss has one.',
  ),
  epochs: described(
    v.optional(inRange(settingRanges.epochs)),
    'Passes over the lists per trial. Default: those of the training.',
  ),
  maxSteps: v.optional(inRange(settingRanges.steps)),
});

export const recipeSchema = v.strictObject({
  $schema: v.optional(v.string()),
  version: described(v.literal(1), 'Format version.'),
  name,
  title: described(v.optional(text), 'Name for people, where recipes are offered.'),
  question: described(v.optional(text), 'The question that the experiment answers, in a sentence.'),
  description: v.optional(v.string(), ''),
  seeds: described(
    v.optional(v.pipe(v.array(seed), v.minLength(1)), [1]),
    'Each arm is trained once with each seed.',
  ),
  corpus: corpusSchema,
  encoder: described(
    v.strictObject({ model, ...encodingEntries }),
    "Base encoder of every arm. These settings override the model's own.",
  ),
  generators: described(
    v.optional(v.record(name, generatorSchema), {}),
    'Language models that generate texts, by name. API keys are not part of a recipe; they are passed where it runs.',
  ),
  sources: described(v.record(name, sourceSchema), 'Sources of training lists, by name.'),
  teacher: described(
    v.optional(teacherSchema, { from: 'stored' }),
    'Teacher scores for losses and filters: those stored in the lists, those of a file (one line per pair: query, ' +
      'document, score), or those of a model that scores every passage, or of the vectors that an encoder has left in a ' +
      'file (embed --lists). A loss over the batch, kl(scope=batch), requires an encoder or vectors.',
  ),
  filters: described(
    v.optional(v.record(name, v.pipe(v.array(text), v.minLength(1))), {}),
    'Stacks of rules by name, each a list such as ["share<=0.95", "margin>=0.05@bm25"].',
  ),
  evidence: described(
    v.optional(evidenceSchema, {}),
    'Additional evidence for filter rules. It is not used for training.',
  ),
  training: described(
    v.optional(trainingSchema, {}),
    'Training settings of every arm, unless the arm overrides them.',
  ),
  arms: described(v.pipe(v.array(arm), v.minLength(1)), 'Configurations to compare.'),
  tuning: described(
    v.optional(tuning),
    'Hyperparameter search with the same budget for each arm: every combination is tried with the first seed, and the best on dev is used.',
  ),
  evaluation: v.optional(evaluationSchema, {}),
  diagnostics: described(
    v.optional(diagnosticsSchema),
    'Comparison of the negatives of these sources, by the untrained encoder and by words.',
  ),
});

/** A recipe with every default filled in. */
export type Recipe = v.InferOutput<typeof recipeSchema>;
/** A recipe as it may be written. */
export type RecipeInput = v.InferInput<typeof recipeSchema>;
export type RecipeArm = Recipe['arms'][number];
export type RecipeTuning = NonNullable<Recipe['tuning']>;
