import * as v from 'valibot';
import { inRange } from '../../core/range-schema.ts';
import { entriesOf } from '../../core/setting.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { trainingSettingTable } from '../../training/setting-table.ts';

export const learningRate = inRange(settingRanges.learningRate);

/** The trainer's own settings, all optional: an arm says what differs from the recipe, the recipe from the defaults. */
export const trainingSchema = v.strictObject(entriesOf(trainingSettingTable));

export type RecipeTraining = v.InferOutput<typeof trainingSchema>;
