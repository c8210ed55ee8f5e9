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
  source: described(v.optional(name), 'The lists that are trained on. Either this or a mix.'),
  mix: described(v.optional(mixSchema), 'Several sources at a time, each with its weight and schedule.'),
  filters: described(v.optional(name), 'The stack of rules that the lists go through.'),
  loss: lossSchema,
  training: v.optional(trainingSchema, {}),
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
  corpus: corpusSchema,
  encoder: described(
    v.strictObject({ model, ...encodingEntries }),
    'What every arm starts from. What the model says of itself holds unless it is said differently here.',
  ),
  generators: described(
    v.optional(v.record(name, generatorSchema), {}),
    'The language models that write, by name. Keys of servers are no part of a recipe: they are given where it runs.',
  ),
  sources: described(v.record(name, sourceSchema), 'Where training lists come from, by name.'),
  teacher: described(
    v.optional(teacherSchema, { from: 'stored' }),
    'Whose scores losses and filters read: those that the lists carry, those of a file (a line for each pair: query, ' +
      'document, score), or those of a model that scores every passage.',
  ),
  filters: described(
    v.optional(v.record(name, v.pipe(v.array(text), v.minLength(1))), {}),
    'Stacks of rules by name, each a list such as ["share<=0.95", "margin>=0.05@bm25"].',
  ),
  evidence: described(
    v.optional(evidenceSchema, {}),
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
  evaluation: v.optional(evaluationSchema, {}),
  diagnostics: described(
    v.optional(diagnosticsSchema),
    'What the negatives of these sources look like beside each other, to the untrained encoder and in words.',
  ),
});

/** A recipe with every default filled in. */
export type Recipe = v.InferOutput<typeof recipeSchema>;
/** A recipe as it may be written. */
export type RecipeInput = v.InferInput<typeof recipeSchema>;
export type RecipeArm = Recipe['arms'][number];
export type RecipeTuning = NonNullable<Recipe['tuning']>;
