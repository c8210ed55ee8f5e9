/** Settings of BM25. */
import { choiceSetting, numberSetting } from '../core/setting.ts';
import { settingRanges } from '../core/setting-ranges.ts';
import { analyzerNames } from './analyzer.ts';

export const bm25SettingTable = {
  k1: numberSetting(settingRanges.k1, {
    title: 'k1',
    help: 'BM25 k1: term frequency saturation. Higher values saturate more slowly.',
    option: 'k1',
    placeholder: 'value',
    default: 0.9,
  }),
  b: numberSetting(settingRanges.b, {
    title: 'b',
    help: 'BM25 b: strength of document length normalization, from 0 to 1.',
    option: 'b',
    placeholder: 'value',
    default: 0.4,
  }),
  analyzer: choiceSetting(analyzerNames, {
    title: 'analyzer',
    help: 'Text analysis: english (stop words and stemming) or plain (words only, for other languages).',
    option: 'analyzer',
    placeholder: 'name',
    default: 'english',
  }),
} as const;
