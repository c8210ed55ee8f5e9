import * as v from 'valibot';
import { inRange } from '../../core/range-schema.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { count, described, fileEntries, name, seed, text } from './parts.ts';

export const heldOutQueries = v.strictObject({
  heldOut: described(name, 'Generated source whose queries for passages of the corpus are used.'),
  passages: described(
    v.optional(count, 200),
    'Passages that are held out, at random. All queries that the source has for them are used, each with its passage ' +
      'as the only positive. No training list has such a query, or such a passage as a positive.',
  ),
  seed: v.optional(seed, 0),
});

/** What is searched, and which of its queries train, choose and test. */
export const corpusSchema = v.strictObject({
  folder: described(v.optional(text), 'A folder or zip in BEIR layout.'),
  builtIn: described(v.optional(v.picklist(['demo'])), 'A corpus that comes with the studio.'),
  titles: described(v.optional(v.boolean(), true), 'Whether passages include titles.'),
  train: described(
    v.optional(v.nullable(text), 'train'),
    'Split to train on; null if all lists come from files.',
  ),
  dev: described(
    v.optional(
      v.union([
        v.strictObject({ split: text }),
        v.strictObject({
          share: inRange({ above: 0, max: settingRanges.heldOutShare.max }),
          seed: v.optional(seed, 0),
          among: described(
            v.optional(v.picklist(['corpus', 'lists'])),
            "Passages that a dev query's positives are ranked among: BM25 candidates of the corpus (default), or the " +
              'passages of the lists that are held out, for lists that come from files.',
          ),
        }),
        heldOutQueries,
        v.strictObject(fileEntries),
        v.null(),
      ]),
      { share: 0.1, seed: 0 },
    ),
    'Dev set that selects checkpoints and settings: a split, a share of the train queries, queries ' +
      'written for held-out passages, a file of lists among whose passages the positives are ranked, or null for none. A share is ' +
      'held out in groups of queries that share positives, or in whole queries where most queries share positives.',
  ),
  devCandidates: described(
    v.optional(inRange(settingRanges.candidates), 20),
    'BM25 candidates per dev query. Its positives are ranked among these and those of all other dev queries.',
  ),
  test: described(
    v.optional(v.union([text, heldOutQueries]), 'test'),
    'Split to evaluate on, which is never used for training; or, for a corpus without judgments, queries written for ' +
      'passages that are held out.',
  ),
  fold: described(
    v.optional(
      v.strictObject({
        of: inRange(settingRanges.folds),
        index: inRange(settingRanges.foldIndex),
        seed: v.optional(seed, 0),
      }),
    ),
    'For a set with one split: its queries are dealt into this many folds, queries that share a relevant document ' +
      'into the same one unless most queries share documents. The fold of this index (from 0) is tested, the others ' +
      'train. "train" and "test" name that split.',
  ),
});

/** Queries written for passages that are held out. */
export type HeldOutQueries = v.InferOutput<typeof heldOutQueries>;
export type CorpusSettings = v.InferOutput<typeof corpusSchema>;
