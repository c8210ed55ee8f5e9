/** What a user may choose of mining. */
import * as v from 'valibot';
import { inRange } from '../core/range-schema.ts';
import { choiceSetting, numberSetting, type SettledSetting } from '../core/setting.ts';
import { settingRanges } from '../core/setting-ranges.ts';

export interface RankRange {
  readonly first: number;
  readonly last: number;
}

const rank = inRange(settingRanges.rank);

export const defaultRanks: RankRange = { first: 1, last: 50 };

/** `1-50` on the command line. */
export const ranksSetting: SettledSetting<RankRange> = {
  schema: v.strictObject({ first: rank, last: rank }),
  default: defaultRanks,
  title: 'ranks',
  help: 'Ranks that candidates are taken from.',
  option: 'ranks',
  placeholder: 'first-last',
  wanted: 'two ranks, the lower one first, as in 1-50',
  read: (text) => {
    const [, first, last] = /^\s*(\d+)\s*-\s*(\d+)\s*$/.exec(text) ?? [];
    const range = { first: Number(first), last: Number(last) };
    return v.is(rank, range.first) && v.is(rank, range.last) && range.first <= range.last ? range : undefined;
  },
  show: ({ first, last }) => `${first}-${last}`,
};

export const miningSettingTable = {
  depth: numberSetting(settingRanges.depth, {
    title: 'fusion depth',
    help: 'Ranks of each retriever that are fused.',
    option: 'depth',
    default: 100,
  }),
  negatives: numberSetting(settingRanges.minedNegatives, {
    title: 'negatives',
    help: 'Number of candidates per list from each retriever.',
    option: 'negatives',
    default: 5,
  }),
  pick: choiceSetting(['random', 'top'], {
    title: 'pick',
    help: 'How candidates are sampled from the ranks.',
    option: 'pick',
    placeholder: 'how',
    default: 'random',
  }),
  lists: choiceSetting(['per-query', 'per-positive', 'listwise'], {
    title: 'lists',
    help:
      'per-query: one list per query, with its positives and with negatives labeled 0. per-positive: one list per ' +
      'positive. listwise: all positives and the top candidates, to be scored by a teacher.',
    option: 'lists',
    placeholder: 'kind',
    default: 'per-query',
  }),
  level: numberSetting(settingRanges.level, {
    title: 'level',
    help: 'Lowest grade that counts as positive.',
    option: 'level',
    placeholder: 'grade',
    default: 1,
  }),
} as const;
