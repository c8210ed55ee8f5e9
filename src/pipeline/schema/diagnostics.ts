import * as v from 'valibot';
import { count, described, name, scorers, seed, text } from './parts.ts';

export const diagnosticsDefaults = { loss: 'infonce(temperature=0.05)', sample: 200 } as const;

/** What is looked at in the negatives of sources. */
export const diagnosticsSchema = v.strictObject({
  sources: v.pipe(v.array(name), v.minLength(1)),
  by: described(
    v.optional(v.variant('from', scorers)),
    "Model whose scores estimate the false-negative rate: negatives that score above the positive. Default: the recipe's teacher.",
  ),
  loss: described(
    v.optional(text, diagnosticsDefaults.loss),
    'Loss whose gradient is attributed to the sources.',
  ),
  sample: described(
    v.optional(count, diagnosticsDefaults.sample),
    'Maximum number of lists per source, sampled at random.',
  ),
  seed: v.optional(seed, 0),
});

export type DiagnosticsSettings = v.InferOutput<typeof diagnosticsSchema>;
