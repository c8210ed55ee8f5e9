import * as v from 'valibot';
import { inRange } from '../core/range-schema.ts';
import { settingRanges } from '../core/setting-ranges.ts';
import { movingChoices } from '../training/negative-choice.ts';

const described = <Schema extends v.GenericSchema>(schema: Schema, text: string) =>
  v.pipe(schema, v.description(text));

const step = inRange(settingRanges.steps);
const weight = inRange(settingRanges.sourceWeight);

/** How an arm trains on several sources at a time; what each member does stands in training/mixing/mix.ts. */
export const mixSchema = v.strictObject({
  batches: described(
    v.optional(v.picklist(['mixed', 'same-source', 'concatenated']), 'mixed'),
    'mixed: each batch has rows of all sources, by their weights; same-source: batches of single sources alternate; ' +
      'concatenated: all lists are pooled, so that a source is weighted by the number of its lists.',
  ),
  sources: v.pipe(
    v.array(
      v.strictObject({
        source: described(v.pipe(v.string(), v.nonEmpty()), 'Name of a source.'),
        filters: described(v.optional(v.string()), 'Stack of filter rules applied to its lists.'),
        weight: described(v.optional(weight, 1), 'Relative number of rows from this source.'),
        endWeight: described(v.optional(weight), 'Weight at its last step; it changes linearly.'),
        firstStep: described(v.optional(step), 'Counted from 1.'),
        lastStep: v.optional(step),
        temperature: described(
          v.optional(inRange(settingRanges.temperature)),
          'Overrides the temperature of each loss that has one.',
        ),
        margin: described(
          v.optional(inRange(settingRanges.margin)),
          'Overrides the margin of each loss that has one.',
        ),
        choice: described(
          v.optional(v.picklist(movingChoices)),
          'How negatives are chosen; overrides training.batches.choice. easy-to-hard goes from the lowest teacher scores ' +
            'to the highest.',
        ),
      }),
    ),
    v.minLength(1),
  ),
});

export type RecipeMix = v.InferOutput<typeof mixSchema>;
