import * as v from 'valibot';
import { inRange } from '../../core/range-schema.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { bm25Entries, described, encodingEntries, level, model, name, text } from './parts.ts';

const baseline = v.union([
  v.picklist(['bm25', 'untrained']),
  v.strictObject({ name, model, ...encodingEntries }),
]);

/** What is measured, and what is compared with what. */
export const evaluationSchema = v.strictObject({
  measures: described(
    v.optional(v.pipe(v.array(text), v.minLength(1)), ['ndcg_cut_10', 'recall_10']),
    'Measures by their trec_eval names; ndcg@10 is also accepted.',
  ),
  depth: described(v.optional(inRange(settingRanges.depth), 100), 'Documents retrieved per query.'),
  dropIdentical: v.optional(v.boolean(), false),
  level: described(v.optional(level, 1), 'Lowest grade that counts as relevant.'),
  disjoint: described(
    v.optional(v.boolean(), true),
    'Whether to also report test queries that share no relevant document with a train query.',
  ),
  baselines: v.optional(v.array(baseline), ['bm25', 'untrained']),
  hybrids: described(
    v.optional(v.array(name), []),
    'Systems that are also fused with the baseline bm25 by reciprocal rank (k = 60); each is another row, NAME + bm25.',
  ),
  bm25: v.optional(v.strictObject(bm25Entries), {}),
  against: described(
    v.optional(v.nullable(name)),
    'System that every arm is compared with; null for none. Default: untrained, if it is a baseline.',
  ),
  pairs: described(
    v.optional(v.array(v.strictTuple([name, name])), []),
    'Additional pairs to compare: [system, reference].',
  ),
  alpha: v.optional(inRange(settingRanges.significanceLevel), 0.05),
  samples: described(
    v.optional(inRange(settingRanges.samples), 10_000),
    'Number of permutations and bootstrap samples.',
  ),
  show: v.optional(
    v.strictObject({
      arm: described(v.optional(name), 'Default: the last arm.'),
      queries: described(
        v.optional(v.union([inRange(settingRanges.shown), v.array(text)]), 1),
        'Query ids, or how many to show: those that gained and lost the most, alternating.',
      ),
    }),
    {},
  ),
});

export type EvaluationSettings = v.InferOutput<typeof evaluationSchema>;
export type RecipeBaseline = EvaluationSettings['baselines'][number];
