/** What several parts of a recipe are written with. */
import * as v from 'valibot';
import { encodingSettingTable } from '../../encoders/encoding-setting-table.ts';
import { inRange } from '../../core/range-schema.ts';
import { entriesOf, settledEntriesOf } from '../../core/setting.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { bm25SettingTable } from '../../retrieval/bm25-setting-table.ts';

export const described = <Schema extends v.GenericSchema>(schema: Schema, text: string) =>
  v.pipe(schema, v.description(text));

export const count = inRange(settingRanges.count);
export const seed = inRange(settingRanges.seed);
export const level = inRange(settingRanges.level);
export const label = inRange(settingRanges.label);
export const text = v.pipe(v.string(), v.nonEmpty());

/** Names of sources, filters, arms and baselines: also file names and the rows of a table. */
export const name = v.pipe(
  v.string(),
  v.regex(
    // Reports have systems as names of members, where these two would be dropped.
    /^(?!constructor$|prototype$)[A-Za-z0-9]([A-Za-z0-9 ,._+-]{0,58}[A-Za-z0-9+])?$/,
    'must be up to 60 letters, digits and " ,._+-", and not "constructor" or "prototype"',
  ),
);

/** A file that belongs to the corpus, or one anywhere. Exactly one of the two. */
export const fileEntries = {
  corpusFile: described(v.optional(text), 'A file of the corpus folder.'),
  file: described(v.optional(text), 'A file; its path is relative to where the command runs.'),
};

export const encodingEntries = entriesOf(encodingSettingTable);

export const model = described(text, 'nano, pico, a model folder or ORG/NAME on the hub.');
/** One that is not trained. */
export const anyModel = described(
  text,
  'nano, pico, a model folder or ORG/NAME on the hub; prefix it with transformers.js: to run it with transformers.js.',
);

export const bm25Entries = settledEntriesOf(bm25SettingTable);

/** Whose scores order passages. */
export const scorers = [
  v.strictObject({ from: v.literal('stored') }),
  v.strictObject({ from: v.literal('encoder'), model: anyModel, ...encodingEntries }),
  v.strictObject({ from: v.literal('cross-encoder'), model: anyModel }),
  v.strictObject({ from: v.literal('vectors'), ...fileEntries }),
  v.strictObject({ from: v.literal('file'), ...fileEntries }),
] as const;

export type RecipeScorer = v.InferOutput<(typeof scorers)[number]>;
/** A scorer that is to be asked: a model, or the file that one left. */
export type AskedScorer = Exclude<RecipeScorer, { readonly from: 'stored' }>;

/** Lists of another source, or passages, of which a sample may be drawn. */
export const sampleEntries = { sample: v.optional(count), seed: v.optional(seed, 0) };
