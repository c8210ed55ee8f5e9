/** What a user may choose where a model writes, beside prompts and generator. */
import { numberSetting } from '../core/setting.ts';
import { settingRanges } from '../core/setting-ranges.ts';
import { samplingSettingTable } from './sampling-setting-table.ts';

export const writingSettingTable = {
  count: numberSetting(settingRanges.itemsOfReply, {
    title: 'items of a reply',
    help: 'Items per reply, for prompts that do not fix the number. Default: set by the prompt.',
    option: 'count',
  }),
  seed: numberSetting(settingRanges.seed, {
    title: 'seed',
    help: 'Seed for sampling examples and tokens. Default: 0.',
    option: 'seed',
    default: 0,
  }),
  sampling: samplingSettingTable,
} as const;
