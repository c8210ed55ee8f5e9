import * as v from 'valibot';
import { inRange } from '../../core/range-schema.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { described, fileEntries, seed, text } from './parts.ts';

/** What is searched, and which of its queries train, choose and test. */
export const corpusSchema = v.strictObject({
  folder: described(v.optional(text), 'A folder or zip in BEIR layout.'),
  builtIn: described(v.optional(v.picklist(['demo'])), 'A corpus that comes with the studio.'),
  titles: described(v.optional(v.boolean(), true), 'Whether titles are part of the passages.'),
  train: described(
    v.optional(v.nullable(text), 'train'),
    'The split that is trained on; null where all lists come from files.',
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
            "What a dev query's positives are to be found among: BM25 candidates of the corpus (default), or the " +
              'passages of the lists that are held out, for lists that come from files.',
          ),
        }),
        v.strictObject(fileEntries),
        v.null(),
      ]),
      { share: 0.1, seed: 0 },
    ),
    'What chooses checkpoints and settings: a split, a share of the train queries, a file of lists among whose ' +
      'passages the positives are to be found, or null for nothing. A share is ' +
      'held out in groups of queries that share positives, or in whole queries where most queries share positives.',
  ),
  devCandidates: described(
    v.optional(inRange(settingRanges.candidates), 20),
    "BM25 candidates of each dev query among which, with all other dev queries', its positives are to be found.",
  ),
  test: described(v.optional(text, 'test'), 'The split that is reported. It is never trained on.'),
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

export type CorpusSettings = v.InferOutput<typeof corpusSchema>;
