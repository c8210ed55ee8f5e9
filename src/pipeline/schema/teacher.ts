import * as v from 'valibot';
import { inRange } from '../../core/range-schema.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { anyModel, described, encodingEntries, fileEntries } from './parts.ts';

const scale = v.optional(
  v.union([
    v.null(),
    described(v.literal('none'), 'Use raw scores, even if the lists have scaled ones.'),
    v.strictObject({
      group: described(
        v.optional(v.picklist(['query', 'source', 'file']), 'file'),
        'Group of scores that the percentiles are computed over.',
      ),
      low: v.optional(inRange(settingRanges.percentile), 1),
      high: v.optional(inRange(settingRanges.percentile), 99),
    }),
  ]),
  null,
);
/** Whose scores losses and filters read. */
export const teacherSchema = v.variant('from', [
  v.strictObject({ from: v.literal('stored'), scale }),
  v.strictObject({ from: v.literal('encoder'), model: anyModel, ...encodingEntries, scale }),
  v.strictObject({ from: v.literal('cross-encoder'), model: anyModel, scale }),
  v.strictObject({ from: v.literal('vectors'), ...fileEntries, scale }),
  v.strictObject({ from: v.literal('file'), ...fileEntries, scale }),
]);

export type TeacherSettings = v.InferOutput<typeof teacherSchema>;
