import * as v from 'valibot';
import { anyModel, described, encodingEntries, fileEntries } from './parts.ts';

/** What rules may read beside the teacher. */
export const evidenceSchema = v.strictObject({
  guide: described(
    v.optional(
      v.variant('from', [
        v.strictObject({ from: v.literal('encoder'), model: anyModel, ...encodingEntries }),
        v.strictObject({ from: v.literal('cross-encoder'), model: anyModel }),
        v.strictObject({ from: v.literal('file'), ...fileEntries }),
      ]),
    ),
    'A second model that scores every passage, or a file of its scores, for the rules guide-margin and ' +
      'guide-relative-margin.',
  ),
  modelLabels: described(
    v.optional(v.strictObject(fileEntries)),
    'Labels from a language model, for the rule model-label: query id, document id and label (0 to 3).',
  ),
  handLabels: described(
    v.optional(v.strictObject(fileEntries)),
    'Labels from human annotators, for the rule hand-label: query id, document id and label.',
  ),
  answers: described(
    v.optional(v.strictObject(fileEntries)),
    'Short answers, for the rule answers: query id and answer.',
  ),
});

export type EvidenceSettings = v.InferOutput<typeof evidenceSchema>;
