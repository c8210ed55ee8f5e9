/** A part of a recipe: what one command computes, with the same members and defaults as a whole recipe. */
import * as v from 'valibot';
import { corpusSchema, heldOutQueries } from './schema/corpus.ts';
import { text } from './schema/parts.ts';
import { recipeSchema } from './schema.ts';

const { encoder, generators, sources, teacher, evidence, filters, training, arms, evaluation } =
  recipeSchema.entries;

export const fragmentSchema = v.strictObject({
  /** Without a folder there are ready lists only. */
  corpus: v.optional(
    v.strictObject({
      ...corpusSchema.entries,
      train: v.optional(v.nullable(text), null),
      dev: v.optional(corpusSchema.entries.dev.wrapped, null),
      test: v.optional(v.nullable(v.union([text, heldOutQueries])), null),
    }),
    {},
  ),
  encoder: v.optional(encoder),
  generators,
  sources: v.optional(sources, {}),
  teacher,
  evidence,
  filters,
  training,
  arms: v.optional(v.array(arms.pipe[0].item), []),
  evaluation,
});

/** A part of a recipe with every default filled in. */
export type Fragment = v.InferOutput<typeof fragmentSchema>;
/** As it may be written. */
export type FragmentInput = v.InferInput<typeof fragmentSchema>;
