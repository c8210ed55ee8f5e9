import * as v from 'valibot';
import { InputError } from '../../core/errors.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { inRange } from '../../core/range-schema.ts';
import { plantPositives } from '../../lists/planted.ts';
import { derivedLists } from '../lists-report.ts';
import { omit } from '../omit.ts';
import { described, level, name, seed } from '../schema/parts.ts';
import { defineSource, sourceStage } from '../source.ts';

/** The lists of another source with known positives among their negatives. */
export const planted = defineSource({
  schema: v.strictObject({
    kind: v.literal('planted'),
    of: described(
      name,
      'Source of the lists. Lists with two or more positives are used; the positive with the highest label is kept.',
    ),
    count: described(
      v.optional(inRange(settingRanges.candidates), 1),
      'Maximum number of the other positives that replace negatives of their list. With 0, the ' +
        'same lists are made without them, as a control.',
    ),
    level: described(v.optional(level, 1), 'Lowest label that counts as positive.'),
    seed: v.optional(seed, 0),
  }),
  parts: ({ of }) => [{ name: of, path: ['of'] }],
  prepare: async (name, source, context) => {
    const { lists: of, expected } = await context.source(source.of);
    const lists = await sourceStage(name, {
      inputs: { planted: omit(source, 'of'), lists: of.key },
      needs: [of],
      run: async (workshop) => {
        const found = plantPositives(await workshop.listsOf(of), source);
        if (found.length === 0) {
          throw new InputError(`sources.${name}: no list of ${source.of} has two positives`, {
            remedy: 'Use a corpus with several relevant passages per query, or a lower level',
          });
        }
        return derivedLists(found, (await workshop.resultOf(of)).value.recorded);
      },
    });
    return { lists, expected };
  },
});
