/** What a user may choose where a model writes, beside prompts and generator. */
import { numberSetting } from '../core/setting.ts';
import { settingRanges } from '../core/setting-ranges.ts';
import { samplingSettingTable } from './sampling-setting-table.ts';

export const writingSettingTable = {
  count: numberSetting(settingRanges.itemsOfReply, {
    title: 'items of a reply',
    help: "Items of a reply, where the prompt leaves that open. Default: the prompt's own.",
    option: 'count',
  }),
  seed: numberSetting(settingRanges.seed, {
    title: 'seed',
    help: 'Seed of examples and of the tokens that are drawn. Default: 0.',
    option: 'seed',
    default: 0,
  }),
  sampling: samplingSettingTable,
} as const;
