/** What a user may choose of BM25. */
import { choiceSetting, numberSetting } from '../core/setting.ts';
import { settingRanges } from '../core/setting-ranges.ts';
import { analyzerNames } from './analyzer.ts';

export const bm25SettingTable = {
  k1: numberSetting(settingRanges.k1, {
    title: 'k1',
    help: "BM25's k1: how slowly repetitions of a term saturate.",
    option: 'k1',
    placeholder: 'value',
    default: 0.9,
  }),
  b: numberSetting(settingRanges.b, {
    title: 'b',
    help: "BM25's b: how strongly scores are normalized by document length.",
    option: 'b',
    placeholder: 'value',
    default: 0.4,
  }),
  analyzer: choiceSetting(analyzerNames, {
    title: 'analyzer',
    help: 'How texts become terms: english (stop words, stems) or plain (words only, for other languages).',
    option: 'analyzer',
    placeholder: 'name',
    default: 'english',
  }),
} as const;
