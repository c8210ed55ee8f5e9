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
  help: 'The ranks that candidates come from.',
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
    help: 'Ranks of each retriever that fusion looks at.',
    option: 'depth',
    default: 100,
  }),
  negatives: numberSetting(settingRanges.minedNegatives, {
    title: 'negatives',
    help: 'Candidates of each retriever in a list.',
    option: 'negatives',
    default: 5,
  }),
  pick: choiceSetting(['random', 'top'], {
    title: 'pick',
    help: 'How candidates are picked among the ranks.',
    option: 'pick',
    placeholder: 'how',
    default: 'random',
  }),
  lists: choiceSetting(['per-query', 'per-positive', 'listwise'], {
    title: 'lists',
    help:
      'One list per query with its positives and negatives labeled 0, one per positive, or listwise: everything ' +
      'judged relevant and the best candidates, for a teacher to score.',
    option: 'lists',
    placeholder: 'kind',
    default: 'per-query',
  }),
  level: numberSetting(settingRanges.level, {
    title: 'level',
    help: 'The lowest grade of a positive.',
    option: 'level',
    placeholder: 'grade',
    default: 1,
  }),
} as const;
