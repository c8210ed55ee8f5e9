import * as v from 'valibot';
import { inRange } from '../../core/range-schema.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { described, text } from './parts.ts';

/** One loss: its name, weight and candidates, and its own settings beside them. */
const lossTerm = v.objectWithRest(
  { name: text, weight: v.optional(inRange(settingRanges.lossWeight)), scope: v.optional(text) },
  v.number(),
);
export const lossSchema = described(
  v.union([text, lossTerm, v.pipe(v.array(lossTerm), v.minLength(1))]),
  'A loss in the syntax of the train command, "kl + 0.1*infonce(temperature=0.02)"; an object with its name and ' +
    'settings, or a list of them.',
);

export type RecipeLoss = v.InferOutput<typeof lossSchema>;
